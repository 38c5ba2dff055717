"""Answers that list functions, reduced to those that may be opened."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.backoffice.treatment.html_page import Page
from gateway.backoffice.treatment.menus import Menu, Removed, reduce_json, reduce_page
from gateway.backoffice.treatment.unfit import UnfitAnswerError

OPENS = {"functionId": "/RF.jsp?function_id="}


def may_open(address: str) -> bool:
    return address in {"/RF.jsp?function_id=1", "/yes", "yes.jsp"}


MENU = Menu(opens=OPENS, may_open=may_open)


def reduced(value: Any) -> tuple[Any, int]:
    removed = Removed()
    return reduce_json(value, MENU, removed), removed.count


def page(text: str) -> tuple[str, int]:
    read, removed = Page(f"<body>{text}"), Removed()
    reduce_page(read, MENU, removed)
    shown = read.write().decode().partition("<body>")[2].removesuffix("</body></html>")
    return shown, removed.count


@pytest.mark.parametrize(
    ("value", "left", "gone"),
    [
        ([{"url": "/yes"}, {"url": "/no", "label": "L"}], [{"url": "/yes"}], 1),
        ([{"functionId": 1}, {"functionId": "2"}], [{"functionId": 1}], 1),
        ({"items": [{"x": 1}], "u": "/yes"}, {"items": [{"x": 1}], "u": "/yes"}, 0),
        (
            {"menu": [{"label": "Pay", "items": [{"url": "/no"}]}, {"items": [{"url": "/yes"}]}]},
            {"menu": [{"items": [{"url": "/yes"}]}]},
            1,
        ),
        ([{"functionId": None, "items": [{"url": "/yes"}]}], None, 0),
        ([{"url": "https://elsewhere/x"}, {"url": "/yes"}], [{"url": "/yes"}], 1),
        ([{"odd": "OA.jsp?OAFunc=X"}, {"odd": "yes.jsp"}], [{"odd": "yes.jsp"}], 1),
        ([{"functionId": True}, {"functionId": [1]}, {"functionId": 1}], [{"functionId": 1}], 2),
        (["/no", "/yes", "plain"], ["/yes", "plain"], 1),
        ({"links": [], "t": "x"}, {"links": [], "t": "x"}, 0),
    ],
)
def test_what_may_not_be_opened_goes_with_all_it_holds(value: Any, left: Any, gone: int) -> None:
    assert reduced(value) == (value if left is None else left, gone)


def test_a_menu_of_which_nothing_is_left_is_refused() -> None:
    with pytest.raises(UnfitAnswerError):
        reduced({"menu": [{"url": "/no"}]})


@pytest.mark.parametrize(
    ("text", "left", "gone"),
    [
        (
            "<ul><li><a href=/yes>Y</a></li><li><a href=/no>N</a> of it</li></ul>",
            '<ul><li><a href="/yes">Y</a></li></ul>',
            1,
        ),
        ("<h2>Pay</h2><ul><li><a href=/no>N</a></li></ul><p>x</p>", "<p>x</p>", 1),
        (
            "<ul><li>Pay<ul><li><a href=/no>N</a></li></ul></li><li><a href=/yes>Y</a></li></ul>",
            '<ul><li><a href="/yes">Y</a></li></ul>',
            1,
        ),
        (
            "<ul><li><a href=/yes>Y</a><ul><li><a href=/no>N</a></li></ul></li></ul>",
            '<ul><li><a href="/yes">Y</a></li></ul>',
            1,
        ),
        ("<p>a <a href=/no>N</a> b <a href=#top>t</a>", '<p>a  b <a href="#top">t</a></p>', 1),
        ("<a href=' /no'>N</a><a href=//evil/yes>N</a>", "", 2),
        ("<select><option value=/no>N<option value=/yes>Y<option value=3>3</select>", None, 1),
        ("<form action=/no><button>N</button></form><p>x", "<p>x</p>", 1),
        ("<div data-functionid=2>N</div><div data-functionid=1>Y</div>", None, 1),
        ("<b onclick=\"go('/no')\">x</b><script>go('/no')</script>", "<b>x</b>", 0),
    ],
)
def test_links_that_may_not_be_opened_go_with_their_items(
    text: str, left: str | None, gone: int
) -> None:
    shown, count = page(text)

    assert count == gone
    assert "N" not in shown
    assert "/no" not in shown
    if left is not None:
        assert shown == left
    else:
        assert "Y" in shown


@pytest.mark.parametrize(
    "text",
    [
        "<p data-href='/no'>N</p>",
        "<table><tr data-url='/no'><td>N</table>",
        "<a href='#' data-to=' https://elsewhere/x'>N</a>",
        "<b data-page=OA.jsp?OAFunc=X>N</b>",
        "<svg><a xlink:href='/no'>N</a></svg>",
    ],
)
def test_what_a_script_would_lead_on_goes_too(text: str) -> None:
    shown, gone = page(f"{text}<div data-root='/'><a href=/yes data-to=/yes>Y</a></div>")

    assert ">N<" not in shown
    assert '<div data-root="/"><a href="/yes" data-to="/yes">Y</a></div>' in shown
    assert gone == 1


def test_a_link_that_is_led_on_twice_is_one() -> None:
    assert page("<a href=/no data-to=/no>N</a><a href=/yes>Y</a>") == ('<a href="/yes">Y</a>', 1)

"""Pages that list functions, reduced to those that may be opened."""

from __future__ import annotations

import pytest

from gateway.backoffice.treatment.html_menus import reduce_page
from gateway.backoffice.treatment.html_page import Page
from gateway.backoffice.treatment.menus import Menu, Removed
from tests.gateway.backoffice.treatment.test_menus import OPENS, may_open

MENU = Menu(opens=OPENS, may_open=may_open)


def page(text: str) -> tuple[str, int]:
    read, removed = Page(f"<body>{text}"), Removed()
    reduce_page(read, MENU, removed)
    shown = read.write().decode().partition("<body>")[2].removesuffix("</body></html>")
    return shown, removed.count


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
        ("<b onclick=\"go('/no')\">N</b><script>go('/no')</script>", "", 1),
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


@pytest.mark.parametrize(
    "entry",
    [
        "<a href=\"javascript:go('/no')\">N</a>",
        "<a href='javascript:open(17)'>N</a>",
        "<a href='#' onclick=\"go('/no')\">N</a>",
        "<a href='#' onclick=\"go('/yes'); go('/no')\">N</a>",
        "<a href='#'>N</a>",
        "<a href='#/no'>N</a>",
        "<a href='#elsewhere'>N</a>",
        "<a>N</a>",
        "<a href='#'><img alt=N></a>",
        "<span onclick='pay()'>N</span>",
        "<span onmousedown='pay()'>N</span>",
        "<span role=menuitem>N</span>",
        "<span data-action=pay>N</span>",
        "<span data-menu-id=7>N</span>",
        "<button type=button>N</button>",
        "<button>N</button>",
        "<input type=button value=N onclick='pay()'>",
        "<select onchange='go(this.value)'><option value=7>N</select>",
        "N",
    ],
)
@pytest.mark.parametrize("around", ["<li>{}</li>", "<li><div><b>{}</b> N</div></li>"])
def test_an_entry_that_cannot_be_tied_to_a_function_goes_with_its_words(
    entry: str, around: str
) -> None:
    shown, gone = page(f"<ul>{around.format(entry)}<li><a href=/yes>Y</a></li></ul>")

    assert shown == '<ul><li><a href="/yes">Y</a></li></ul>'
    assert gone == 1


@pytest.mark.parametrize(
    "entry",
    [
        "<a href=/yes onclick=\"track('x')\">Y</a>",
        "<a href=/yes><span onclick='track()'>Y</span></a>",
        "<a href='#' onclick=\"go('/yes', 'x')\">Y</a>",
        "<a href=\"javascript:go('/yes')\">Y</a>",
        "<a href='#pay'>Y</a><p id=pay></p>",
        "<span data-action=/yes onclick=\"go('/yes')\">Y</span>",
        "<form action=/yes><input type=text onkeyup='a()'><button>Y</button></form>",
        "<div onmouseover='a()'><a href=/yes>Y</a></div>",
        "<select onchange='go(this.value)'><option value=/yes>Y</select>",
    ],
)
def test_an_entry_that_leads_to_what_may_be_opened_stays(entry: str) -> None:
    shown, gone = page(f"<ul><li>{entry}</li></ul>")

    assert "Y" in shown
    assert gone == 0


def test_of_a_list_of_choices_that_a_script_reads_those_that_are_known_stay() -> None:
    shown, gone = page(
        "<select onchange='go(this.value)'><option value=''>Choose<option value=/yes>Y"
        "<option value=7>N</select>"
    )

    assert ("Choose" in shown, "Y" in shown, "N" in shown, gone) == (True, True, False, 1)


def test_a_list_that_leads_nowhere_stays() -> None:
    text = "<ul><li>No notifications</li></ul>"

    assert page(f"{text}<a href=/yes>Y</a>")[0].startswith(text)

"""Names whose value was not found where values are."""

from __future__ import annotations

import html
import time

import pytest

from gateway.backoffice.treatment.found import Found
from gateway.backoffice.treatment.html_mask import demand_masked, mask_page
from gateway.backoffice.treatment.html_page import Page
from tests.gateway.backoffice.treatment.bank import HIDDEN, mask
from tests.gateway.backoffice.treatment.odd import faults, odd

PAGES = odd("odd_pages.txt")
END = "<hr><h3>End</h3>"


def masked(text: str) -> str:
    page, found = Page(f"<!doctype html><body>{text}"), Found()
    mask_page(page, mask(), found)
    written = page.write()
    demand_masked(written, found)
    return html.unescape(written.decode().partition("<body")[2])


@pytest.mark.parametrize("kind", PAGES)
def test_a_value_is_masked_on_every_odd_page_and_what_is_beside_it_stays(kind: str) -> None:
    def treated(page: str) -> str:
        return masked(page.replace("\\n", "\n").replace("\\t", "\t") + END)

    assert "\n".join(faults(PAGES[kind], treated)) == ""


@pytest.mark.parametrize(
    ("page", "kept"),
    [
        ("<p>Ring 1234.</p><p>The sort code is held by payroll.</p><p>Room 77</p>", "1234 77"),
        ("<dl><dt>Pay no</dt><dd>1234</dd><dt>Sort code</dt><dd>x</dd></dl>", "1234"),
        ("<dl><dt>Sort code</dt><dd></dd><dt>Pay no</dt><dd>1234</dd></dl>", "1234"),
        ("<table><tr><th>Sort code<td><tr><th>Pay no<td>1234</table>", "1234"),
        ("<table><tr><th>Pay no<td>1234<tr><th>Sort code<td></table>", "1234"),
        ("<table><tr><th>Pay no<th>Sort code<tr><td>1234<td>x</table>", "1234"),
        ("<div><b>Pay no</b> 1234<br><b>Sort code</b> x<br><b>Room</b> 77</div>", "1234 77"),
        ("<p class=k>Pay<p class=v>1234<p class=k>Sort code<p class=v>S<p class=k>Q<p>7", "1234 7"),
        ("<h2>Pay 1234</h2><p>Sort code: x</p>", "1234"),
        ("<p>Pay 1234</p><p>Sort code: x</p>", "1234"),
        ("<pre>Pay no: 1234\nSort code: x</pre>", "1234"),
    ],
)
def test_what_has_a_name_of_its_own_stays(page: str, kept: str) -> None:
    shown = masked(page + END)

    assert [each for each in kept.split() if each not in shown] == []


@pytest.mark.parametrize(
    ("page", "stays"),
    [
        ("<div><b>Robin Ash</b><i>Sort code</i></div>", False),
        ("<div><div>Robin Ash</div><div><i>Sort code</i></div></div>", False),
        ("<dl><dd>Robin Ash</dd><dt>Sort code</dt></dl>", False),
        ("<div><p>Robin Ash asks:</p><p>Sort code</p></div>", True),
        ("<ol><li><a href=/>Robin Ash</a><li>Sort code</ol>", True),
        ("<div><h3>Robin Ash</h3><p>Sort code</p></div>", True),
        ("<div>Robin Ash <b>sort code</b></div>", True),
        ("<div><b>Robin Ash</b><i>x</i><i>Sort code</i></div>", True),
    ],
)
def test_words_are_a_value_where_they_stand_alone_before_a_name(page: str, stays: bool) -> None:
    assert ("Robin Ash" in masked(page + END)) is stays


def test_where_names_and_values_are_made_alike_all_that_look_like_values_go() -> None:
    shown = masked("<p>Sort code</p><p>12 Mill Lane</p><p>Winsford</p><p>CW7 1AA</p>")

    assert shown.count(HIDDEN) == 2
    assert "Winsford" in shown


@pytest.mark.parametrize(
    "piece",
    [
        "<i class=icon-sort-code></i> ",
        "1 (sort code) ",
        "sort code (12) ",
        "<div>1<p>Sort code</p></div>",
        "<span>1</span><span>Sort code</span>",
        "<dt>Sort code",
    ],
)
def test_pages_of_names_without_values_take_time_by_their_length(piece: str) -> None:
    began = time.process_time()

    masked(f"<div>{piece * 700}")

    assert time.process_time() - began < 1

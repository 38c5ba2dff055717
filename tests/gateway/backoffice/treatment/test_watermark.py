"""Marks on pages, tables and texts."""

from __future__ import annotations

import pytest

from gateway.backoffice.treatment.html_page import Page
from gateway.backoffice.treatment.watermark import mark_page, mark_table, mark_text

MARK = 'Shown to Robin <b> "Ash", Cheshire'


@pytest.mark.parametrize("text", ["<body><p>x</p>", "<body>", "<body>x"])
def test_a_page_is_marked_above_and_below(text: str) -> None:
    page = Page(text)
    mark_page(page, MARK)

    notes = page.find("[data-gateway-mark]")
    assert [note.text() for note in notes] == [MARK] * (1 if text == "<body>" else 2)
    assert page.body.last_child == notes[-1]
    assert page.body.first_child == notes[0]


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("a,b\r\n1,2\r\n", 'a,b\r\n1,2\r\n"M ""q"""\r\n'),
        ("a,b\n1,2", 'a,b\n1,2\n"M ""q"""\n'),
        ("", '"M ""q"""\r\n'),
    ],
)
def test_a_table_is_marked_in_a_row_of_its_own(text: str, marked: str) -> None:
    assert mark_table(text, 'M "q"') == marked


@pytest.mark.parametrize("sign", "=+-@")
def test_a_mark_is_no_formula(sign: str) -> None:
    assert mark_table("a\n", f"{sign}1") == f'a\n"\'{sign}1"\n'


def test_a_text_is_marked_above_and_below() -> None:
    assert mark_text("a\r\nb", "M") == "M\r\na\r\nb\r\nM\r\n"
    assert mark_text("a\n", "M") == "M\na\nM\n"

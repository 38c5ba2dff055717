"""What stands beside and below a name in a table."""

from __future__ import annotations

import pytest

from gateway.backoffice.treatment.field_mask import MaskedField
from gateway.backoffice.treatment.html_outline import Outline, Part
from gateway.backoffice.treatment.html_page import Page
from gateway.backoffice.treatment.html_tables import beside_in, looks_filled, made_as
from gateway.backoffice.treatment.unfit import UnfitAnswerError

FIELD = MaskedField("bank.x", "")


def beside(rows: str) -> str:
    """The cells beside or below `X`."""
    outline = Outline(Page(f"<table>{rows}</table>"))
    found = beside_in(outline.find("table")[0], lambda cell: FIELD if cell.says() == "X" else None)
    return " ".join(part.says() for part, _, _ in found)


@pytest.mark.parametrize(
    ("rows", "masked"),
    [
        ("<tr><th>A<th>X<th>B<tr><td>1<td>2<td>3<tr><td>4<td>5<td>6", "2 5"),
        ("<thead><tr><td>A<td>X</thead><tr><td>1<td>2", "2"),
        ("<tr><th>A<td>1<tr><th>X<td>2<td>3<tr><th>B<td>4", "2 3"),
        ("<tr><td>X<td>1<tr><td>A<td>2", "1"),
        ("<tr><td>A<td>1<td>X<tr><td>B<td>2<td>3", "3"),
        ("<tr><td>X<td>A<tr><td>1<td>2", "A 1"),  # may be either
        ("<tr><th>A<th>X<td><tr><td>1<td>2<td>3", " 2"),
        ("<tr><th scope=col>X<td>1<tr><td>2<td>3", "2"),
        ("<tr><th>A<th>B<tr><th scope=row>X<td>1<tr><th>C<td>2", "1"),
        ("<tr><th colspan=2>A<th>X<tr><td>1<td>2<td>3", "3"),
        ("<tr><th>A<th colspan=2>X<tr><td>1<td>2<td>3", "2 3"),
        ("<tr><th>X<th>A<tr><td colspan=2>1", "1"),
        ("<tr><th rowspan=2>A<th>B<tr><th>X<tr><td>1<td>2", "2"),
        ("<tr><td rowspan=0>A<td>B<td>X<tr><td>1<td>2<tr><td>3<td>4", "2 4"),
        ("<tr><th rowspan=2>X<td>1<tr><td>2<tr><td>3", "1 2"),
        ("<tbody><tr><td rowspan=9>A<td>X<tbody><tr><td>1<td>2", "2"),
        ("<tr><td>A<tr><td>X<tr><td>1", "1"),
        ("<tr><td><table><tr><th>X<td>1</table><td>2", ""),
        ("<tr><th>A<th>X<tr><td>1<td>X<tr><td>2<td>3", "3"),
    ],
)
def test_a_cell_is_beside_or_below_a_name(rows: str, masked: str) -> None:
    assert beside(rows) == masked


def test_a_table_wider_than_any_is_refused() -> None:
    with pytest.raises(UnfitAnswerError):
        beside("<tr>" + "<td colspan=1000>" * 11)


def only(text: str) -> Part:
    return Outline(Page(text)).find("body")[0].inside[0]


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("<p>12", True),
        ("<p>a@b", True),
        ("<p><input>", True),
        ("<p>ab", False),
        ("<p>1" + "x" * 200, False),
    ],
)
def test_what_looks_like_a_value_has_digits_or_is_filled_in(text: str, filled: bool) -> None:
    assert looks_filled(only(text)) is filled


def test_an_element_says_by_its_role_what_it_is_for_a_table() -> None:
    assert [made_as(only(f"<div role=' {role} '>")) for role in ("Row", "", "cell")] == [
        "row", "", "cell",
    ]  # fmt: skip
    assert made_as(only("<p>")) == ""

"""Values beside the name of a field on a page."""

from __future__ import annotations

import pytest

from gateway.backoffice.treatment.field_mask import BORDER
from gateway.backoffice.treatment.html_labels import FOUND, MAYBE, Labels
from gateway.backoffice.treatment.html_outline import Outline
from gateway.backoffice.treatment.html_page import Page
from tests.gateway.backoffice.treatment.bank import mask


def beside(text: str) -> list[str]:
    """The texts that stand beside a name, in order."""
    found = {id(part): part for part, _ in Labels(Outline(Page(text)), mask()).beside()}
    return [
        (part.says().replace(BORDER, "") or part.attributes.get("id") or "").strip()
        for part in found.values()
    ]


@pytest.mark.parametrize(
    ("page", "values"),
    [
        ("<dl><dt>Sort code</dt><dd>S1</dd><dd>S2</dd><dt>Name</dt><dd>N</dd></dl>", ["S1", "S2"]),
        ("<dl><div><dt>Sort <b>code</b>:</dt><dd>S</dd></div></dl>", ["S"]),
        (
            "<table><tr><th>Name<th>Sort code<tr><td>N<td>S1<tr><td>N<td>S2</table>",
            ["S1", "S2"],
        ),
        ("<table><tr><th>Sort code<td>S<tr><th>Name<td>N</table>", ["S"]),
        (
            "<table><tr><th colspan=2>Name<th>Sort code<tr><td>N<td>M<td>S</table>",
            ["S"],
        ),
        (
            "<table><tr><th>Sort code<th>Name<tr><td colspan=2>both</table>",
            ["both"],
        ),
        ("<table><tr><td>Name<td>N<tr><td>Sort code<td>S</table>", ["S"]),
        (
            "<table><tr><td><table><tr><th>Sort code<td>S</table><td>outer</table>",
            ["S"],
        ),
        ("<label for=f>Sort code</label><input id=f>", ["f"]),
        ("<label>Sort code <input id=g></label>", ["g"]),
        ("<p><b>Sort code</b> S1 <i>S2</i><br>N", ["S1", "S2"]),
        ("<p><b>Sort code:</b> S <b>Name:</b> N", ["S"]),
        ("<div><span>Sort code</span><span>S</span><span>N</span></div>", ["S"]),
        ("<div><div><em>Sort code</em></div><div>S</div></div>", ["S"]),
        ("<h2>Sort code</h2><p>S1</p><p>S2</p><h2>Name</h2><p>N</p>", ["S1", "S2"]),
        ("<select><option>Sort code</option><option>N</option></select>", []),
        ("<p>The sort code is a number</p>", []),
    ],
)
def test_a_value_is_found_beside_its_name(page: str, values: list[str]) -> None:
    assert beside(page) == values


def test_a_control_has_a_name_that_is_no_fields() -> None:
    outline = Outline(
        Page(
            "<label for=a>Name</label><input id=a><label>Town <input></label><input title=Town>"
            "<label for=b>Sort code</label><input id=b><input title='Sort code'><input>"
        )
    )
    labels = Labels(outline, mask())

    assert [labels.is_labelled(part) for part in outline.find("input")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


def test_it_is_told_how_sure_a_value_was_found() -> None:
    outline = Outline(
        Page("<p>Sort code</p><p>12</p><hr><div><b>Sort code</b> x</div><dl><dt>Sort code</dl>")
    )
    labels = Labels(outline, mask())
    list(labels.beside())

    known = [
        max(labels.found.get(id(each), 0) for each in (line[0], *line[0].around()))
        for line in labels.lines
    ]
    assert known == [FOUND, MAYBE, 0]

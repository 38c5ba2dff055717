"""Names that a page says otherwise than in one text."""

from __future__ import annotations

import pytest

from gateway.backoffice.treatment.html_attributes import Attributes
from gateway.backoffice.treatment.html_outline import Outline
from gateway.backoffice.treatment.html_page import Page
from gateway.backoffice.treatment.html_spoken import say_names
from tests.gateway.backoffice.treatment.bank import mask


def spoken(text: str) -> list[str]:
    """What lines say that say a name otherwise."""
    outline = Outline(Page(f"<body>{text}"))
    lines = say_names(outline, Attributes(outline, mask()).naming(), mask())
    return ["|".join(part.says().strip() for part in line) for line in lines]


@pytest.mark.parametrize(
    ("page", "lines"),
    [
        ("<table><tr><th class=sort_code>SC<td>1</table>", ["sort_code"]),
        ("<table><tr><th><a href='?order=sort_code'>SC</a></table>", ["sort_code"]),
        ("<table><tr><th><abbr title='Sort code'>SC</abbr></table>", ["sort_code"]),
        ("<table><tr><th><img alt='Sort code'></table>", ["sort_code"]),
        ("<dl><dt aria-label='Sort code'><svg></svg></dl>", ["sort_code"]),
        ("<p><i class='icon-sort-code'></i> 12</p>", ["sort_code|12"]),
        ("<p><i title='Sort code'></i><b>12</b></p>", ["sort_code|12"]),
        ("<span id=lblSortCode>SC</span> <span>12</span>", ["sort_code||12"]),
        ("<h3>Account</h3><p>Number</p>", ["Account number"]),
        ("<h3>Account</h3><p>Number: 12</p>", ["Account number: 12"]),
        ("<fieldset><legend>Account</legend><label>Number</label></fieldset>", ["Account number"]),
        ("<table><tr><th colspan=2>Account<tr><th>Number</table>", ["Account number"]),
        ("<dl><dt>Account<dd><dl><dt>Number</dl></dl>", ["Account number"]),
        ("<table><tr><th>Sort<br>code</table>", ["sort_code"]),
        ("<table><tr><th class=sort_code>Sort code</table>", []),  # says it already
        ("<table><tr><th class=sort_code>12</table>", []),
        ("<p class=sort_code>SC</p>", []),
        ("<img alt='Sort code 12-34-56'>", []),
        ("<h3>Account</h3><h3>Town</h3><p>Number</p>", []),
        ("<table><tr><th>Account<th>Number</table>", []),
        ("<p>Account</p><p>Number</p>", []),
    ],
)
def test_what_stands_for_a_name_says_it(page: str, lines: list[str]) -> None:
    assert spoken(page) == lines

"""Values that stand before or below names in the texts of a page."""

from __future__ import annotations

import pytest

from gateway.backoffice.treatment.found import Found
from gateway.backoffice.treatment.html_labels import Labels
from gateway.backoffice.treatment.html_outline import Outline
from gateway.backoffice.treatment.html_page import Page
from gateway.backoffice.treatment.html_texts import cut_texts
from tests.gateway.backoffice.treatment.bank import HIDDEN, mask


def cut(text: str) -> str:
    page = Page(f"<body>{text}")
    outline, found = Outline(page), Found()
    cut_texts(outline, Labels(outline, mask()), mask(), found)
    assert found.fields == {"bank.sort_code"}
    assert found.holds("12-34-56")
    return page.body.html or ""


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("<p>a <i>12-34-56</i> <b>(sort code)</b> b</p>", f"<i>{HIDDEN}</i> <b>(sort code)</b> b"),
        ("<p>12-<b>34</b>-56 is her sort code", f"<p>{HIDDEN}<b></b> is her sort code"),
        ("<pre>A    Sort code\nk 1  12-34-56</pre>", f"Sort code\nk 1  {HIDDEN}</pre>"),
        ("<pre><b>A</b>    <u>Sort code</u>\nk 1  12-34-56</pre>", f"\nk 1  {HIDDEN}</pre>"),
        ("<tt>A  Sort code<br>k&nbsp; 12-34-56<br></tt>", f"<br>k  {HIDDEN}<br>"),
    ],
)
def test_a_value_is_cut_out_whatever_markup_is_in_it(page: str, shown: str) -> None:
    assert shown in cut(page)

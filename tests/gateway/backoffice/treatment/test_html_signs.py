"""Names that stand on a page as labels do."""

from __future__ import annotations

import pytest

from gateway.backoffice.treatment.html_labels import FOUND, MAYBE, Labels
from gateway.backoffice.treatment.html_outline import Outline
from gateway.backoffice.treatment.html_page import Page
from gateway.backoffice.treatment.html_signs import signs
from tests.gateway.backoffice.treatment.bank import mask


@pytest.mark.parametrize(
    ("page", "holder", "found"),
    [
        ("<div><p><b>Sort code</b></p>12</div>", "p", FOUND),
        ("<div><p>Sort code</p>x</div>", "p", MAYBE),
        ("<main><p>Sort code</p></main>", "p", 0),
        ("<table><tr><td><b>Sort code</b></table>", "td", 0),
        ("<div><i>Sort</i> <i>code</i></div>", "div", 0),
        ("<div>Her sort code since <b>May</b></div>", "", 0),
        ("<p>What follows here for all to see is her new sort code:</p>", "p", 0),
    ],
)
def test_a_name_is_held_by_what_says_nothing_else(page: str, holder: str, found: int) -> None:
    labels = Labels(Outline(Page(f"<body>{page}")), mask())
    list(labels.beside())

    (sign,) = signs(labels, mask())
    assert (sign.part.tag, sign.found) == (holder, found)


@pytest.mark.parametrize(
    "page",
    ["<p>The sort code is known.", "<p>Those who ask for it are told what a sort code is", "<p>x"],
)
def test_a_name_in_running_text_is_no_label(page: str) -> None:
    assert list(signs(Labels(Outline(Page(f"<body>{page}")), mask()), mask())) == []

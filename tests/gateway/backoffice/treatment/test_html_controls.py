"""Controls that are the value of a field besides the one that its label names."""

from __future__ import annotations

import pytest

from gateway.backoffice.treatment.field_mask import MaskedField
from gateway.backoffice.treatment.html_controls import more_controls
from gateway.backoffice.treatment.html_labels import Labels
from gateway.backoffice.treatment.html_outline import Outline
from gateway.backoffice.treatment.html_page import Page
from tests.gateway.backoffice.treatment.bank import mask

FIELD = MaskedField("bank.x", "")


def more(text: str) -> str:
    """The ids of what goes with `#m`, which is masked, or `#n`, whose value is a name."""
    outline = Outline(Page(f"<body>{text}"))
    masked = [(part, FIELD) for part in outline.find("#m")]
    said = [(part, FIELD) for part in outline.find("#n")]
    found = more_controls(outline, Labels(outline, mask()), masked, said)
    return " ".join(part.attributes.get("id") or "" for part, _ in found)


@pytest.mark.parametrize(
    ("page", "ids"),
    [
        ("<input id=m><input id=a> - <input id=b>", "a b"),
        ("<div><input id=m></div><div><input id=a></div>", "a"),
        ("<input id=m><input type=checkbox id=a><input id=b>", "b"),
        ("<input id=m> Name <input id=a>", ""),
        ("<input id=m><input id=a title=Name><input id=b>", ""),
        ("<label for=a>Name</label><p><input id=m><input id=a>", ""),
        ("<input id=m><label for=a>Name</label><input id=a>", ""),
        ("<input id=m><input type=hidden name=_csrf id=a>", ""),
        ("<input id=m><input type=hidden name=f7 id=a>", "a"),
        ("<input type=hidden id=a><input id=m>", "a"),
        ("<input type=hidden id=a><p>x</p><input id=m>", ""),
        ("<input id=m list=a><hr><datalist id=a></datalist>", "a"),
        ("<input id=m><hr><output id=a for='k m'></output>", "a"),
        ("<input id=n><input id=a><hr><input id=b>", "a"),
        ("<select><option>x<option id=n selected>y</select><input id=a>", "a"),
        ("<select><option>Sort code<option>y</select><input id=a>", "a"),
        ("<select><option>x<option>Sort code</select><input id=a>", ""),
    ],
)
def test_controls_without_a_name_of_their_own_go_with_those_before_them(
    page: str, ids: str
) -> None:
    assert more(page) == ids

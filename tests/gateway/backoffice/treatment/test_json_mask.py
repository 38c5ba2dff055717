"""Fields of a JSON answer: found wherever they stand, and their values nowhere."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.backoffice.treatment.found import Found
from gateway.backoffice.treatment.json_mask import mask_json
from gateway.backoffice.treatment.json_text import read_json, write_json
from gateway.backoffice.treatment.unfit import UnfitAnswerError
from tests.gateway.backoffice.treatment.bank import BANK, HIDDEN, mask

SECRET = "12-34-56"


def masked(value: Any) -> Any:
    return mask_json(value, mask(), Found())


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"sortCode": SECRET, "a": 1}, {"sortCode": HIDDEN, "a": 1}),
        ({"Account number": {"x": [1, 2]}}, {"Account number": HIDDEN}),
        ([[{"sort-code": SECRET}]], [[{"sort-code": HIDDEN}]]),
        (
            {"label": "Sort code", "value": SECRET, "old": [SECRET]},
            {"label": "Sort code", "value": HIDDEN, "old": HIDDEN},
        ),
        (
            {"columns": ["Name", "Sort code"], "rows": [["A", SECRET], ["B", "65-43-21"]]},
            {"columns": ["Name", "Sort code"], "rows": [["A", HIDDEN], ["B", HIDDEN]]},
        ),
        (
            {"heads": [{"title": "Sort code"}, {"title": "Name"}], "data": [[SECRET, "A"]]},
            {"heads": [{"title": "Sort code"}, {"title": "Name"}], "data": [[HIDDEN, "A"]]},
        ),
        (
            [["Name", "Account number"], ["A", 12345678]],
            [["Name", "Account number"], ["A", HIDDEN]],
        ),
        ("Sort code: 12-34-56 of A", f"Sort code: {HIDDEN}"),
        ('{"sort_code":"12-34-56"}', f'{{"sort_code":"{HIDDEN}"}}'),
        ("<p id=iban>GB12</p>", HIDDEN),
        ("<tr><td class=secret>GB12</td></tr>", HIDDEN),
        (
            {"fieldName": "bank.sort_code", "fieldValue": SECRET},
            {"fieldName": "bank.sort_code", "fieldValue": HIDDEN},
        ),
        ({"type": "Sort code", "v": 1}, {"type": "Sort code", "v": HIDDEN}),
        ({"bank[sort_code]": SECRET}, {"bank[sort_code]": HIDDEN}),
        (
            {"columns": ["Name", "Sort code"], "row": ["A", SECRET]},
            {"columns": ["Name", "Sort code"], "row": ["A", HIDDEN]},
        ),
        ([["Sort code", SECRET], ["Town", "A"]], [["Sort code", HIDDEN], [HIDDEN, "A"]]),
        ('f({"sort_code": "12-34-56"})', f'f({{"sort_code": {HIDDEN}'),
        ("<p data-sort-code=12-34-56>x</p>", HIDDEN),
        (
            {"P_SORT_CODE": 1, "newSortCode2": 2, "txtsortcode": 3},
            {"P_SORT_CODE": HIDDEN, "newSortCode2": HIDDEN, "txtsortcode": HIDDEN},
        ),
        (["Sort code", "ABCDEF"], ["Sort code", HIDDEN]),
        ([["Sort code", "AB"], ["Town", "A"]], [["Sort code", HIDDEN], [HIDDEN, "A"]]),
        ({"title": "1. New sort code:", "v": "AB"}, {"title": "1. New sort code:", "v": HIDDEN}),
        (
            {"columns": [{"id": "c7", "title": "Sort code"}], "rows": [{"c7": "AB", "c8": "x"}]},
            {"columns": [{"id": "c7", "title": "Sort code"}], "rows": [{"c7": HIDDEN, "c8": "x"}]},
        ),
        (
            {"titles": {"c7": "Sort code", "c8": "Town"}, "row": {"c7": "AB", "c8": "A"}},
            {"titles": {"c7": HIDDEN, "c8": "Town"}, "row": {"c7": HIDDEN, "c8": "A"}},
        ),
        (
            {"heads": ["Name", "Sort code"], "rows": [{"id": 1, "cells": ["A", "BC"]}]},
            {"heads": ["Name", "Sort code"], "rows": [{"id": 1, "cells": ["A", HIDDEN]}]},
        ),
        (
            {"heads": ["Name", "Sort code"], "cells": [{"v": "A"}, {"v": "BC"}]},
            {"heads": ["Name", "Sort code"], "cells": [{"v": "A"}, HIDDEN]},
        ),
        (
            {"note": "Her sort code (6 digits) is 12-34-56"},
            {"note": f"Her sort code (6 digits) is {HIDDEN}"},
        ),
        ({"k": "Sort code", "v": "AB"}, {"k": HIDDEN, "v": HIDDEN}),
        (
            {"question": "What is your sort code?", "answer": "AB"},
            {"question": "What is your sort code?", "answer": HIDDEN},
        ),
        (
            {"changed": "sort_code", "by": "Robin", "from": SECRET},
            {"changed": HIDDEN, "by": "Robin", "from": HIDDEN},
        ),
        (
            {"account": {"number": "AB", "name": "Robin"}},
            {"account": {"number": HIDDEN, "name": "Robin"}},
        ),
        ({"bank": {"sort": [{"code": "AB"}]}}, {"bank": {"sort": [{"code": HIDDEN}]}}),
        (
            {"fields": {"c7": {"title": "Sort code", "most": 8}}, "row": {"c7": "AB"}},
            {"fields": {"c7": {"title": "Sort code", "most": HIDDEN}}, "row": {"c7": HIDDEN}},
        ),
        (
            {"label": {"en": "Sort code", "cy": "Cod didoli"}, "value": "AB"},
            {"label": {"en": HIDDEN, "cy": HIDDEN}, "value": HIDDEN},
        ),
        (
            {"op": "replace", "path": "/bank/sort_code", "value": "AB"},
            {"op": HIDDEN, "path": HIDDEN, "value": HIDDEN},
        ),
        (
            ["Sort code", SECRET, "Name", "Robin"],
            ["Sort code", HIDDEN, "Name", "Robin"],
        ),
        (
            {"heads": ["Name", "Sort code"], "rows": [{"0": "Robin", "1": "AB"}]},
            {"heads": ["Name", "Sort code"], "rows": [{"0": "Robin", "1": HIDDEN}]},
        ),
        ("/x?sort%5Fcode=12-34-56", HIDDEN),
        ("<sort_code>12-34-56</sort_code>", HIDDEN),
        ("<SortCode>12-34-56</SortCode>", HIDDEN),
        (
            {"path": "/sort_code/list", "name": "Robin"},
            {"path": "/sort_code/list", "name": "Robin"},
        ),
        ({"sort": "asc", "code": 4}, {"sort": "asc", "code": 4}),
        ("<title>12</title>", "<title>12</title>"),
        ({"code": 4, "name": "Robin"}, {"code": 4, "name": "Robin"}),
        ("5 < 6", "5 < 6"),
        ("{no json}", "{no json}"),
    ],
)
def test_a_field_is_masked_in_every_shape(value: Any, shown: Any) -> None:
    assert masked(value) == shown


def test_what_was_masked_stands_nowhere_else() -> None:
    value = {
        "sort_code": SECRET,
        "account_number": 12345678,
        "note": f"was {SECRET}",
        "copy": [12345678, "x"],
        SECRET: "as a name",
    }

    assert masked(value) == {
        "sort_code": HIDDEN, "account_number": HIDDEN, "note": "", "copy": [None, "x"],
    }  # fmt: skip


def test_a_field_that_is_left_out_is_gone_but_in_rows() -> None:
    left_out = mask(replace(BANK, shown_as=""))
    value = {"sort_code": SECRET, "rows": [["Sort code", "A", "B"], [SECRET, "1", "2"]]}

    shown = {"rows": [["Sort code", "A", "B"], ["", "1", "2"]]}
    assert mask_json(value, left_out, Found()) == shown


def test_it_is_told_which_fields_were_masked() -> None:
    found = Found()
    mask_json([{"sortCode": ""}, {"other": 1}], mask(), found)

    assert found.fields == {"bank.sort_code"}


def test_documents_inside_texts_inside_documents_have_an_end() -> None:
    text = SECRET
    for _ in range(5):
        text = json.dumps([text])
    with pytest.raises(UnfitAnswerError):
        masked(text)


NAMES = ["sort_code", "sortCode", "Account number", "name", "other", "rows", "é"]
SECRETS = st.from_regex(r"[0-9]{2}-[a-zé\"\\<&/]{3}-[0-9]{2}", fullmatch=True)


@st.composite
def documents(draw: st.DrawFn) -> tuple[Any, set[str]]:
    """A document, and what its masked fields hold."""
    secrets = draw(st.lists(SECRETS, min_size=1, max_size=3, unique=True))
    inner = st.recursive(
        st.sampled_from([*secrets, "plain", 7, None, True]),
        lambda child: (
            st.lists(child, max_size=3) | st.dictionaries(st.sampled_from(NAMES), child, max_size=3)
        ),
        max_leaves=8,
    )
    held: dict[str, Any] = {"sort_code": secrets, "rest": draw(inner)}
    held["inside"] = json.dumps(draw(inner))
    for _ in range(draw(st.integers(0, 3))):
        held = {"deeper": [held]}
    return held, set(secrets)


def written(value: Any, chance: Random) -> str:
    """Write a document with letters escaped at random."""
    if isinstance(value, dict):
        members = (
            f"{written(name, chance)}:{written(each, chance)}" for name, each in value.items()
        )
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(each, chance) for each in value) + "]"
    if not isinstance(value, str):
        return json.dumps(value)
    letters = (
        f"\\u{ord(letter):04x}" if chance.random() < 0.3 else json.dumps(letter)[1:-1]
        for letter in value
    )
    return '"' + "".join(letters) + '"'


@settings(max_examples=80, deadline=None)
@given(documents(), st.randoms())
def test_no_masked_value_survives_whatever_it_is_nested_in_and_however_it_is_written(
    document: tuple[Any, set[str]], chance: Random
) -> None:
    value, secrets = document

    sent = write_json(mask_json(read_json(written(value, chance)), mask(), Found()))

    shown = every(json.loads(sent))
    assert not any(secret in shown for secret in secrets)
    assert not any(json.dumps(secret)[1:-1].encode() in sent for secret in secrets)


def every(value: Any) -> str:
    """Every name and value of a document, those of documents in texts as well."""
    if isinstance(value, dict):
        return "\n".join(f"{name}\n{every(each)}" for name, each in value.items())
    if isinstance(value, list):
        return "\n".join(every(each) for each in value)
    if isinstance(value, str) and value not in {"", HIDDEN}:
        with contextlib.suppress(ValueError):
            return every(json.loads(value))
    return str(value)

"""What names what in a JSON answer."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.backoffice.treatment.json_names import (
    Called,
    has_value,
    is_name_of_rows,
    is_naming,
    looks_told,
    scalars,
    worded,
)
from tests.gateway.backoffice.treatment.bank import mask

ROW: Any = {"c7": "x", "c8": "y"}


def called(value: Any) -> Called:
    fields = mask()
    known = Called(fields, lambda text: fields.ended(text) or fields.identified(text))
    known.learn(value)
    return known


@pytest.mark.parametrize(
    "legend",
    [
        {"id": "c7", "title": "Sort code"},
        {"c7": "Sort code"},
        {"c7": {"title": "Sort code"}},
        {"c7": {"t": "Sort code"}},
        {"c7": ["Sort code", "text"]},
        ["c7", "Sort code"],
        ["Sort code", "c7"],
        "c7=Sort code",
        "c8: Town; c7: Sort code",
        {"Sort code": "c7"},
        {"sort_code": {"key": "c7"}},
        {"scope": "#/properties/c7", "label": "Sort code"},
        {"keys": ["c8", "c7"], "labels": ["Town", "Sort code"]},
    ],
)
def test_a_legend_says_by_what_a_field_is_called(legend: Any) -> None:
    known = called({"legend": [legend], "row": ROW})

    assert known.names["c7"].words == "bank.sort_code"
    assert "c8" not in known.names


@pytest.mark.parametrize(
    "legend",
    [["c7", "Town"], ["c9", "Sort code"], {"type": "text", "title": "Sort code"}, "c7 Sort code"],
)
def test_what_no_row_uses_or_no_field_is_called_is_no_other_name(legend: Any) -> None:
    assert not {"c7", "c8", "c9", "text"} & called({"legend": [legend], "row": ROW}).names.keys()


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ({"columns": [{"title": "Sort code", "data": 2}]}, [2]),
        ({"columnDefs": [{"targets": [1, 2], "title": "Sort code"}]}, [1, 2]),
        ({"name": 0, "sort_code": 1}, [1]),
        ({"name": 5, "sort_code": 1}, []),
        ({"sort_code": 0}, []),
    ],
)
def test_an_answer_says_at_which_place_of_a_row_a_field_stands(
    value: Any, places: list[int]
) -> None:
    assert sorted(called(value).places) == places


def test_a_title_over_others_may_say_the_beginning_of_a_name() -> None:
    known = called({"label": "Account", "parts": [{"label": "Number", "value": 1}]})

    assert known.halved
    assert known.named_by({"label": "Number"}, "Account") is not None
    assert known.named_by({"label": "Number"}, "Town") is None
    assert known.title_of({"label": "Account"}, "parts", "") == "Account"
    assert known.title_of({}, "details", "Account") == "Account"
    assert not called({"label": "Town"}).halved


def test_members_say_what_they_are() -> None:
    assert [is_naming(name) for name in ("fieldName", "Key", "value")] == [True, True, False]
    assert [is_name_of_rows(name) for name in ("rows", "town")] == [True, False]
    assert [has_value(each) for each in ({"newValue": 1}, {"a": "12-34"}, {"a": "b"})] == [
        True, True, False,
    ]  # fmt: skip
    assert [looks_told(each) for each in ("12-34", 1234, "abcd", 12, None, [1234])] == [
        True, True, False, False, False, False,
    ]  # fmt: skip
    assert list(scalars({"a": [1, "b", None, True, 2.5]})) == ["1", "b", "2.5"]
    assert worded({"en": "Sort code", "cy": "Cod"}) == ["Sort code", "Cod"]
    assert worded({"label": "a", "value": "b"}) == []

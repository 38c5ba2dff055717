"""Names in JSON whose value was not found where values are."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from gateway.backoffice.treatment import json_unplaced
from gateway.backoffice.treatment.field_mask import MaskedField
from gateway.backoffice.treatment.found import Found
from gateway.backoffice.treatment.json_mask import mask_json
from gateway.backoffice.treatment.json_unplaced import Shown
from gateway.backoffice.treatment.unfit import UnfitAnswerError
from tests.gateway.backoffice.treatment.bank import HIDDEN, mask
from tests.gateway.backoffice.treatment.odd import faults, odd

ANSWERS = odd("odd_answers.txt")


def masked(value: Any) -> Any:
    return mask_json(value, mask(), Found())


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_value_is_masked_in_every_odd_answer_and_what_is_beside_it_stays(kind: str) -> None:
    text = "\n".join(faults(ANSWERS[kind], lambda text: json.dumps(masked(json.loads(text)))))

    assert text == ""


@pytest.mark.parametrize(
    "value",
    [
        {"menu": ["Sort code", "Name", "Town"], "employee": 1234},
        {"items": [{"label": "Sort code", "value": None}, {"label": "Pay", "value": "1234"}]},
        {"title": "Sort codes of 2026", "rows": [{"pay": "1234"}]},
        {"meta": {"label": "Sort code", "value": "x"}, "value": "1234"},
        {"path": "/sort_code/list", "items": [{"id": 1234}]},
        {"a": {"label": "Sort code"}, "id": "1234", "href": "/people/1234"},
    ],
)
def test_what_has_a_name_of_its_own_stays(value: Any) -> None:
    assert "1234" in json.dumps(masked(value))


def test_the_smallest_thing_around_a_name_that_holds_a_value_loses_it() -> None:
    value = {"outer": "1234", "in": {"meta": {"label": "Sort code"}, "value": "5678"}}

    assert masked(value) == {
        "outer": "1234", "in": {"meta": {"label": "Sort code"}, "value": HIDDEN},
    }  # fmt: skip


def test_what_is_shown_instead_says_what_it_stands_for() -> None:
    field = MaskedField("bank.x", HIDDEN)

    assert Shown.of(field, "12-34") == HIDDEN
    assert [Shown.of(field, each).valued for each in ("12-34", ["a", 1234], "a", None)] == [
        True, True, False, False,
    ]  # fmt: skip
    assert not Shown.of(field, "12-34", named=True).valued
    some: tuple[Any, ...] = ([], {}, "", [1])
    assert [Shown.of(field, each).empty for each in some] == [True, True, False, False]


def test_an_answer_with_too_many_names_to_look_for_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    masked([["a", "Sort code"]] * 60)
    monkeypatch.setattr(json_unplaced, "_MOST_STEPS", 1_000)
    with pytest.raises(UnfitAnswerError):
        masked([["a", "Sort code"]] * 60)


def test_an_answer_of_names_without_values_takes_time_by_its_length() -> None:
    began = time.process_time()

    masked([{"x": {"label": "Sort code"}}] * 2_000)

    assert time.process_time() - began < 2

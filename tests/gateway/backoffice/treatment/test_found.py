"""What was masked, and where else its values stand."""

from __future__ import annotations

import time

import pytest

from gateway.backoffice.treatment.field_mask import MaskedField
from gateway.backoffice.treatment.found import Found
from tests.gateway.backoffice.treatment.bank import HIDDEN

FIELD = MaskedField("bank.sort_code", HIDDEN)


@pytest.mark.parametrize("text", ["of 12-34-56.", "12-34-56", "a  12-34-56\n"])
def test_a_masked_value_is_found_elsewhere(text: str) -> None:
    found = Found()
    found.take(FIELD, ["12-34-56", "12 Mill  Lane"])

    assert found.holds(text)
    assert found.holds("at 12 MILL\nLANE")
    assert not found.holds("12-34-57")


def test_a_value_that_tells_nothing_by_itself_is_left_elsewhere() -> None:
    found = Found()
    found.take(FIELD, ["Yes", "1", "12", "Winsford", HIDDEN])

    assert not any(found.holds(text) for text in ("Yes", "12 of 1", "Winsford Blue Watch", HIDDEN))


def test_many_values_are_found_as_few_are() -> None:
    found = Found()
    found.take(FIELD, [f"{number:08}" for number in range(0, 70_000_000, 1_000_003)])

    assert found.holds("x 00000000 y")
    assert found.holds("69000207")
    assert not found.holds("00000001 7000021")


def test_thousands_of_values_that_begin_alike_cost_no_more() -> None:
    found = Found()
    found.take(FIELD, [f"12-34-{number:05}" for number in range(20_000)])
    began = time.process_time()

    assert not any(found.holds(f"12-34 {number} and 12-35-{number}") for number in range(2_000))
    assert time.process_time() - began < 2  # one by one it would be minutes
    assert found.holds("x 12-34-19999 y")


@pytest.mark.parametrize("written", ["123456", "12 34 56", "12.34.56", "acc. 12\u201334-56, due"])
def test_a_number_is_found_however_its_digits_are_grouped(written: str) -> None:
    found = Found()
    found.take(FIELD, ["12-34-56"])

    assert found.holds(written)
    assert not found.holds("12-34-5")


def test_it_is_told_which_of_several_texts_hold_a_value() -> None:
    found = Found()
    found.take(FIELD, ["12-34-56"])
    texts = ["a\nb", "12-34-56", "x", "so 12-34-\xad56", "12-34-56"]

    assert found.those_holding(texts) == {1, 3, 4}
    assert found.stays_in("\n".join(texts))
    found.take(FIELD, ["another 1"])  # what comes later is looked for too
    assert found.those_holding(["another  1"]) == {0}

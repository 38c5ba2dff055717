"""Which name is which field, and what counts as the same value elsewhere."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from gateway.backoffice.treatment.field_mask import Found, MaskedField, bare
from tests.gateway.backoffice.treatment.bank import BANK, HIDDEN, mask

FIELD = MaskedField("bank.sort_code", HIDDEN)


@pytest.mark.parametrize(
    "name", ["sort_code", "sortCode", "Sort code:", "SORT-CODE", "\uff53ort code"]
)
def test_a_field_is_known_however_its_name_is_written(name: str) -> None:
    assert mask().named(name) == FIELD


@pytest.mark.parametrize("name", ["", "sort", "sort_code_2", "code", "sort_code " + "x" * 300])
def test_another_name_is_another_field(name: str) -> None:
    assert mask().named(name) is None


def test_where_two_sets_name_a_field_leaving_it_out_wins() -> None:
    out = replace(BANK, id="z-out", shown_as="")

    named = mask(BANK, out).named("sort_code")

    assert named == MaskedField("z-out.sort_code", "")


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


def test_a_name_is_bare_without_case_blanks_and_signs() -> None:
    assert bare("Cyfeiriad Cartref (1)") == "cyfeiriadcartref1"


@pytest.mark.parametrize("text", ["sort code ", "sort code is ", "'", " ", "1 ", "sort", "- "])
def test_a_name_is_looked_for_in_time_by_the_length_of_the_text(text: str) -> None:
    began = time.process_time()

    assert mask().told_in("sort code" + text * 100_000) is None or text == "1 "
    assert time.process_time() - began < 2


def test_a_name_as_programs_write_it_is_known_by_the_parts_of_its_path() -> None:
    known = [
        mask().identified(each) for each in ("bank.sort_code", "a[0][sortCode]", "x--sort-code")
    ]
    others = ["sort_code_2", "sortcodes.x", "see bank.sort_code", "x." * 150 + "sort_code"]

    assert known == [FIELD] * 3
    assert [mask().identified(each) for each in others] == [None] * 4

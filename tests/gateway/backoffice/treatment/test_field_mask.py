"""Which name is which field, and what counts as the same value elsewhere."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from gateway.backoffice.treatment.field_mask import MaskedField, bare
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


def test_a_name_is_bare_without_case_blanks_and_signs() -> None:
    assert bare("Cyfeiriad Cartref (1)") == "cyfeiriadcartref1"


@pytest.mark.parametrize("text", ["sort code ", "sort code is ", "'", " ", "1 ", "sort", "- "])
def test_a_name_is_looked_for_in_time_by_the_length_of_the_text(text: str) -> None:
    began = time.process_time()

    assert mask().told_in("sort code" + text * 100_000) is None or text == "1 "
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "name",
    [
        "P_SORT_CODE",
        "bank.sort_code",
        "a[0][sortCode]",
        "x--sort-code",
        "sort_code_2",
        "newSortCode",
        "EBSSortCode",
        "see bank.sort_code",
        "psortcode",
        "sortcodes.x",
        "x." * 150 + "sort_code",
    ],
)
def test_what_a_program_calls_a_field_has_its_words_side_by_side(name: str) -> None:
    assert mask().identified(name) == FIELD


@pytest.mark.parametrize("name", ["", "sort", "code_sort", "sort_the_code", "resort", "x." * 150])
def test_what_a_program_calls_otherwise_is_another_field(name: str) -> None:
    assert mask().identified(name) is None


def test_a_short_name_is_known_in_words_of_its_own_alone() -> None:
    dob = mask(replace(BANK, fields=frozenset({"DOB"}), elements=()))

    assert [bool(dob.identified(each)) for each in ("p_dob", "dobYear", "dobson", "adobe")] == [
        True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "ended", "mentioned"),
    [
        ("Sort code", True, True),
        ("1. Sort code (6 digits):", True, True),
        ("Her new sort codes", True, True),
        ("What is her sort code?", True, True),
        ("Sort code of the new account", False, True),
        ("Before she left she gave her sort code", False, True),
        ("Resort codes", False, False),
        ("sort code " + "x" * 80, False, False),
    ],
)
def test_a_label_names_a_field_whatever_else_it_says(
    text: str, ended: bool, mentioned: bool
) -> None:
    assert (mask().ended(text) is not None) is ended
    assert (mask().mentioned(text) is not None) is mentioned


def test_what_is_listed_as_another_field_is_none() -> None:
    but = mask(replace(BANK, other_fields=frozenset({"sort_code_hint", "Account"})))

    for name in ("sort_code_hint", "P_SORT_CODE_HINT", "Sort code hint"):
        assert but.identified(name) is None
        assert but.named(name) is None
    assert but.mentioned("Sort code hint:") is None
    assert but.told_in("The sort code hint: 12") is None
    assert but.identified("sort_code_hint_sort_code") == FIELD
    assert but.named("Account number") is not None


@pytest.mark.parametrize(
    "text",
    [
        "Sort code: {}",
        "sort_code={}",
        "Sort code (6 digits) = {}",
        '"sortCode": "{}"',
        "sort code {}",
        "Sort code on file: {}",
        "the sort code is {}",
        "Sort code \u2013 {}",
        "sort_code_2: {}",
        "Sort codes, {}",
        "sort\x1f code\x1f {}",
        "Sort code* {}",
        "Sort code. {}",
        "Sort code ..... {}",
        "Sort code\u2026\u2026 {}",
        "Sort code number {}",
        "Account number no. {}",
        "Her sort code was changed from {} to another",
        "Sort code for this employee is currently set to {}",
    ],
)
def test_a_value_follows_its_name_in_running_text(text: str) -> None:
    told = mask().told_in(text.format("12-34-56"))

    assert told is not None
    assert told.field.words in {"bank.sort_code", "bank.Account number"}
    assert "12-34-56" in told.values


@pytest.mark.parametrize(
    "text",
    [
        "The sort code has six digits",
        "sort code",
        "resort code: x",
        "Sort code. See page 3 of 4",
        "The sort code is set by the bank, which has 120 branches",
    ],
)
def test_a_name_without_its_value_tells_nothing(text: str) -> None:
    assert mask().told_in(text) is None


def test_a_name_of_several_words_has_beginnings_and_ends() -> None:
    known = mask(replace(BANK, fields=frozenset({"Bank account ending", "Sort"})))

    assert {end: [each for each, _ in begins] for end, begins in known.halves.items()} == {
        "accountending": ["bank"], "ending": ["bankaccount"],
    }  # fmt: skip
    ends, begins = known.hinted_halves
    assert ends.search("a\nending12") is not None
    assert begins.search("a\nbank") is not None
    assert begins.search("banks") is None


def test_a_mask_may_leave_nothing_out() -> None:
    assert mask().always_shown
    assert not mask(replace(BANK, shown_as="")).always_shown

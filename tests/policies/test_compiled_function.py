"""A compiled function: its floors, whom a request names, and what fulfils an obligation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.compiled_function import (
    NAMED_BY_STANDING,
    NAMES_COLLEAGUE,
    NAMES_NOBODY,
    NAMES_OUTSIDER,
    OWNER_UNKNOWN,
    CompiledFunction,
)
from policies.criteria import record_standing
from policies.engine import Engine
from policies.reasons import Reason
from tests.policies.people import (
    BOTH_FACTORS,
    FIRE,
    HOST,
    PASSWORD,
    asked,
    cheshire,
    requirement,
    subject,
    with_function,
)


def compiled(function_id: str, **changes: object) -> CompiledFunction:
    return Engine.compile(with_function(cheshire(), function_id, **changes)).functions[function_id]


def reach(*levels: str) -> int:
    bits = 0
    for level in levels:
        bits |= cheshire().levels.reach(level)
    return bits


@pytest.mark.parametrize(
    ("person", "owner", "named"),
    [
        (None, None, NAMES_NOBODY),
        ("40011", FIRE, NAMES_NOBODY),
        ("40012", FIRE, NAMES_COLLEAGUE),
        ("40012", HOST, NAMES_OUTSIDER),
        ("40011", HOST, NAMES_OUTSIDER),
        ("40011", None, NAMES_OUTSIDER),
        ("40012", None, NAMES_OUTSIDER),
    ],
)
def test_whom_a_request_names(person: str | None, owner: str | None, named: int) -> None:
    question = asked(subject("DBSB"), person=person, owner=owner)

    assert NAMED_BY_STANDING[record_standing(question)] == named


def test_an_empty_number_is_nobodys() -> None:
    """Not even of somebody whose directory gave none."""
    question = asked(replace(subject("DBSB"), employee_number=""), person="", owner=FIRE)

    assert NAMED_BY_STANDING[record_standing(question)] == NAMES_COLLEAGUE


@pytest.mark.parametrize(
    ("function_id", "level", "named", "expected"),
    [
        ("pay.slip", "DBSB", NAMES_NOBODY, Reason.CLEARANCE_REACHED),
        ("pay.slip", "DBSB", NAMES_COLLEAGUE, Reason.CLEARANCE_REACHED),
        ("pay.slip", "DBSB", NAMES_OUTSIDER, Reason.RECORD_BEYOND_CLEARANCE),
        ("pay.slip", "DBSE", NAMES_OUTSIDER, Reason.RECORD_BEYOND_CLEARANCE),
        ("pay.slip", "DV", NAMES_OUTSIDER, Reason.RECORD_BEYOND_CLEARANCE),
        ("pay.slip", "N2F", NAMES_OUTSIDER, Reason.CLEARANCE_REACHED),
        ("pay.slip", "RV", NAMES_OUTSIDER, Reason.CLEARANCE_REACHED),
        ("hr.sit", "DBSB", NAMES_NOBODY, Reason.CLEARANCE_REACHED),
        ("hr.sit", "DBSB", NAMES_COLLEAGUE, Reason.RECORD_BEYOND_CLEARANCE),
        ("hr.sit", "N2F", NAMES_COLLEAGUE, Reason.CLEARANCE_REACHED),
        ("hr.sit", "N2A", NAMES_NOBODY, Reason.CLEARANCE_TOO_LOW),
    ],
)
def test_an_employers_screening_reaches_no_person_of_another_employer(
    function_id: str, level: str, named: int, expected: Reason
) -> None:
    """Whatever the rules say: rules can be written wrongly, this is the floor below them."""
    assert compiled(function_id).clearance_reason(reach(level), "", named) is expected


def test_a_floor_for_the_owner_is_the_hosts_own_word_on_that_owners_records() -> None:
    search = compiled("hr.search", floor_by_owner={FIRE: requirement("BASE")})

    assert search.clearance_reason(reach("DBSB"), FIRE, NAMES_OUTSIDER).good
    assert not search.clearance_reason(reach("DBSB"), HOST, NAMES_OUTSIDER).good
    assert not search.clearance_reason(reach("DBSB"), OWNER_UNKNOWN, NAMES_OUTSIDER).good
    assert search.clearance_reason(reach("RV"), OWNER_UNKNOWN, NAMES_OUTSIDER).good


def test_an_owner_that_cannot_be_told_asks_for_every_floor_at_once() -> None:
    """Levels have no single highest one: neither of these two satisfies the other."""
    both = compiled(
        "hr.search",
        floor=requirement("N2F"),
        floor_by_owner={FIRE: requirement("SC"), "nwas": requirement("DBSE")},
    )

    assert not both.clearance_reason(reach("RV", "SC"), OWNER_UNKNOWN, NAMES_NOBODY).good
    assert not both.clearance_reason(reach("SC", "DBSE"), OWNER_UNKNOWN, NAMES_NOBODY).good
    assert both.clearance_reason(reach("RV", "SC", "DBSE"), OWNER_UNKNOWN, NAMES_NOBODY).good


def test_who_names_nobody_owns_what_they_ask_for_only_where_the_function_is_about_themselves() -> (
    None
):
    by_owner = {FIRE: requirement("BASE")}
    own = compiled("pay.slip", floor_by_owner=by_owner)
    search = compiled("hr.search", floor_by_owner=by_owner)
    who = subject("DBSB")

    assert own.owner(asked(who)) == FIRE
    assert search.owner(asked(who, "hr.search")) == OWNER_UNKNOWN
    assert search.owner(asked(who, "hr.search", owner=HOST)) == HOST
    assert own.owner(asked(who, person="2")) == OWNER_UNKNOWN
    assert compiled("pay.slip").owner(asked(who)) == ""


def test_an_obligation_is_fulfilled_by_its_factor_only() -> None:
    bank = compiled("pay.bank")
    meaning = bank.candidates_for("read", FIRE, "fire").meaning(1)

    lacking, shown = (
        bank.fulfilled(meaning, asked(subject(), "pay.bank", factors=factors))
        for factors in (PASSWORD, BOTH_FACTORS)
    )
    assert (lacking, shown) == (0, bank.obligations.bits)

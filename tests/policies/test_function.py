"""Functions: what they ask for and what they refuse to be."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from policies.errors import PolicyError
from policies.function import (
    OPERATION_OF_METHOD,
    Classification,
    Function,
    Matcher,
    Operation,
    RecordParameter,
    RecordPlace,
    Regime,
    Scope,
)
from vetting.levels import LevelOrder
from vetting.requirement import Requirement

ORDER = LevelOrder.shipped()
FULL, BASE, HIGH = (Requirement.parse(text, ORDER) for text in ("N2F", "BASE", "N3"))
SEARCH = Function(
    id="hr.search",
    title="Search all persons",
    area="Human resources",
    classification=Classification.OFFICIAL_SENSITIVE,
    regime=Regime.GP,
    floor=FULL,
    floor_by_owner=MappingProxyType({"fire": BASE, "council": HIGH}),
    scope=Scope.ORGANISATION,
    system="ebs",
    matchers=(),
)


def test_the_floor_is_that_of_the_records_owner() -> None:
    assert SEARCH.floors_for("fire") == (BASE,)
    assert SEARCH.floors_for("police") == (FULL,)


def test_every_floor_applies_where_the_owner_cannot_be_told() -> None:
    """Levels have no single highest one, so only all of them together are the highest floor."""
    assert set(SEARCH.floors_for(None)) == {FULL, BASE, HIGH}


def test_nothing_can_be_marked_secret() -> None:
    assert [mark.value for mark in Classification] == ["OFFICIAL", "OFFICIAL-SENSITIVE"]


def test_each_method_has_the_operation_that_the_law_asks_to_be_logged() -> None:
    assert dict(OPERATION_OF_METHOD) == {
        "GET": Operation.CONSULTATION,
        "POST": Operation.COLLECTION,
        "PUT": Operation.ALTERATION,
        "PATCH": Operation.ALTERATION,
        "DELETE": Operation.ERASURE,
        "WEBSOCKET": Operation.CONSULTATION,
    }


@pytest.mark.parametrize("methods", [set(), {"TRACE"}, {"GET", "get"}, {"HEAD"}])
def test_a_matcher_knows_only_the_methods_that_can_be_logged(methods: set[str]) -> None:
    with pytest.raises(PolicyError, match="methods"):
        Matcher(methods=frozenset(methods), path="/a")


def test_a_carrier_is_either_in_the_query_or_in_the_form() -> None:
    with pytest.raises(PolicyError, match="query and form"):
        Matcher(methods=frozenset({"POST"}), path="/a", query={"form": "A"}, form={"form": "A"})


@pytest.mark.parametrize("where", [set(), {RecordPlace.PATH, RecordPlace.QUERY}])
def test_a_person_is_named_in_the_path_or_in_parameters(where: set[RecordPlace]) -> None:
    with pytest.raises(PolicyError, match="record"):
        RecordParameter(name="person_id", where=frozenset(where))


MINUTE = 60_000_000
NOW = 1_800_000_000_000_000


@pytest.mark.parametrize(
    ("shown", "counts"),
    [(NOW, True), (NOW - 5 * MINUTE + 1, True), (NOW - 5 * MINUTE, False), (None, False),
     (NOW + 1, False)],
)  # fmt: skip
def test_a_second_factor_counts_while_it_is_fresh(shown: int | None, *, counts: bool) -> None:
    """One from the future is a clock that stepped: nobody can say how old it is."""
    both = frozenset({"password", "second-factor"})
    bank = replace(SEARCH, obligations=("step-up",), step_up_minutes=5)

    expected = both if counts else {"password"}
    assert bank.fresh_factors(both, shown, NOW) == expected
    assert SEARCH.fresh_factors(both, shown, NOW) == both


@pytest.mark.parametrize(("mib", "most"), [(0, 5_000_000), (1, 1_048_576), (10, 5_000_000)])
def test_a_function_takes_no_larger_bodies_than_are_passed_on(mib: int, most: int) -> None:
    assert replace(SEARCH, body_mib=mib).body_limit(5_000_000) == most

"""Finding people of the vetting register by what is known of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gateway.front.register_desk import RegisterSearch
from gateway.pages.register_services import RegisterPerson
from gateway.store.engine import writing
from tests.gateway.identity.parts import AT, FIRE, Parts, new_parts
from tests.policies.people import grant
from vetting.person import PersonKey

EVERYBODY = {
    "cheshire-fire/40011": "Alice",
    "cheshire-fire/40012": None,
    "cheshire-fire/50000": None,
    "nwas/40011": "Jo",
}


@pytest.fixture
def search(tmp_path: Path) -> Iterator[RegisterSearch]:
    """Give a register of four people, two of whom have signed in."""
    with new_parts(tmp_path) as parts:
        parts.sign_in("alice", "40011")
        parts.sign_in("jo", "40011", organisation="nwas")
        hold(parts, FIRE, "40011")
        hold(parts, FIRE, "40012")
        hold(parts, "nwas", "40011")
        parts.appoint("50000", ends_on=date(2026, 12, 31))
        yield RegisterSearch(parts.store, lambda: parts.register)


def hold(parts: Parts, organisation: str, number: str) -> None:
    person = PersonKey(organisation=organisation, employee_number=number)
    value = replace(grant("DBSB", organisation), id=f"{organisation}-{number}")
    with writing(parts.store) as connection:
        parts.register.grant(connection, person, value, by="officer", at=AT)


def found(
    search: RegisterSearch, text: str = "", organisation: str = "", **page: int
) -> tuple[dict[str, str | None], int]:
    people, count = search.people(
        text=text,
        organisation=organisation,
        offset=page.get("offset", 0),
        limit=page.get("limit", 10),
        at=AT,
    )
    return {named(person): person.name for person in people}, count


def named(person: RegisterPerson) -> str:
    return f"{person.organisation}/{person.employee_number}"


@pytest.mark.parametrize(
    ("text", "organisation", "expected"),
    [
        ("", "", set(EVERYBODY)),
        ("", FIRE, {"cheshire-fire/40011", "cheshire-fire/40012", "cheshire-fire/50000"}),
        ("  ", "nwas", {"nwas/40011"}),
        ("ALI", "", {"cheshire-fire/40011"}),
        ("alice", "nwas", set()),
        ("4001", "", {"cheshire-fire/40011", "cheshire-fire/40012", "nwas/40011"}),
        ("40011", FIRE, {"cheshire-fire/40011"}),
        ("500", "", {"cheshire-fire/50000"}),
        ("0011", "", set()),
        ("%", "", set()),
        ("_", "", set()),
    ],
)
def test_people_are_found_by_name_number_and_organisation(
    search: RegisterSearch, text: str, organisation: str, expected: set[str]
) -> None:
    people, count = found(search, text, organisation)

    assert people == {name: EVERYBODY[name] for name in expected}
    assert count == len(expected)


@pytest.mark.parametrize("text", ["", "4001"])
def test_people_come_in_pages_of_a_steady_order(search: RegisterSearch, text: str) -> None:
    whole, count = found(search, text)
    pages = [list(found(search, text, offset=n, limit=1)[0]) for n in range(count)]

    assert [name for page in pages for name in page] == list(whole)
    assert found(search, text, offset=0, limit=1)[1] == count


def test_a_person_is_shown_with_what_they_hold_and_are_appointed_to(
    search: RegisterSearch,
) -> None:
    alice = search.person(organisation=FIRE, employee_number="40011", at=AT)
    appointed = search.person(organisation=FIRE, employee_number="50000", at=AT)

    assert alice is not None
    assert (alice.name, [each.level for each in alice.clearance.grants]) == ("Alice", ["DBSB"])
    assert appointed is not None
    assert appointed.appointments == frozenset({"auditor"})


@pytest.mark.parametrize(("organisation", "number"), [(FIRE, "99999"), (FIRE, ""), ("", "40011")])
def test_whom_the_register_does_not_know_is_nobody(
    search: RegisterSearch, organisation: str, number: str
) -> None:
    assert search.person(organisation=organisation, employee_number=number, at=AT) is None


def test_an_appointment_that_has_ended_is_not_shown_as_held(search: RegisterSearch) -> None:
    person = search.person(
        organisation=FIRE, employee_number="50000", at=AT.replace(year=2027, month=6)
    )

    assert person is not None
    assert person.appointments == frozenset()


def test_what_changed_for_a_person_is_listed(search: RegisterSearch) -> None:
    (change,) = search.history(organisation=FIRE, employee_number="40012")

    assert (change.by, change.at) == ("officer", AT)
    assert search.history(organisation=FIRE, employee_number="99999") == ()

"""Finding people of the vetting register by what is known of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from gateway.front.register_desk import RegisterSearch
from gateway.pages.register_services import HistoryBrokenError, RegisterPerson
from gateway.store.engine import writing
from tests.gateway.identity.parts import AT, FIRE, Parts, new_parts
from tests.policies.people import grant
from vetting.grants import GrantStatus
from vetting.person import PersonKey
from vetting.register_history import ChangeKind
from vetting.register_tables import register_change, to_microseconds

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


def test_the_past_is_told_as_it_was_and_not_as_it_is(tmp_path: Path) -> None:
    with new_parts(tmp_path) as parts:
        search = RegisterSearch(parts.store, lambda: parts.register)
        hold(parts, FIRE, "40012")
        with writing(parts.store) as connection:
            parts.register.change_status(
                connection,
                f"{FIRE}-40012",
                GrantStatus.SUSPENDED,
                by="officer",
                at=AT + timedelta(days=2),
            )

        def as_of(at: datetime) -> RegisterPerson | None:
            return search.as_of(organisation=FIRE, employee_number="40012", at=at)

        then, now = as_of(AT + timedelta(days=1)), as_of(AT + timedelta(days=3))

        assert as_of(AT - timedelta(seconds=1)) is None
        assert then is not None
        assert now is not None
        assert [each.status for each in then.clearance.grants] == [GrantStatus.GRANTED]
        assert [each.status for each in now.clearance.grants] == [GrantStatus.SUSPENDED]


def test_rows_that_were_changed_past_the_register_leave_the_past_untold(tmp_path: Path) -> None:
    with new_parts(tmp_path) as parts:
        search = RegisterSearch(parts.store, lambda: parts.register)
        hold(parts, FIRE, "40012")
        with writing(parts.store) as connection:
            connection.execute(
                insert(register_change).values(
                    at_us=to_microseconds(AT),
                    by="nobody",
                    organisation=FIRE,
                    employee_number="40012",
                    kind=ChangeKind.GRANT_REMOVED.value,
                    before='{"id": "never-there"}',
                    after=None,
                )
            )

        with pytest.raises(HistoryBrokenError):
            search.as_of(organisation=FIRE, employee_number="40012", at=AT)


def test_what_ends_soon_is_named_soonest_first_and_by_organisation(tmp_path: Path) -> None:
    with new_parts(tmp_path) as parts:
        parts.sign_in("alice", "40011")
        search = RegisterSearch(parts.store, lambda: parts.register)
        ends = {"40011": 40, "40012": 20, "40013": 400}
        with writing(parts.store) as connection:
            for number, days in ends.items():
                value = replace(
                    grant("DBSB", FIRE),
                    id=f"ends-{number}",
                    expires_on=AT.date() + timedelta(days=days),
                )
                person = PersonKey(organisation=FIRE, employee_number=number)
                parts.register.grant(connection, person, value, by="officer", at=AT)

        found, count = search.lapses(organisation=FIRE, days=90, at=AT)

        assert [(str(each.lapse.person), each.name) for each in found] == [
            (f"{FIRE}/40012", None),
            (f"{FIRE}/40011", "Alice"),
        ]
        assert count == 2
        assert search.lapses(organisation="", days=90, at=AT)[1] == 2
        assert search.lapses(organisation="nwas", days=90, at=AT) == ((), 0)

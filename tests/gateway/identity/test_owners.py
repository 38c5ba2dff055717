"""Whose employee a number in a request is: told where the register is sure, and not otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import event, text

from gateway.bulletin import BulletinReader, person_subject
from gateway.identity.owners import RecordOwners
from gateway.identity.sessions.session_cache import MISS
from gateway.store.engine import StoreUnavailable, writing
from tests.gateway.identity.parts import AT, FIRE, KINDS, Parts
from tests.policies.people import grant
from vetting.person import PersonKey


@pytest.fixture
def owners(parts: Parts) -> RecordOwners:
    return RecordOwners(parts.store, tuple(KINDS), capacity=2)


def hold(parts: Parts, organisation: str, number: str) -> None:
    person = PersonKey(organisation=organisation, employee_number=number)
    value = replace(grant("DBSB", organisation), id=f"grant-{organisation}-{number}")
    with writing(parts.store) as connection:
        parts.register.grant(connection, person, value, by="test", at=AT)
        parts.bulletin.announce(connection, person_subject(str(person)), AT)
    parts.bulletin.ring()


def test_a_number_of_one_organisation_has_its_owner(parts: Parts, owners: RecordOwners) -> None:
    hold(parts, FIRE, "40011")

    assert owners.get("40011") is MISS
    assert owners.load("40011") == FIRE
    assert owners.get("40011") == FIRE


def test_an_appointment_and_a_grant_are_one_person(parts: Parts, owners: RecordOwners) -> None:
    hold(parts, FIRE, "40011")
    parts.appoint("40011", ends_on=date(2030, 1, 1))

    assert owners.load("40011") == FIRE


def test_a_number_of_nobody_or_of_two_has_no_owner(parts: Parts, owners: RecordOwners) -> None:
    """It cannot be told whose record it is, and what cannot be told permits nothing."""
    hold(parts, FIRE, "40011")
    hold(parts, "nwas", "40011")

    assert (owners.load("40011"), owners.load("99999")) == (None, None)
    assert owners.get("40011") is None


def test_an_organisation_that_is_no_longer_set_up_owns_nothing(
    parts: Parts, owners: RecordOwners
) -> None:
    hold(parts, "elsewhere", "40011")

    assert owners.load("40011") is None


def test_a_number_no_register_can_hold_is_not_looked_up(owners: RecordOwners) -> None:
    assert owners.get("1" * 33) is None


def test_a_change_in_the_register_is_seen(parts: Parts, owners: RecordOwners) -> None:
    reader = BulletinReader(parts.store, parts.bulletin)
    reader.listen(owners.apply)
    reader.read()
    assert owners.load("40011") is None
    hold(parts, FIRE, "40011")
    reader.read()

    assert owners.get("40011") is MISS
    assert owners.load("40011") == FIRE


@pytest.mark.parametrize(
    ("subjects", "forgotten"),
    [({"everything"}, True), ({"person:a/1"}, True), ({"session:1", "staff:a/b"}, False)],
)
def test_only_news_of_people_matters(
    owners: RecordOwners, subjects: set[str], forgotten: bool
) -> None:
    owners.load("40011")
    owners.apply(frozenset(subjects))

    assert (owners.get("40011") is MISS) is forgotten


def test_an_answer_that_changed_while_it_was_read_is_not_kept(
    parts: Parts, owners: RecordOwners
) -> None:
    event.listen(
        parts.store,
        "after_cursor_execute",
        lambda *_: owners.apply(frozenset({"everything"})),
        once=True,
    )

    assert owners.load("40011") is None
    assert owners.get("40011") is MISS


def test_the_memory_is_bounded(owners: RecordOwners) -> None:
    for number in ("1", "2", "3"):
        owners.load(number)

    assert [owners.get(number) for number in ("1", "2", "3")] == [MISS, MISS, None]


def test_a_store_that_is_away_is_told(parts: Parts, owners: RecordOwners) -> None:
    with writing(parts.store) as connection:
        connection.execute(text("ALTER TABLE vetting_grant RENAME TO gone"))

    with pytest.raises(StoreUnavailable):
        owners.load("40011")

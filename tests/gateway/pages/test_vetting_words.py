"""What the register has of a person, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gateway.pages.vetting_words import change_row, grant_rows, training_rows
from tests.gateway.pages.people import AT
from tests.gateway.pages.world import World
from vetting.grants import GrantStatus
from vetting.person import PersonKey
from vetting.register_history import ChangeKind, RegisterChange
from vetting.training import Training


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_every_kind_of_change_has_words(kind: ChangeKind) -> None:
    """A kind without words would be a page that fails on the day somebody moves."""
    change = RegisterChange(
        sequence=1,
        at=datetime(2026, 11, 20, 9, tzinfo=UTC),
        by="officer",
        person=PersonKey(organisation="cheshire-fire", employee_number="40011"),
        kind=kind,
        item="p1",
        level="N2F",
        changed=(("reference", "", "v1.k.sealed"), ("ends_on", "", "2026-11-30")),
    )

    told = change_row(change, {})

    assert told.what
    assert not any("sealed" in each for each in told.details)


def test_a_restriction_names_functions_and_bodies_by_their_titles(world: World) -> None:
    person = next(each for each in world.register.known if each.employee_number == "40230")
    grants = tuple(
        replace(
            each,
            status=GrantStatus.RESTRICTED,
            functions=frozenset({"pay.slip", "gone"}),
            expires_on=None,
        )
        for each in person.clearance.grants
    )
    restricted = replace(person, clearance=replace(person.clearance, grants=grants))

    rows = grant_rows(
        restricted,
        at=AT,
        organisations={"cheshire-fire": "Cheshire Fire"},
        functions={"pay.slip": "My payslip"},
    )

    assert rows[0].functions == ("My payslip", "gone")
    assert rows[0].sponsor == "Cheshire Fire"
    assert rows[0].status == "restricted"


def test_a_training_is_told_with_its_days_and_whether_it_is_in_date(world: World) -> None:
    lapsed = Training(
        course="fire-arms",
        completed_on=date(2024, 1, 2),
        expires_on=date(2025, 1, 1),
        awarding_body="College of Policing",
    )
    person = replace(world.register.known[0], trainings=(lapsed,))

    (row,) = training_rows(person, at=AT)

    assert row.words == ("fire-arms, by College of Policing, from 2 January 2024 to 1 January 2025")
    assert not row.in_force

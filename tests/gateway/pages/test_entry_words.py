"""Entries in words."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from gateway.audit.entry import EntryDraft, Kind
from gateway.audit.search import AuditRow, PersonalState
from gateway.pages.entry_words import entry_groups, entry_line
from tests.gateway.pages.world import World

PERSONAL = {
    "actor_name",
    "staff_id",
    "subject",
    "ip",
    "agent",
    "auth",
    "session",
    "target",
    "detail",
}
# Said by the row itself, or in the group of the result.
ELSEWHERE = {"kind", "at_us", "phase", "outcome", "corr"} | {
    "status",
    "bytes_out",
    "bytes_in",
    "duration_us",
}


@pytest.fixture
def row(world: World) -> AuditRow:
    return next(row for row in world.record.rows if row.function == "pay.slip")


def told(row: AuditRow) -> dict[str, str]:
    return {name: value for _, pairs in entry_groups(row) for name, value in pairs}


def test_every_field_of_an_entry_is_told(row: AuditRow) -> None:
    """A field that is written and never shown might as well not be written."""
    names = {field.name for field in fields(EntryDraft)} - ELSEWHERE
    marks = {name: f"mark-{name}" for name in names}
    full = replace(
        row,
        clear={name: mark for name, mark in marks.items() if name not in PERSONAL},
        personal={name: marks[name] for name in PERSONAL},
    )

    values = " ".join(told(full).values())

    assert [mark for mark in marks.values() if mark not in values] == []


def test_what_was_done_to_an_answer_is_told_where_the_visit_ended(row: AuditRow) -> None:
    done = ["masked:bank-details.sort_code", "menu-removed:3"]
    ended = replace(row, clear={**row.clear, "obligations": done})

    told_of = dict(dict(entry_groups(replace(row, result=ended)))["How it ended"])

    assert told_of["Done to the answer"] == "masked:bank-details.sort_code, menu-removed:3"


def test_field_that_is_not_known_here_is_told_under_its_own_name(row: AuditRow) -> None:
    """A later version may write more than this one knows."""
    later = replace(row, clear={**row.clear, "purpose": "safeguarding"})

    assert told(later)["purpose"] == "safeguarding"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("locked", "Encrypted; no key was given"),
        ("expired", "Erased with its month"),
        ("damaged", "Damaged: not what was sealed"),
    ],
)
def test_personal_fields_that_cannot_be_read_say_why(
    world: World, row: AuditRow, state: PersonalState, words: str
) -> None:
    """An empty cell could as well mean that nobody was there."""
    closed = replace(row, personal={}, personal_state=state)

    assert entry_line(closed, {}, world.services.organisations).person == words
    assert told(closed)["Personal fields"] == words


def test_function_that_the_policy_set_no_longer_has_is_told_by_its_id(
    world: World, row: AuditRow
) -> None:
    """The record is older than the policy."""
    line = entry_line(replace(row, function="old.one"), {}, world.services.organisations)

    assert (line.what, line.detail) == ("Access", "old.one")


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_entry_has_words(world: World, row: AuditRow, kind: Kind) -> None:
    """The heartbeat too."""
    line = entry_line(replace(row, kind=kind, function=""), {}, world.services.organisations)

    assert line.what
    assert line.detail == kind.value


def test_entry_that_came_with_a_fault_says_so(world: World, row: AuditRow) -> None:
    """It is in the log, and it is not to be trusted like the others."""
    flagged = replace(row, flag=1)

    assert "Fault" in told(flagged)
    assert entry_line(flagged, {}, world.services.organisations).flag == 1


def test_many_like_events_are_counted(world: World, row: AuditRow) -> None:
    """One line can stand for thousands."""
    many = replace(row, clear={**row.clear, "count": 4711})

    assert told(many)["Stands for"] == "4711 like events"
    assert entry_line(many, {}, world.services.organisations).count == 4711

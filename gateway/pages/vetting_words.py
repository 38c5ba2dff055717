"""What the register has of a person, in words: grants, memberships, trainings, every change.

A sealed reference says nothing to anybody and is never shown; findings are not kept at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.pages import local_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from gateway.pages.register_services import RegisterPerson
    from vetting.register_history import RegisterChange


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRow:
    """One grant on a person's page.

    Attributes:
        title: the level.
        counts: whether it counts at the instant.
        words: until when, or why it does not count.
        status: as the vetting unit keeps it.
        granted_on: first day.
        granting_body: who granted it.
        sponsor: for whose work.
        expires_on: last day of its own.
        review_due_on: last day without a review.
        functions: the only functions it counts for.
        contract: the one contract it counts under.
    """

    title: str
    counts: bool
    words: str
    status: str
    granted_on: date
    granting_body: str
    sponsor: str
    expires_on: date | None
    review_due_on: date | None
    functions: tuple[str, ...]
    contract: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedRow:
    """An employment or a training: what, from when to when, whether it is in force."""

    words: str
    in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One line of a person's history."""

    at: datetime
    by: str
    what: str
    details: tuple[str, ...]


def grant_rows(
    person: RegisterPerson,
    *,
    at: datetime,
    organisations: Mapping[str, str],
    functions: Mapping[str, str],
) -> tuple[GrantRow, ...]:
    """Say what somebody holds and held at an instant, what counts first.

    Args:
        person: whose.
        at: the instant.
        organisations: names by id.
        functions: titles by id.
    """
    clearance = person.clearance
    rows = [(clearance.describe(grant, at=at), grant) for grant in clearance.grants]
    return tuple(
        GrantRow(
            title=level.title,
            counts=level.usable,
            words=level.words[:1].upper() + level.words[1:],
            status=grant.status.value.replace("-", " "),
            granted_on=grant.granted_on,
            granting_body=organisations.get(grant.granting_body, grant.granting_body),
            sponsor=organisations.get(grant.sponsor, grant.sponsor),
            expires_on=grant.expires_on,
            review_due_on=grant.review_due_on,
            functions=tuple(sorted(functions.get(each, each) for each in grant.functions)),
            contract=grant.contract,
        )
        for level, grant in sorted(rows, key=lambda row: not row[0].usable)
    )


def employment_rows(person: RegisterPerson, *, at: datetime) -> tuple[DatedRow, ...]:
    """Say where and when somebody was employed, as far as the register keeps it."""
    return tuple(
        DatedRow(
            words=_dated("From", each.starts_on, each.ends_on)
            + (f", contract {each.contract}" if each.contract else ""),
            in_force=each.holds(at=at),
        )
        for each in person.clearance.memberships
    )


def training_rows(person: RegisterPerson, *, at: datetime) -> tuple[DatedRow, ...]:
    """Say what somebody has been trained in."""
    return tuple(
        DatedRow(
            words=f"{each.course}, by {each.awarding_body}, "
            + _dated("from", each.completed_on, each.expires_on),
            in_force=each.holds(at=at),
        )
        for each in sorted(person.trainings, key=lambda each: (each.course, each.completed_on))
    )


def change_row(change: RegisterChange, levels: Mapping[str, str]) -> ChangeRow:
    """Say a change of the register in words.

    Args:
        change: the change.
        levels: titles by id.
    """
    level = levels.get(change.level, change.level)
    return ChangeRow(
        at=change.at,
        by=change.by,
        what=_CHANGES[change.kind.value].format(item=change.item, level=level),
        details=tuple(
            f"{name.replace('_', ' ')}: {before or 'nothing'} → {after or 'nothing'}"
            for name, before, after in change.changed
            # A new row differs in every column; only what was changed later is news.
            if change.kind.value in _TELLING and name not in _NEVER_SHOWN
        ),
    )


def _dated(word: str, first: date, last: date | None) -> str:
    until = f" to {local_time.day(last)}" if last else ""
    return f"{word} {local_time.day(first)}{until}"


_NEVER_SHOWN = frozenset({"reference"})
_TELLING = frozenset({"grant-changed", "membership-ended", "training-ended"})
_CHANGES = {
    "grant-added": "{level} entered",
    "grant-changed": "{level} changed",
    "grant-removed": "{level} removed",
    "appointed": "Appointed as {item}",
    "appointment-withdrawn": "Appointment as {item} withdrawn",
    "appointment-removed": "Appointment as {item} removed",
    "membership-added": "Employment entered",
    "membership-ended": "Employment given an end",
    "training-added": "Training {item} entered",
    "training-ended": "Training {item} ended",
}

"""Membership: which organisation employs a person, from which day to which.

One person may have several, one after the other: who moves from the fire service to the police has
a membership of each, joined by the same `person`. A membership says who works where. It grants
nothing: vetting does not move with the contract.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from vetting.days import LAST_YEAR, day_begins_at, day_ends_at
from vetting.errors import RegisterError, quoted

if TYPE_CHECKING:
    from vetting.person import PersonKey

PERSON = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
CONTRACT = re.compile(r"[A-Za-z0-9][A-Za-z0-9/._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """One employment of one person.

    Attributes:
        person: joins the memberships of one human being; opaque.
        key: where, and under which employee number.
        starts_on: first day, in London.
        ends_on: last day; None for until it is ended.
        contract: the contract the person works under; empty where there is none to name.
    """

    person: str
    key: PersonKey
    starts_on: date
    ends_on: date | None = None
    contract: str = ""

    def __post_init__(self) -> None:
        """Refuse a membership that contradicts itself.

        Raises:
            RegisterError: a name is of no known form, or a day is none or out of order.
        """
        names: tuple[tuple[object, re.Pattern[str], str], ...] = (
            (self.person, PERSON, "person"),
            (self.contract or "none", CONTRACT, "contract"),
        )
        for value, pattern, name in names:
            if not isinstance(value, str) or not pattern.fullmatch(value):
                raise RegisterError(f"read membership: {quoted(value)} is no {name}")
        days: tuple[object, ...] = (self.starts_on, self.ends_on or self.starts_on)
        for day in days:
            if not isinstance(day, date) or isinstance(day, datetime) or day.year > LAST_YEAR:
                raise RegisterError(f"read membership: {quoted(day)} is no date")
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise RegisterError("read membership: it ends before it starts")

    def begins_at(self) -> datetime:
        """Give its first instant (UTC)."""
        return day_begins_at(self.starts_on)

    def ends_at(self) -> datetime | None:
        """Give the first instant (UTC) after it; None without end."""
        return None if self.ends_on is None else day_ends_at(self.ends_on)

    def holds(self, *, at: datetime) -> bool:
        """Tell whether it is in force.

        Raises:
            RegisterError: the instant has no time zone.
        """
        if at.tzinfo is None:
            raise RegisterError("read membership: the instant has no time zone")
        ends_at = self.ends_at()
        return at >= self.begins_at() and (ends_at is None or at < ends_at)


def is_contract(text: str) -> bool:
    """Tell whether a text may name a contract; the empty one names none."""
    return not text or CONTRACT.fullmatch(text) is not None


def employed(memberships: tuple[Membership, ...], *, at: datetime, required: bool) -> bool:
    """Tell whether a person works for the organisation, as far as the register may say.

    Args:
        memberships: those of one key, past and future ones included.
        at: the instant.
        required: whether the organisation keeps memberships here, so that having none means no.
            Elsewhere the directory suffices for people without any; who has some is held to them.
    """
    if not memberships:
        return not required
    return any(each.holds(at=at) for each in memberships)

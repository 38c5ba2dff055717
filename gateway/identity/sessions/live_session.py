"""A session as a worker holds it in memory: with whose it is, and what was worked out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from gateway.errors import DirectoryUnavailable
from gateway.identity.sessions.session import Session
from gateway.identity.staff import Staff
from gateway.pace import Pace
from gateway.store import schema
from policies.question import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSubject:
    """A subject, and the first instant at which a date in the register changes it, if any."""

    subject: Subject
    stable_until: datetime | None


SubjectReader = Callable[[Connection, Staff, datetime], KnownSubject]
"""Builds the subject of a decision from a member of staff and the register."""


class ActorFacts(NamedTuple):
    """What an entry says of who acted, as text.

    Attributes:
        levels: levels held, separated by spaces.
        ends_on: the first day on which one of them ends, or empty.
        roles: appointments held, separated by spaces.
        address: `<username>@<organisation>`.
        session: the session's hash.
        factors: how they proved who they are, separated by commas.
    """

    levels: str
    ends_on: str
    roles: str
    address: str
    session: bytes
    factors: str


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class LiveSession:
    """A session with whose it is. Nothing ever changes but `seen_us` and what was worked out of it.

    Attributes:
        session: as the database had it.
        staff: whose it is.
        subject: who asks, for the policies.
        idle_us: how long it may be unused; shorter than the session's own for some people.
        ends_at_us: its absolute limit, likewise.
        usable_until_us: absolute limit, or when it must be read anew, whichever is first.
        alert_us: the pause after which it must be read anew, as it may be over, or matter.
        seen_us: when this worker last saw it used; written by the event loop only.
        written_us: up to when its use is noted in the database; owned by `SessionCache.flush`.
        under_review: whether something they are cleared to is under review.
        pace: how fast the person's requests may come, all their sessions together.
        dropped: whether it is not in the memory any more, or never was: something about it has
            changed, or it has ended.
    """

    session: Session
    staff: Staff
    subject: Subject
    idle_us: int
    ends_at_us: int
    usable_until_us: int
    alert_us: int
    seen_us: int
    written_us: int
    under_review: bool = False
    pace: Pace = field(default_factory=Pace)
    dropped: bool = False
    _facts: ActorFacts | None = None

    def take(self, at_us: int) -> bool:
        """Note a use of it, if it may be used without asking the database.

        Whoever holds one asks first whether every change that is known has been applied.

        Args:
            at_us: now, microseconds since 1970 UTC.
        """
        if self.dropped or at_us >= self.usable_until_us or at_us - self.seen_us >= self.alert_us:
            return False
        self.seen_us = at_us
        return True

    def is_over(self, at_us: int) -> bool:
        """Tell whether it has reached a limit, unless another worker saw it used since."""
        return at_us >= self.ends_at_us or at_us - self.seen_us >= self.idle_us

    def ends_unused_at(self, at: datetime) -> datetime:
        """Give when it ends if it is not used after `at`."""
        return min(schema.instant(self.ends_at_us), at + timedelta(microseconds=self.idle_us))

    def facts(self, at: datetime) -> ActorFacts:
        """Give what the record says of the actor.

        Worked out once: within its use nothing in it changes, as `usable_until_us` is before that.
        """
        if self._facts is None:
            held = self.subject.clearance.held(at=at)
            ends = [grant.expires_on for grant in held if grant.expires_on is not None]
            self._facts = ActorFacts(
                levels=" ".join(grant.level for grant in held),
                ends_on=min(ends).isoformat() if ends else "",
                roles=" ".join(sorted(self.subject.appointments)),
                address=self.staff.address,
                session=self.session.hash.encode("ascii"),
                factors=",".join(sorted(self.session.factors)),
            )
        return self._facts


class DirectoryAway(DirectoryUnavailable):
    """The session's directory has not answered for too long: nothing may be permitted.

    Attributes:
        live: the session, which can be ended and replaced, but not used.
    """

    def __init__(self, live: LiveSession) -> None:
        self.live = live
        super().__init__("sessions: the directory has not vouched for the person lately")

"""How long sessions last: everybody's limits, and tighter ones for those who could do more harm.

Worked out when a session is opened and whenever it is read again, so that an appointment or a new
clearance shortens the sessions there are; nothing is worked out for a request.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.identity.sessions.session import SessionLimits
from policies.question import Subject
from vetting.requirement import Requirement

AT_MOST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class TighterLimits:
    """Limits for some people, told by what the host's register says of them.

    Attributes:
        limits: theirs.
        appointed: concerns everybody with an appointment in the gate.
        holds: concerns everybody who meets this requirement; None asks nothing.
    """

    limits: SessionLimits
    appointed: bool = False
    holds: Requirement | None = None

    def __post_init__(self) -> None:
        """Refuse limits that would concern nobody."""
        if not self.appointed and self.holds is None:
            message = "sessions: tighter limits must say whom they concern"
            raise ValueError(message)

    def concerns(self, subject: Subject, *, at: datetime) -> bool:
        """Tell whether a person falls under these limits; either condition is enough."""
        if self.appointed and subject.appointments:
            return True
        return self.holds is not None and subject.clearance.satisfies(self.holds, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRules:
    """The limits of all sessions.

    Attributes:
        everybody: what holds for everybody.
        tighter: what holds for some besides; of several the shortest counts.
        at_most: how many sessions one person may have at a time.
    """

    everybody: SessionLimits = field(default_factory=SessionLimits)
    tighter: tuple[TighterLimits, ...] = ()
    at_most: int = AT_MOST

    def limits_of(self, subject: Subject | None, *, at: datetime) -> SessionLimits:
        """Give the limits of a person; those of everybody for somebody who is not described."""
        idle, absolute = self.everybody.idle, self.everybody.absolute
        for each in self.tighter:
            if subject is not None and each.concerns(subject, at=at):
                idle = min(idle, each.limits.idle)
                absolute = min(absolute, each.limits.absolute)
        return SessionLimits(idle=min(idle, absolute), absolute=absolute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouching:
    """How long a session lives on without its directory having vouched for the person again.

    Attributes:
        directories: those that are asked again; others vouch once, at sign-in.
        grace: how long their silence is borne.
    """

    directories: frozenset[str] = frozenset()
    grace: timedelta = timedelta(minutes=15)


def limits_in_us(limits: SessionLimits) -> tuple[int, int]:
    """Give idle and absolute limit in microseconds."""
    microsecond = timedelta(microseconds=1)
    return limits.idle // microsecond, limits.absolute // microsecond

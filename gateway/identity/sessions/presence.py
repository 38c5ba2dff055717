"""How lately somebody must have shown that it is still they who sit there, by class of function.

A session lives on through a pause that is too long for some functions, and for longer than others
bear at all: what is sensitive asks for a new sign-in after a shorter pause, or after fewer hours
however busy they were. The longest pause since the person last proved who they are is kept with the
session, so that looking at the portal first does not help whoever sat down at somebody else's desk.
A second factor ends a pause; how long ago somebody signed in, only a new sign-in does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from gateway.identity.sessions.session import Session
from policies.function import Classification, Function, Regime

FOREVER_US = 1 << 62

PAUSED: Final = "paused"
"""The code of a refusal until somebody who was away has shown once more that it is they."""

AGED: Final = "signed-in-long-ago"
"""The code of a refusal until somebody who signed in too long ago for it has done so anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceLimit:
    """A class of functions, and what a session must keep within to open one of them.

    Attributes:
        pause: how long it may have been unused since the person's last proof; None for no limit.
        age: how long ago the sign-in may have been; None for no limit.
        classification: of the functions; None for any.
        regime: of the functions; None for any.
    """

    pause: timedelta | None = None
    age: timedelta | None = None
    classification: Classification | None = None
    regime: Regime | None = None

    def concerns(self, function: Function) -> bool:
        """Tell whether a function is of this class."""
        return self.classification in {None, function.classification} and self.regime in {
            None,
            function.regime,
        }


class _Bounds(NamedTuple):
    """What one function bears, in microseconds."""

    function: Function
    pause_us: int
    age_us: int


class Presence:
    """What each function bears. Asked by every permitted request, so it remembers."""

    def __init__(self, limits: Sequence[PresenceLimit] = ()) -> None:
        """Take the limits; without any, neither pause nor age matters."""
        self.limits = tuple(limits)
        self._known: dict[str, _Bounds] = {}
        self.shortest_us = _shortest_us([each.pause for each in self.limits])

    def asked_again(self, session: Session, function: Function, at_us: int) -> str:
        """Tell why somebody must sign in again before a function; empty if they need not.

        Args:
            session: theirs.
            function: which they may open otherwise.
            at_us: now, microseconds since 1970 UTC.

        Returns:
            `PAUSED`, `AGED` or nothing.
        """
        bounds = self._known.get(function.id)
        # A new policy set has new functions: what is remembered counts for that very one.
        if bounds is None or bounds.function is not function:
            bounds = self._learn(function)
        if at_us - session.started_at_us >= bounds.age_us:
            return AGED
        return PAUSED if session.rested_us > bounds.pause_us else ""

    def asks_from_us(self, session: Session, function: Function) -> int:
        """Tell from which instant on it asks somebody again, who stays as busy as they are.

        Args:
            session: theirs.
            function: which they may open.

        Returns:
            Microseconds since 1970 UTC; 0 where it asks already, or some while ago.
        """
        bounds = self._known.get(function.id)
        if bounds is None or bounds.function is not function:
            bounds = self._learn(function)
        return 0 if session.rested_us > bounds.pause_us else session.started_at_us + bounds.age_us

    def _learn(self, function: Function) -> _Bounds:
        mine = [each for each in self.limits if each.concerns(function)]
        bounds = _Bounds(
            function,
            _shortest_us([each.pause for each in mine]),
            _shortest_us([each.age for each in mine]),
        )
        self._known[function.id] = bounds
        return bounds


def _shortest_us(spans: Sequence[timedelta | None]) -> int:
    microsecond = timedelta(microseconds=1)
    return min((each // microsecond for each in spans if each is not None), default=FOREVER_US)

"""How lately somebody must have shown that it is still they who sit there, by class of function.

A session lives on through a pause that is too long for some functions: what is sensitive asks for a
new sign-in (or a second factor) after a shorter one. The longest pause since the person last proved
who they are is kept with the session, so that looking at the portal first does not help whoever sat
down at somebody else's desk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from policies.function import Classification, Function, Regime

FOREVER_US = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceLimit:
    """A class of functions, and the longest pause before one of them.

    Attributes:
        pause: how long the session may have been unused since the person's last proof.
        classification: of the functions; None for any.
        regime: of the functions; None for any.
    """

    pause: timedelta
    classification: Classification | None = None
    regime: Regime | None = None

    def concerns(self, function: Function) -> bool:
        """Tell whether a function is of this class."""
        return self.classification in {None, function.classification} and self.regime in {
            None,
            function.regime,
        }


class Presence:
    """The longest pause before each function. Asked by every permitted request, so it remembers."""

    def __init__(self, limits: Sequence[PresenceLimit] = ()) -> None:
        """Take the limits; without any, no pause matters."""
        self._limits = tuple(limits)
        self._known: dict[str, tuple[Function, int]] = {}
        self.shortest_us = min((_us(each.pause) for each in self._limits), default=FOREVER_US)

    def longest_pause_us(self, function: Function) -> int:
        """Give the longest pause after which a function is still opened."""
        known = self._known.get(function.id)
        # A new policy set has new functions: what is remembered counts for that very one.
        if known is not None and known[0] is function:
            return known[1]
        pause_us = min(
            (_us(each.pause) for each in self._limits if each.concerns(function)),
            default=FOREVER_US,
        )
        self._known[function.id] = (function, pause_us)
        return pause_us


def _us(span: timedelta) -> int:
    return span // timedelta(microseconds=1)

"""The portal: which functions one person may open, and what they still have to see to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from policies.obligations import Obligation
from policies.question import Question
from policies.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.engine import Engine
    from policies.function import Function
    from policies.question import Subject

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

LEFT_TO_PERSON: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.SECOND_FACTOR_NEEDED: Obligation.STEP_UP.value,
        Reason.PURPOSE_NEEDED: Obligation.PURPOSE.value,
    }
)
"""By the reason of a denial, what the person can still see to: it may be shown to them all the
same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A function that the portal shows to one person.

    Attributes:
        function: The function; it has an entry.
        needs: What the person still has to see to, `step-up` or `purpose`, if anything.
    """

    function: Function
    needs: str | None


def tiles_of(
    engine: Engine,
    subject: Subject,
    *,
    at: datetime,
    factors: frozenset[str],
    shown_at_us: int | None = None,
    zone: str | None = None,
    honours: frozenset[Obligation] = frozenset(),
) -> tuple[Tile, ...]:
    """Give the functions of the back office that the portal shows, in the order of the catalogue.

    What a person could never fulfil is not shown.

    Args:
        engine: Decides.
        subject: Who looks.
        at: When.
        factors: How they proved who they are.
        shown_at_us: When they last showed a second factor; without it none is fresh.
        zone: The network zone they look from.
        honours: What the gate undertakes to do, see `Question.honours`.
    """
    at_us = (at - _EPOCH) // _MICROSECOND
    offered = [
        compiled.function
        for compiled in engine.functions.values()
        if compiled.function.entry is not None and not compiled.of_gateway
    ]
    if not offered:
        return ()
    asked = Question(
        subject=subject,
        function=offered[0],
        action="read",
        at=at,
        zone=zone,
        honours=honours,
        second_factor_age_us=None if shown_at_us is None else at_us - shown_at_us,
    )
    tiles = []
    for function in offered:
        fresh = factors
        if function.obligations:
            fresh = function.fresh_factors(factors, shown_at_us, at_us)
        decision = engine.decide(asked.turned_to(function, fresh))
        if decision.permitted:
            tiles.append(Tile(function=function, needs=None))
        elif decision.reason in LEFT_TO_PERSON:
            tiles.append(Tile(function=function, needs=LEFT_TO_PERSON[decision.reason]))
    return tuple(tiles)

"""Functions of a catalogue, of which only the id and what is matched count."""

from __future__ import annotations

from policies.function import (
    Classification,
    Function,
    Matcher,
    RecordParameter,
    Regime,
    Scope,
)
from vetting.levels import LevelOrder
from vetting.requirement import Requirement

_BASE = Requirement.parse("BASE", LevelOrder.shipped())


def function(
    function_id: str, *matchers: Matcher, record: RecordParameter | None = None
) -> Function:
    return Function(
        id=function_id,
        title="T",
        area="A",
        classification=Classification.OFFICIAL,
        regime=Regime.GP,
        floor=_BASE,
        scope=Scope.OWN,
        system="ebs",
        matchers=matchers,
        record=record,
    )

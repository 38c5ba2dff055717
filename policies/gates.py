"""The gates behind the function, in their order: from the results of a decision to its ending.

Whoever decides and whoever reads a recorded decision back go through this one function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.decision import Effect, Ending, Gate
from policies.obligations import NO_OBLIGATIONS
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.answers import Meaning
    from policies.compiled_function import CompiledFunction
    from policies.obligations import Obligations


def ending_of(
    compiled: CompiledFunction,
    agreement_id: str | None,
    meaning: Meaning,
    reach: int,
    owner: str,
    named: int,
    fulfilled: int,
    failed: int,
) -> Ending:
    """Go through the gates with the results, and what the rules that apply by them mean.

    The results that are looked at are handed over one by one: whoever asks has them at hand, and a
    named tuple is read slowly.
    """
    if agreement_id is None and not compiled.of_gateway:
        return _NOT_OFFERED
    if compiled.floor_by_owner:
        reason = compiled.clearance_reason(reach, owner, named)
    else:
        reason = compiled.one_floor[named][reach]
    if reason is not _CLEARANCE_REACHED:
        return _TOO_LOW if reason is _CLEARANCE_TOO_LOW else _BEYOND
    if failed:
        return _IN_ERROR
    if lacking := meaning.binds & ~fulfilled:
        return _unfulfilled(meaning, lacking)
    return meaning.ending


def _unfulfilled(meaning: Meaning, lacking: int) -> Ending:
    obligations = meaning.owed.only(lacking)
    return Ending(Effect.DENY, Gate.OBLIGATION, _reason_of(obligations), meaning.rules, obligations)


def _reason_of(lacking: Obligations) -> Reason:
    """Name what stands in the way: first what the person can do nothing about."""
    if lacking.read_only:
        return Reason.READ_ONLY
    if lacking.mask or lacking.watermark or (lacking.purpose and not lacking.purpose.codes):
        return Reason.OBLIGATION_NOT_FULFILLED
    if lacking.rates:
        return Reason.RATE_EXCEEDED
    return Reason.SECOND_FACTOR_NEEDED if lacking.step_up else Reason.PURPOSE_NEEDED


def _refused(gate: Gate, reason: Reason) -> Ending:
    return Ending(Effect.DENY, gate, reason, (), NO_OBLIGATIONS)


# Made once; an enumeration looks its members up slowly.
_CLEARANCE_REACHED, _CLEARANCE_TOO_LOW = Reason.CLEARANCE_REACHED, Reason.CLEARANCE_TOO_LOW
_NOT_OFFERED = _refused(Gate.AGREEMENT, Reason.NO_AGREEMENT)
_TOO_LOW = _refused(Gate.CLEARANCE, Reason.CLEARANCE_TOO_LOW)
_BEYOND = _refused(Gate.CLEARANCE, Reason.RECORD_BEYOND_CLEARANCE)
_IN_ERROR = _refused(Gate.RULE, Reason.RULE_IN_ERROR)

"""The lines of an explanation: what each rule did, and how each of its criteria was answered.

What does not depend on the question (which criteria a rule has, what they ask, which of them is
asked of an organisation at all) is laid out once for a set of candidates. What was answered and
the values that were looked at are filled in for each explanation, and nothing of them is kept.
"""

from __future__ import annotations

from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, assert_never

from policies.candidates import SUBJECT_BIT
from policies.criteria import OfOrganisation, Result
from policies.decision import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from policies.candidates import Candidates
    from policies.criteria import Criterion
    from policies.decision import Results
    from policies.prepared_rule import PreparedRule
    from policies.question import Question
    from policies.reasons import Reason


class Mark(StrEnum):
    """How a gate, rule or criterion came out."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "unknown"
    ERROR = "error"
    NOT_ASKED = "not asked"


class Outcome(StrEnum):
    """What a rule did."""

    PERMITS = "permits"
    DENIES = "denies"
    DOES_NOT_APPLY = "does not apply"
    DOES_NOT_CONCERN = "does not concern the organisation"
    ERROR = "error"


class CriterionLine(NamedTuple):
    """One criterion: what it asks, how it was answered, and the value if a question was given.

    The lines are named tuples because an explanation has a hundred of them: as frozen dataclasses
    they would cost as much as everything else in it.
    """

    name: str
    asks: str
    mark: Mark
    reason: Reason | None
    value: str


class RuleLine(NamedTuple):
    """One rule that speaks of the function and action, with its criteria."""

    rule_id: str
    effect: Effect
    outcome: Outcome
    why: str
    criteria: tuple[CriterionLine, ...]
    obliges: tuple[str, ...] = ()


class _Place(NamedTuple):
    """A criterion as it stands in the lines; several rules may share it.

    Attributes:
        bit: Of its answer; 0 where its mark is known already.
        mark: Its mark, if that is known already.
        reasons: The reason when it is met, and when it is not.
    """

    bit: int
    mark: Mark
    asks: str
    reasons: tuple[Reason, Reason]


class _Laid(NamedTuple):
    """A rule as it stands in the lines.

    Attributes:
        bit: Its own; 0 where it does not concern the organisation.
        needed: The bits of its criteria.
        applies: What it does when it applies.
        pick: Takes its criteria out of all of them.
    """

    rule_id: str
    effect: Effect
    bit: int
    needed: int
    applies: Outcome
    why: str
    pick: Callable[[Sequence[CriterionLine]], tuple[CriterionLine, ...]]
    obliges: tuple[str, ...]


class RuleLines:
    """Writes the lines of the rules of one function, action and organisation."""

    __slots__ = ("_by_name", "_candidates", "_laid")

    def __init__(
        self,
        rules: Sequence[PreparedRule],
        candidates: Candidates,
        organisation: str,
        kind: str,
    ) -> None:
        """Lay out the lines.

        Args:
            rules: All that speak of the function and action.
            candidates: Those of them that concern the organisation.
            organisation: The id of the organisation.
            kind: Its kind.
        """
        self._candidates = candidates
        bit_of = {id(prepared): 1 << place for place, prepared in enumerate(candidates.rules)}
        # By the name of the criterion, as the value is the question's, whatever is asked of it.
        by_name: dict[str, tuple[Criterion, dict[tuple[str, int], _Place]]] = {}
        chosen: list[list[tuple[str, int]]] = []
        for prepared in rules:
            concerns = id(prepared) in bit_of
            mine: list[tuple[str, int]] = []
            for key, form, criterion, asks in zip(
                prepared.keys,
                prepared.forms,
                prepared.rule.criteria,
                prepared.sentences,
                strict=True,
            ):
                bit, mark = 0, _NOT_ASKED
                if isinstance(form, OfOrganisation):
                    mark = _marked(form.ask(organisation, kind))
                elif concerns:
                    bit = candidates.bits[key]
                places = by_name.setdefault(criterion.name, (criterion, {}))[1]
                places.setdefault((key, bit), _Place(bit, mark, asks, criterion.reasons))
                mine.append((key, bit))
            chosen.append(mine)
        self._by_name = tuple(
            (criterion, tuple(shared.values())) for criterion, shared in by_name.values()
        )
        order = [key for _, places in by_name.values() for key in places]
        at = {key: place for place, key in enumerate(order)}
        self._laid = tuple(
            _Laid(
                rule_id=prepared.rule.id,
                effect=prepared.rule.effect,
                bit=bit_of.get(id(prepared), 0),
                needed=sum({bit for _, bit in mine}),
                applies=_PERMITS if prepared.rule.effect is Effect.PERMIT else _DENIES,
                why=prepared.rule.reason,
                pick=_picking([at[key] for key in mine]),
                obliges=prepared.rule.obligations.words,
            )
            for prepared, mine in zip(rules, chosen, strict=True)
        )

    def write(self, results: Results, question: Question | None) -> tuple[RuleLine, ...]:
        """Write the lines.

        Args:
            results: How the criteria were answered.
            question: What was asked, for the values; none are told without it.
        """
        met, unknown, failed = results.met, results.unknown, results.failed
        read = not failed & SUBJECT_BIT
        if not read:
            met = unknown = failed = 0
        written: list[CriterionLine] = []
        for criterion, places in self._by_name:
            value = _value(criterion, question)
            for bit, known, asks, reasons in places:
                if not bit:
                    mark = known
                elif not read:
                    mark = _NOT_ASKED
                else:
                    mark = _mark_of(bit, met, unknown, failed)
                reason = None if mark is _NOT_ASKED else reasons[mark is not _MET]
                written.append(_new(CriterionLine, (criterion.name, asks, mark, reason, value)))
        return tuple(self._ruled(written, met, unknown, failed))

    def _ruled(
        self, criteria: list[CriterionLine], met: int, unknown: int, failed: int
    ) -> Iterator[RuleLine]:
        held = met | unknown
        for rule_id, effect, rule, needed, applies, why, pick, obliges in self._laid:
            if not rule:
                outcome = _DOES_NOT_CONCERN
            elif failed & needed:
                outcome = _FAILED
            # A deny rule bites on what is unknown too.
            elif (met if applies is _PERMITS else held) & needed == needed:
                outcome = applies
            else:
                outcome = _DOES_NOT_APPLY
            yield _new(RuleLine, (rule_id, effect, outcome, why, pick(criteria), obliges))


def _mark_of(bit: int, met: int, unknown: int, failed: int) -> Mark:
    if failed & bit:
        return _ERROR
    if met & bit:
        return _MET
    return _UNKNOWN if unknown & bit else _NOT_MET


def _picking(
    places: list[int],
) -> Callable[[Sequence[CriterionLine]], tuple[CriterionLine, ...]]:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda lines: tuple([lines[place] for place in places])


def _marked(result: Result) -> Mark:
    match result:
        case Result.MET:
            return Mark.MET
        case Result.NOT_MET:
            return Mark.NOT_MET
        case Result.UNKNOWN:
            return Mark.UNKNOWN
        case _:
            assert_never(result)


def _value(criterion: Criterion, question: Question | None) -> str:
    if question is None:
        return ""
    try:
        return criterion.shown(question)
    except Exception:  # noqa: BLE001 - an explanation of an error must not fail of the same error
        return "cannot be read"


# Bound once: an enumeration looks its members up slowly, and a named tuple is made slowly by name.
_new = tuple.__new__
_PERMITS, _DENIES, _FAILED = Outcome.PERMITS, Outcome.DENIES, Outcome.ERROR
_DOES_NOT_CONCERN, _DOES_NOT_APPLY = Outcome.DOES_NOT_CONCERN, Outcome.DOES_NOT_APPLY
_MET, _NOT_MET, _UNKNOWN = Mark.MET, Mark.NOT_MET, Mark.UNKNOWN
_ERROR, _NOT_ASKED = Mark.ERROR, Mark.NOT_ASKED

"""What a refused person is told: sentences they can act on, and nothing they must not learn.

1. What must look unknown is told nothing: a function that does not exist and one that no agreement
   offers end alike.
2. Told is what the person lacks and whom to ask, and of lapsed vetting what ended and when. Not
   told are the ids of rules, what rules say about others, and the names of other people.
3. Of several permit rules that are not met, the one that lacks least is told: it is the shortest
   way in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from policies.criteria import OfOrganisation, Reaches
from policies.decision import Effect, Gate
from policies.reasons import Reason
from vetting.requirement import Requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from policies.candidates import Candidates
    from policies.compiled_function import CompiledFunction
    from policies.decision import Decision, Results
    from policies.question import Question
    from vetting.levels import LevelId, LevelOrder

_MOST_ALTERNATIVES = 32
"""Ways in that are tried; a person can act on two or three, and each costs a decision."""

_TOLD_GATES = frozenset({Gate.CLEARANCE, Gate.RULE, Gate.OBLIGATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffReason:
    """One thing a refused person is told.

    Attributes:
        code: The reason.
        sentence: What is so.
        remedy: What they can do.
        whom: Key of the contact, see `policies.reasons.Telling`.
    """

    code: Reason
    sentence: str
    remedy: str
    whom: str


def tell(
    compiled: CompiledFunction,
    candidates: Candidates,
    question: Question,
    decision: Decision,
    ways_in: tuple[tuple[LevelId, ...], ...],
) -> tuple[StaffReason, ...]:
    """Say what may be told, most useful first.

    Args:
        compiled: The function.
        candidates: Its candidates for the subject's organisation.
        question: What was asked.
        decision: What was decided.
        ways_in: The levels that would let the person in, as alternatives.
    """
    if decision.permitted or decision.gate not in _TOLD_GATES:
        return ()
    codes = [decision.reason]
    if decision.reason is Reason.NO_RULE_PERMITS:
        codes = list(_nearest(candidates, decision.results)) or codes
    told: list[StaffReason] = []
    for code in dict.fromkeys(codes):
        if code in {Reason.CLEARANCE_TOO_LOW, Reason.VETTING_TOO_LOW}:
            told.extend(_vetting(compiled, decision.results, question, code, ways_in))
        else:
            told.append(plain_reason(code))
    return tuple(told)


def plain_reason(code: Reason) -> StaffReason:
    """Give what a reason tells by itself; one that may not be told is told as the general one."""
    telling = code.telling
    return StaffReason(
        # A code that may not be told is told as the general one, in its code too.
        code=code if code.tellable else Reason.NO_RULE_PERMITS,
        sentence=telling.sentence,
        remedy=telling.remedy,
        whom=telling.whom,
    )


def _vetting(
    compiled: CompiledFunction,
    results: Results,
    question: Question,
    code: Reason,
    ways_in: tuple[tuple[LevelId, ...], ...],
) -> Iterable[StaffReason]:
    """Tell of vetting: first what ended and was asked for here, then what would let the person in.

    What ended is told even where a rule would refuse as well: it is the person's own, and they may
    not know it yet.
    """
    clearance = question.subject.clearance
    order = clearance.order
    wanted = {level for way in (*ways_in, *_lacking(compiled, results)) for level in way}
    plain = plain_reason(code)
    for grant in clearance.ended(at=question.at):
        if any(order.dominates(grant.level, level) for level in wanted):
            held = clearance.describe(grant, at=question.at)
            yield replace(
                plain,
                sentence=f"Your {held.title} {_was(held.words)}.",
                remedy="Ask the vetting unit about its renewal, or your manager to do so.",
            )
    if ways_in:
        titles = " or ".join(_titles(order, way) for way in ways_in)
        yield replace(plain, sentence=f"{compiled.function.title} needs {titles}.")
    else:
        yield plain


def _lacking(compiled: CompiledFunction, results: Results) -> Iterable[tuple[LevelId, ...]]:
    """The levels that the floors ask for and that are not reached."""
    function = compiled.function
    for floor in (function.floor, *function.floor_by_owner.values()):
        yield from floor.missing(results.reach)


def _was(words: str) -> str:
    """Join what the register says of an ended grant to a sentence."""
    verb = ("ended", "review")
    return words if words.startswith(verb) else f"is {words}"


def _titles(order: LevelOrder, levels: tuple[LevelId, ...]) -> str:
    return " together with ".join(order.level(level).title for level in levels)


def _nearest(candidates: Candidates, results: Results) -> tuple[Reason, ...]:
    """What the permit rule lacks that lacks least."""
    best: tuple[Reason, ...] = ()
    for prepared in candidates.rules:
        if prepared.rule.effect is not Effect.PERMIT:
            continue
        lacks = tuple(
            criterion.reasons[1]
            for criterion, key, form in zip(
                prepared.rule.criteria, prepared.keys, prepared.forms, strict=True
            )
            if not isinstance(form, OfOrganisation) and not results.met & candidates.bits[key]
        )
        if not best or len(lacks) < len(best):
            best = lacks
    return best


def ways_in(
    compiled: CompiledFunction,
    candidates: Candidates,
    results: Results,
    levels: LevelOrder,
    concludes: Callable[[Results], Decision],
) -> tuple[tuple[LevelId, ...], ...]:
    """Find the levels that would let the person in, as alternatives; few, not all.

    Args:
        compiled: The function.
        candidates: Its candidates for the subject's organisation.
        results: What was found.
        levels: The order of the levels.
        concludes: Decides again from results.

    Returns:
        Alternatives, each the levels to add; empty when no vetting would let the person in. A step
        that only remains to be taken, such as a second factor, does not count against a way.
    """
    requirements = [compiled.function.floor, *compiled.function.floor_by_owner.values()]
    requirements += [
        form.requirement
        for prepared in candidates.rules
        for form in prepared.forms
        if isinstance(form, Reaches)
    ]
    requirements.append(compiled.anothers_record)
    tried: dict[tuple[LevelId, ...], None] = {(): None}
    for requirement in dict.fromkeys(requirement.text for requirement in requirements):
        missing = Requirement.parse(requirement, levels).missing(results.reach)
        for way in tuple(tried):
            for terms in missing:
                joined = tuple(dict.fromkeys((*way, *terms)))
                if len(tried) <= _MOST_ALTERNATIVES:
                    tried[joined] = None
    found: list[tuple[int, tuple[LevelId, ...]]] = []
    # Least first: what brings fewer levels along cannot contain what brings more.
    reaches = [(_reach_of(levels, way), way) for way in tried if way]
    for reach, way in sorted(reaches, key=lambda each: (each[0].bit_count(), len(each[1]))):
        if any(reach & smaller == smaller for smaller, _ in found):
            continue
        decision = concludes(with_reach(candidates, results, results.reach | reach))
        if decision.permitted or decision.gate is Gate.OBLIGATION:
            found.append((reach, way))
    return tuple(way for _, way in found)


def _reach_of(order: LevelOrder, levels: tuple[LevelId, ...]) -> int:
    reach = 0
    for level in levels:
        reach |= order.reach(level)
    return reach


def with_reach(candidates: Candidates, results: Results, reach: int) -> Results:
    """Give the results as they would be with another reach."""
    met = results.met
    for prepared in candidates.rules:
        for key, form in zip(prepared.keys, prepared.forms, strict=True):
            if isinstance(form, Reaches):
                bit = candidates.bits[key]
                met = met | bit if form.requirement.met_by(reach) else met & ~bit
    return results._replace(reach=reach, met=met)

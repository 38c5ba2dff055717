"""Effective access: what every audience may really do with every function, all gates together.

Each answer is the engine's own. A function is asked about as somebody of the audience would open
it, naming nobody else; where that is refused by the rules, again as somebody whom each rule means:
in its post, trained, with a second factor, within its hours. So a function is open to all of an
audience, to some of it or on conditions, or to nobody, and in the last case for one of three
reasons that differ in who can change it: vetting, agreement, rules.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from policies.audiences import Audience, asked_for, audiences_of
from policies.decision import Effect, Gate
from policies.function import GATEWAY_SYSTEM, SECOND_FACTOR, Action
from policies.obligations import NO_OBLIGATIONS
from policies.reasons import Reason
from policies.situations import Situation, conditions_of, meant_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from policies.decision import Decision
    from policies.engine import Engine
    from policies.function import Function
    from policies.obligations import Obligation, Obligations
    from policies.prepared_rule import PreparedRule
    from policies.question import Question
    from vetting.levels import LevelId

_MOST_CONDITIONS = 12  # told of one cell; a person reads a few

_STEPS = frozenset({Reason.SECOND_FACTOR_NEEDED, Reason.PURPOSE_NEEDED})
_ABOUT_POSTS = frozenset({"post", "unit", "own_team"})


class Access(StrEnum):
    """What an audience may do with a function."""

    OPEN = "open"
    WITH_STEP = "with-step"
    CONDITIONAL = "conditional"
    NEEDS_VETTING = "needs-vetting"
    UNFULFILLED = "unfulfilled"
    NO_AGREEMENT = "no-agreement"
    NO_RULE = "no-rule"

    @property
    def granted(self) -> bool:
        """Whether anybody of the audience gets in."""
        return self in {Access.OPEN, Access.WITH_STEP, Access.CONDITIONAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one audience may do with one function.

    Attributes:
        access: the answer.
        obligations: what has to be fulfilled besides, such as a second factor.
        conditions: who of the audience, or when, in words; one alternative each.
        by_post: whether all that the conditions ask for is a post, a unit or a team of theirs.
        reading_only: whether it can be changed, but not by them.
        needs: the levels that would be enough, where vetting is what they lack.
    """

    access: Access
    obligations: Obligations = NO_OBLIGATIONS
    conditions: tuple[str, ...] = ()
    by_post: bool = False
    reading_only: bool = False
    needs: tuple[LevelId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Effective access of all audiences.

    Attributes:
        audiences: the columns; of an organisation's audiences with the same access everywhere only
            the one that holds least, and those without any vetting only where that opens something.
        cells: for each function one cell for each audience.
    """

    audiences: tuple[Audience, ...]
    cells: Mapping[str, tuple[Cell, ...]]


def effective_access(
    engine: Engine,
    *,
    at: datetime,
    organisations: Iterable[str],
    functions: Iterable[Function],
    honours: frozenset[Obligation],
) -> Grid:
    """Work out the grid of a policy set.

    Args:
        engine: decides.
        at: the instant.
        organisations: ids of those whose staff to ask about.
        functions: of the policy set; what is asked about.
        honours: what the gate undertakes to do, see `Question.honours`.
    """
    reader = AccessReader(engine, Situation(at, honours=honours))
    policy_set = engine.policy_set
    functions = tuple(functions)
    # The gateway's own pages are alike everywhere; beside others they make no column of their own.
    telling = [place for place, each in enumerate(functions) if each.system != GATEWAY_SYSTEM]
    telling = telling or list(range(len(functions)))
    wanted = frozenset(organisations)
    asked = asked_for(engine)
    audiences: list[Audience] = []
    columns: list[list[Cell]] = []
    for organisation in policy_set.organisations:
        if organisation.id not in wanted:
            continue
        known: dict[tuple[Cell, ...], tuple[Audience, list[Cell]]] = {}
        for audience in audiences_of(organisation, policy_set, asked):
            column = [reader.cell(audience, each) for each in functions]
            told = tuple(column[place] for place in telling)
            if audience.levels or any(cell.access.granted for cell in told):
                known.setdefault(told, (audience, column))
        found = list(known.values())
        _tell_needs(found)
        audiences += [audience for audience, _ in found]
        columns += [column for _, column in found]
    return Grid(
        audiences=tuple(audiences),
        cells={
            function.id: tuple(column[place] for column in columns)
            for place, function in enumerate(functions)
        },
    )


def actions_of(function: Function) -> tuple[str, ...]:
    """Tell which actions the requests of a function mean, reading first."""
    methods = frozenset[str]().union(*(matcher.methods for matcher in function.matchers))
    actions = []
    if "GET" in methods or not methods:
        actions.append(Action.READ.value)
    if methods - {"GET"}:
        actions.append(Action.WRITE.value)
    return tuple(actions)


class AccessReader:
    """Works out cells of one policy set; keeps what its rules mean for as long as that takes."""

    def __init__(self, engine: Engine, everyday: Situation) -> None:
        """Ask an engine.

        Args:
            engine: decides.
            everyday: the situation of most people; those whom rules mean are worked out from it.
        """
        self._engine = engine
        self._everyday = everyday
        self._meant: dict[int, tuple[Situation, ...]] = {}
        self._by_rules: dict[tuple[str, str, str, int | None], Cell] = {}

    def cell(self, audience: Audience, function: Function) -> Cell:
        """Work out what one audience may do with one function.

        Whether vetting would help is not asked here: a refusal by floor or rules is `NO_RULE` as
        long as no other audience of the organisation is compared with.
        """
        cells = [self._by_action(audience, function, each) for each in actions_of(function)]
        first = cells[0]
        if first.access.granted and len(cells) > 1 and not cells[1].access.granted:
            return replace(first, reading_only=True)
        if not first.access.granted and len(cells) > 1:
            return cells[1]
        return first

    def _by_action(self, audience: Audience, function: Function, action: str) -> Cell:
        question = self._everyday.question(audience, function, action)
        decision = decide_with_steps(self._engine, question)
        if lets_in(decision):
            return _granted(decision)
        match decision.gate:
            case Gate.AGREEMENT:
                return Cell(access=Access.NO_AGREEMENT)
            case Gate.OBLIGATION:
                return Cell(access=Access.UNFULFILLED, obligations=decision.obligations)
            case Gate.RULE:
                return self._known_by_rules(audience, function, action, decision.results.reach)
            case _:
                return Cell(access=Access.NO_RULE)  # whoever they are besides, the floor stays

    def _known_by_rules(
        self, audience: Audience, function: Function, action: str, reach: int
    ) -> Cell:
        """Ask as whom the rules mean, once for all audiences that no rule tells apart."""
        organisation = audience.organisation
        compiled = self._engine.functions[function.id]
        candidates = compiled.candidates_for(action, organisation.id, organisation.kind)
        told_apart = reach if candidates.reaches is not None else None
        key = function.id, action, organisation.id, told_apart
        known = self._by_rules.get(key)
        if known is None:
            permits = [each for each in candidates.rules if each.rule.effect is Effect.PERMIT]
            # By instant: the engine works hours out anew whenever it is asked about another.
            permits.sort(key=lambda each: self._meant_by(each)[0].at)
            known = self._by_rules[key] = self._cell_by_rules(audience, function, action, permits)
        return known

    def _cell_by_rules(
        self, audience: Audience, function: Function, action: str, permits: Iterable[PreparedRule]
    ) -> Cell:
        conditions: dict[str, None] = {}
        names: set[str] = set()
        best: Decision | None = None
        for prepared in permits:
            asked = conditions_of(prepared)
            words = ", ".join(sentence for _, sentence in asked)
            if words in conditions:
                continue
            decision = self._let_in(prepared, audience, function, action)
            if decision is None:
                continue
            best = decision if best is None else best
            conditions[words] = None
            names |= {name for name, _ in asked}
            if len(conditions) >= _MOST_CONDITIONS:
                break
        if best is None:
            return Cell(access=Access.NO_RULE)
        return Cell(
            access=Access.CONDITIONAL,
            obligations=best.obligations,
            conditions=tuple(words for words in conditions if words),
            by_post=names <= _ABOUT_POSTS,
        )

    def _let_in(
        self, prepared: PreparedRule, audience: Audience, function: Function, action: str
    ) -> Decision | None:
        """Decide as the first whom a rule means and who gets in; None where nobody does."""
        for situation in self._meant_by(prepared):
            question = situation.question(audience, function, action)
            decision = decide_with_steps(self._engine, question)
            if lets_in(decision):
                return decision
        return None

    def _meant_by(self, prepared: PreparedRule) -> tuple[Situation, ...]:
        meant = self._meant.get(id(prepared))
        if meant is None:
            meant = self._meant[id(prepared)] = tuple(meant_by(prepared, self._everyday))
        return meant


def lets_in(decision: Decision) -> bool:
    """Tell whether somebody gets in, if only after a step that they can take."""
    return decision.permitted or decision.reason in _STEPS


def decide_with_steps(engine: Engine, question: Question) -> Decision:
    """Decide, and where only steps of their own are missing, as if they had taken them.

    A permit names everything that it is bound to; before, only what is missing is named.
    """
    decision = engine.decide(question)
    if decision.reason not in _STEPS:
        return decision
    asked = decision.obligations.purpose
    taken = replace(
        question,
        factors=question.factors | {SECOND_FACTOR},
        second_factor_age_us=0,
        purpose=min(asked.codes, default=None) if asked else question.purpose,
    )
    after = engine.decide(taken)
    return after if after.permitted else decision


def _granted(decision: Decision) -> Cell:
    step = Access.WITH_STEP if decision.obligations.bits else Access.OPEN
    return Cell(access=step, obligations=decision.obligations)


def _tell_needs(columns: list[tuple[Audience, list[Cell]]]) -> None:
    """Say of refusals that vetting would help wherever it helps others of the organisation."""
    for place in range(len(columns[0][1]) if columns else 0):
        enough = next(
            (audience.levels for audience, column in columns if column[place].access.granted), None
        )
        for _, column in columns:
            if enough and column[place].access is Access.NO_RULE:
                column[place] = Cell(access=Access.NEEDS_VETTING, needs=enough)

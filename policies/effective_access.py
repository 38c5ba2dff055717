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
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from policies.audiences import Audience, asked_for, audiences_of
from policies.criteria import Attribute, OfOrganisation, OneOf, Recurs, Result, ShownWithin
from policies.decision import Effect, Gate
from policies.function import GATEWAY_SYSTEM, SECOND_FACTOR, Action
from policies.obligations import NO_OBLIGATIONS
from policies.question import Question, Subject
from policies.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from policies.candidates import PreparedRule
    from policies.decision import Decision
    from policies.engine import Engine
    from policies.function import Function
    from policies.obligations import Obligation, Obligations
    from vetting.levels import LevelId

_OTHER = "any other"
"""A post, unit, training or zone that no rule names: that there is one is known, and it is none of
theirs. Not known would let every rule bite that forbids."""

_PASSWORD = frozenset({"password"})
_MOST_SPELLS = 30
_MOST_CONDITIONS = 12  # told of one cell; a person reads a few

_STEPS = frozenset({Reason.SECOND_FACTOR_NEEDED, Reason.PURPOSE_NEEDED})
_ABOUT_THE_RECORD = frozenset({"own_record", "own_organisation"})
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


class Situation(NamedTuple):
    """Who somebody of an audience is besides, and in what circumstances they ask."""

    at: datetime
    posts: frozenset[str] = frozenset({_OTHER})
    unit: str = _OTHER
    appointments: frozenset[str] = frozenset()
    trainings: frozenset[str] = frozenset({_OTHER})
    team: frozenset[str] = frozenset()
    factors: frozenset[str] = _PASSWORD
    zone: str | None = _OTHER
    second_factor_age_us: int | None = None
    honours: frozenset[Obligation] = frozenset()

    def question(self, audience: Audience, function: Function, action: str) -> Question:
        """Ask for a function as somebody of the audience in this situation."""
        organisation = audience.organisation
        return Question(
            subject=Subject(
                staff_id=f"{organisation.id}/audience",
                organisation=organisation.id,
                organisation_kind=organisation.kind,
                employee_number="",
                name="",
                posts=self.posts,
                unit=self.unit,
                team=self.team,
                appointments=self.appointments,
                clearance=audience.clearance,
                trainings=self.trainings,
            ),
            function=function,
            action=action,
            at=self.at,
            factors=self.factors,
            zone=self.zone,
            second_factor_age_us=self.second_factor_age_us,
            honours=self.honours,
        )


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
    everyday = Situation(at, honours=honours)
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
            column = [cell_of(engine, audience, each, everyday) for each in functions]
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


def cell_of(engine: Engine, audience: Audience, function: Function, everyday: Situation) -> Cell:
    """Work out what one audience may do with one function.

    The situation is that of most of them; those whom rules mean are worked out from it.

    Whether vetting would help is not asked here: a refusal by floor or rules is `NO_RULE` as long
    as no other audience of the organisation is compared with.
    """
    actions = actions_of(function)
    cells = [_by_action(engine, audience, function, action, everyday) for action in actions]
    first = cells[0]
    if first.access.granted and len(cells) > 1 and not cells[1].access.granted:
        return replace(first, reading_only=True)
    if not first.access.granted and len(cells) > 1:
        return cells[1]
    return first


def actions_of(function: Function) -> tuple[str, ...]:
    """Tell which actions the requests of a function mean, reading first."""
    methods = frozenset[str]().union(*(matcher.methods for matcher in function.matchers))
    actions = []
    if "GET" in methods or not methods:
        actions.append(Action.READ.value)
    if methods - {"GET"}:
        actions.append(Action.WRITE.value)
    return tuple(actions)


def situations(
    engine: Engine, audience: Audience, function: Function, action: str, everyday: Situation
) -> Iterator[tuple[PreparedRule, Situation]]:
    """Give, for every rule that could permit it, the people and circumstances that it means."""
    compiled = engine.functions[function.id]
    organisation = audience.organisation
    for prepared in compiled.candidates_for(action, organisation.id, organisation.kind).rules:
        if prepared.rule.effect is Effect.PERMIT:
            for situation in _meant_by(prepared, everyday):
                yield prepared, situation


def conditions_of(prepared: PreparedRule) -> tuple[tuple[str, str], ...]:
    """Tell what a rule asks of people and circumstances: the criterion's name, and in words."""
    return tuple(
        (criterion.name, sentence)
        for criterion, form, sentence in zip(
            prepared.rule.criteria, prepared.forms, prepared.sentences, strict=True
        )
        if not isinstance(form, OfOrganisation)
        and criterion.name not in _ABOUT_THE_RECORD
        and criterion.name != "clearance"
    )


def _by_action(
    engine: Engine, audience: Audience, function: Function, action: str, everyday: Situation
) -> Cell:
    decision = decide_with_steps(engine, everyday.question(audience, function, action))
    if lets_in(decision):
        return _granted(decision)
    if decision.gate is Gate.AGREEMENT:
        return Cell(access=Access.NO_AGREEMENT)
    if decision.gate is Gate.CLEARANCE:
        return Cell(access=Access.NO_RULE)  # whoever they are besides, the floor stays
    if decision.gate is Gate.OBLIGATION:
        return Cell(access=Access.UNFULFILLED, obligations=decision.obligations)
    conditions: dict[str, None] = {}
    names: set[str] = set()
    best: Decision | None = None
    for prepared, situation in situations(engine, audience, function, action, everyday):
        asked = conditions_of(prepared)
        words = ", ".join(sentence for _, sentence in asked)
        if words in conditions:
            continue
        decision = decide_with_steps(engine, situation.question(audience, function, action))
        if lets_in(decision):
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


def _meant_by(prepared: PreparedRule, everyday: Situation) -> Iterator[Situation]:
    """Give the situations that a rule means: one for each of its posts, units and appointments."""
    situation = everyday._replace(factors=_PASSWORD | {SECOND_FACTOR}, second_factor_age_us=0)
    words: dict[Attribute, tuple[str, ...]] = {}
    for criterion, form in zip(prepared.rule.criteria, prepared.forms, strict=True):
        if isinstance(form, OneOf):
            words[form.attribute] = tuple(sorted(form.words))
        elif isinstance(form, Recurs):
            situation = situation._replace(at=_within(form, situation.at))
        elif isinstance(form, ShownWithin):
            situation = situation._replace(second_factor_age_us=0)
        elif criterion.name == "own_team":
            situation = situation._replace(team=frozenset({_OTHER}))
    situation = situation._replace(
        trainings=frozenset(words.get(Attribute.TRAININGS, (_OTHER,))),
        zone=words.get(Attribute.ZONE, (_OTHER,))[0],
        factors=situation.factors | frozenset(words.get(Attribute.FACTORS, ())),
    )
    for post, unit, appointment in product(
        words.get(Attribute.POSTS, ("",)),
        words.get(Attribute.UNIT, ("",)),
        words.get(Attribute.APPOINTMENTS, ("",)),
    ):
        yield situation._replace(
            posts=frozenset({post or _OTHER}),
            unit=unit or _OTHER,
            appointments=frozenset({appointment} if appointment else ()),
        )


def _within(form: Recurs, at: datetime) -> datetime:
    """Give the next instant within the hours of a rule; the instant itself where there is none."""
    instant = at
    for _ in range(_MOST_SPELLS):
        spell = form.around(instant)
        if spell.result is Result.MET:
            return instant
        instant = spell.until
    return at


def _tell_needs(columns: list[tuple[Audience, list[Cell]]]) -> None:
    """Say of refusals that vetting would help wherever it helps others of the organisation."""
    for place in range(len(columns[0][1]) if columns else 0):
        enough = next(
            (audience.levels for audience, column in columns if column[place].access.granted), None
        )
        for _, column in columns:
            if enough and column[place].access is Access.NO_RULE:
                column[place] = Cell(access=Access.NEEDS_VETTING, needs=enough)

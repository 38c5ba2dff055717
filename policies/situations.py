"""Situations: who somebody is besides their organisation and vetting, and whom a rule means.

A rule that asks for a post, a unit or a training means people who have one; a rule with hours means
a moment within them. Whoever is asked about otherwise has a post and a unit, comes from a zone and
has done a training, and no rule names any of them.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from policies.criteria import Attribute, OfOrganisation, OneOf, Recurs, Result, ShownWithin
from policies.decision import Effect
from policies.function import SECOND_FACTOR
from policies.question import Question, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from policies.audiences import Audience
    from policies.engine import Engine
    from policies.function import Function
    from policies.obligations import Obligation
    from policies.prepared_rule import PreparedRule

_OTHER = "any other"
"""A post, unit, training or zone that no rule names: that there is one is known, and it is none of
theirs. Not known would let every rule bite that forbids."""

_PASSWORD = frozenset({"password"})
_MOST_SPELLS = 30
_ABOUT_THE_RECORD = frozenset({"own_record", "own_organisation"})


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


def situations(
    engine: Engine, audience: Audience, function: Function, action: str, everyday: Situation
) -> Iterator[tuple[PreparedRule, Situation]]:
    """Give, for every rule that could permit it, the people and circumstances that it means."""
    compiled = engine.functions[function.id]
    organisation = audience.organisation
    for prepared in compiled.candidates_for(action, organisation.id, organisation.kind).rules:
        if prepared.rule.effect is Effect.PERMIT:
            for situation in meant_by(prepared, everyday):
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


def meant_by(prepared: PreparedRule, everyday: Situation) -> Iterator[Situation]:
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

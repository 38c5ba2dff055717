"""What everybody may do: the decisions of a whole staff.

Staff who are equal in everything that the rules, the floors and the agreements look at get equal
decisions. So one of them is asked about, and the answer stands for all: it names no person. Or each
is asked about separately, in the words that rules name. Nothing is kept from one call to the next.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from policies.criteria import Asks, Attribute, OneOf
from policies.prepared_rule import PreparedRule
from policies.question import Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from policies.decision import Decision
    from policies.engine import Engine
    from policies.function import Function
    from policies.obligations import Obligation
    from policies.policy_set import PolicySet
    from policies.question import Subject


class PersonDecisions(NamedTuple):
    """One person and the decision on each function, in the order that was asked for."""

    subject: Subject
    decisions: tuple[Decision, ...]


class _Looked(NamedTuple):
    """What the rules of a policy set look at: the words they name, or that they look at all."""

    posts: frozenset[str]
    units: frozenset[str]
    trainings: frozenset[str]
    at_all: bool


def decide_population(
    engine: Engine,
    staff: Iterable[Subject],
    functions: Sequence[Function],
    *,
    action: str,
    at: datetime,
    factors: frozenset[str],
    honours: frozenset[Obligation] = frozenset(),
    shared: bool = True,
) -> Iterator[PersonDecisions]:
    """Decide every function for every person, none of whom names another's record.

    Args:
        engine: Decides.
        staff: Everybody.
        functions: What is asked about.
        action: `read` or `write`.
        at: The instant.
        factors: How everybody is taken to have proved who they are.
        honours: What whoever asks undertakes to do, see `Question.honours`.
        shared: Whether equal questions are asked once.
    """
    looked = _looked_at(engine.policy_set)

    def ask(asked: Subject) -> tuple[Decision, ...]:
        return _decided(engine, asked, functions, action, at, factors, honours)

    known: dict[object, tuple[Decision, ...]] = {}
    for subject in staff:
        if looked.at_all or not shared:
            asked = subject if looked.at_all else _in_named_words(subject, looked)
            yield PersonDecisions(subject, ask(asked))
            continue
        key = _decisive(subject, looked, at)
        decisions = known.get(key)
        if decisions is None:
            asked = _in_named_words(subject, looked)
            decisions = known[key] = ask(asked)
        yield PersonDecisions(subject, decisions)


def _decided(
    engine: Engine,
    subject: Subject,
    functions: Sequence[Function],
    action: str,
    at: datetime,
    factors: frozenset[str],
    honours: frozenset[Obligation],
) -> tuple[Decision, ...]:
    if not functions:
        return ()
    decide = engine.decide
    asked = Question(
        subject=subject,
        function=functions[0],
        action=action,
        at=at,
        factors=factors,
        honours=honours,
    )
    return tuple([decide(asked.turned_to(function, factors)) for function in functions])


def _in_named_words(subject: Subject, looked: _Looked) -> Subject:
    """Give the person as the rules see them: any word that none names is like any other.

    People who look alike then are the same to what is remembered of attributes, of which there is
    little; each of them is decided all the same.
    """
    posts, unit = subject.posts & looked.posts, subject.unit
    return replace(
        subject,
        posts=posts if posts or not subject.posts else _ANY_WORD,
        unit=unit if not unit or unit in looked.units else _ANY,
    )


_ANY = "\0"
"""Stands for a word that no rule names; no rule can name it, as words can be printed."""

_ANY_WORD = frozenset({_ANY})


def _decisive(subject: Subject, looked: _Looked, at: datetime) -> object:
    """Everything of a person on which a decision can rest that names nobody else.

    A word that no rule names counts no more than that a word is there.
    """
    posts, unit = subject.posts, subject.unit
    return (
        subject.organisation,
        subject.organisation_kind,
        bool(posts),
        posts & looked.posts,
        unit if unit in looked.units else bool(unit),
        subject.appointments,
        bool(subject.trainings),
        subject.trainings & looked.trainings,
        bool(subject.team),
        subject.clearance.reaches(at=at),
        # Over another order of levels nothing is reached; see `Engine`.
        id(subject.clearance.order),
    )


def _looked_at(policy_set: PolicySet) -> _Looked:
    words: dict[Attribute, set[str]] = {attribute: set() for attribute in Attribute}
    at_all = False
    for rule in policy_set.rules:
        for form in PreparedRule.of(rule).forms:
            if isinstance(form, OneOf):
                words[form.attribute] |= form.words
            at_all = at_all or isinstance(form, Asks)
    return _Looked(
        frozenset(words[Attribute.POSTS]),
        frozenset(words[Attribute.UNIT]),
        frozenset(words[Attribute.TRAININGS]),
        at_all=at_all,
    )

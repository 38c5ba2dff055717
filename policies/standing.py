"""How long an answer stands: up to when time alone does not change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.criteria import record_standing

if TYPE_CHECKING:
    from datetime import datetime

    from policies.decision import Decision
    from policies.engine import Engine
    from policies.question import Question


def stands_until(engine: Engine, question: Question, decision: Decision) -> datetime | None:
    """The instant up to which the same question is answered alike, by an engine that stays.

    The same is what differs in nothing but its instant, which is not before this one, and in how
    long ago a second factor was shown.

    Args:
        engine: Which answered.
        question: What was asked.
        decision: How it was answered, just now.

    Returns:
        `None` where the answer rests on more than changes by a fixed instant (`policies.engine`
        says on what), or is none of this engine's.
    """
    compiled, subject = engine.functions.get(question.function.id), question.subject
    if compiled is None:
        return None
    moment = compiled.candidates_for(
        question.action, subject.organisation, subject.organisation_kind
    ).moment(question.at)
    key = subject.traits, question.factors, decision.results.reach, record_standing(question)
    if moment.decided is None or moment.decided.get(key) is not decision:
        return None
    changes = subject.clearance.stable_until(at=question.at)
    return moment.until if changes is None else min(moment.until, changes)

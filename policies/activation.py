"""Before a policy set is activated: compile it, and ask Casbin what the engine was asked.

1. One disagreement refuses the activation. Casbin is the definition of what a policy set means.
2. The check ends after a while, since Casbin takes milliseconds; how many questions were asked is
   part of the answer, and too few of them refuse the activation as well.
3. Nothing is activated here: whoever asked gets an engine, and swaps it in whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from policies.casbin_oracle import CasbinOracle
from policies.engine import Engine
from policies.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from policies.casbin_oracle import Disagreement
    from policies.decision import Decision
    from policies.policy_set import PolicySet
    from policies.question import Question

LIMIT_SECONDS = 20.0
"""How long the check may take, loading Casbin included."""

FEWEST_QUESTIONS = 100
"""With fewer an agreement would mean little; a sample that is smaller of itself is asked whole."""

_MOST_TOLD = 3


class ActivationRefusedError(PolicyError):
    """A policy set that must not be activated; `disagreements` holds where the two differ."""

    def __init__(self, message: str, disagreements: tuple[Disagreement, ...] = ()) -> None:
        super().__init__(message)
        self.disagreements = disagreements


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """An engine that may be activated.

    Attributes:
        engine: The compiled policy set.
        asked: On how many questions it agreed with Casbin.
        complete: Whether that was the whole sample; otherwise time was up.
        seconds: How long it took.
    """

    engine: Engine
    asked: int
    complete: bool
    seconds: float


def check_before_activation(
    policy_set: PolicySet,
    questions: Iterable[Question],
    *,
    clock: Callable[[], float],
    recorded: Iterable[Question] = (),
    limit_seconds: float = LIMIT_SECONDS,
    progress: Callable[[int], None] = lambda _: None,
    decide: Callable[[Question], Decision] | None = None,
) -> Checked:
    """Compile a policy set and compare the engine with Casbin.

    Args:
        policy_set: What is to be activated.
        questions: A sample spread over everything the policy set names.
        clock: Seconds that only go forward.
        recorded: Questions that were really asked; they come first.
        limit_seconds: After this time the check ends.
        progress: Is told how many questions have been asked.
        decide: What answers instead of the engine compiled here; tests plant faults with it.

    Raises:
        ActivationRefusedError: The two differ, or too few questions could be asked in time.
    """
    begun = clock()
    engine = Engine.compile(policy_set)
    oracle = CasbinOracle.from_policy_set(policy_set)
    answers = decide or engine.decide
    asked, complete = 0, True
    found: list[Disagreement] = []
    for question in chain(recorded, questions):
        if clock() - begun >= limit_seconds:
            complete = False
            break
        found += oracle.compare(answers, (question,))
        asked += 1
        progress(asked)
    if found:
        raise ActivationRefusedError(_told(found, asked), tuple(found))
    if not complete and asked < FEWEST_QUESTIONS:
        raise ActivationRefusedError(
            f"activate: only {asked} questions could be put to Casbin in {limit_seconds:g} "
            "seconds; try again when the machine is less busy"
        )
    return Checked(engine=engine, asked=asked, complete=complete, seconds=clock() - begun)


def _told(found: list[Disagreement], asked: int) -> str:
    examples = "; ".join(
        f"{each.question.action} {each.question.function.id} for staff of "
        f"{each.question.subject.organisation or 'no organisation'}: the engine says "
        f"{each.decision.effect}, Casbin {each.answer.effect}"
        for each in found[:_MOST_TOLD]
    )
    return (
        f"activate: engine and Casbin differ on {len(found)} of {asked} questions, so the policy "
        f"set is not activated ({examples}); report this"
    )

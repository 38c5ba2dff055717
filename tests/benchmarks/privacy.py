"""The group `privacy`: whether the time of an answer tells who has an account.

The demo with one worker. Known people with a wrong password and names that nobody has are sent in
turns, each from an address of its own, as one address would be stopped. What is compared is the
time to the answer.

    privacy.sign_in_d    Cohen's d between known and unknown, without its sign; 2,000 tries each
    privacy.sign_in_ms   how long they wait, mean of both
"""

from __future__ import annotations

import sys
from math import sqrt
from statistics import fmean, variance

from deploy.demo.stack import DemoError, Stack
from deploy.demo.staff import staff_of
from tests.benchmarks.group import run_group
from tests.benchmarks.load import WrongAnswersError
from tests.benchmarks.report import Say, say
from tests.benchmarks.sign_in_load import NOT_KNOWN, Answered, Person, one_by_one, open_form
from tests.benchmarks.signin import standing

TRIES = 2_000
AT_ONCE = 6
MOST_TURNED_AWAY = 0.02
FEWEST_STAFF = 900  # fewer would fail so often in one run that they are locked
TARGETS = {"privacy.sign_in_d": "< 0.1"}


def cohens_d(first: list[float], second: list[float]) -> float:
    """Give how far two means lie apart, in standard deviations of both together."""
    pooled = (variance(first) + variance(second)) / 2
    return abs(fmean(first) - fmean(second)) / sqrt(pooled) if pooled else 0.0


def measure(say: Say, *, repetitions: int, tries: int) -> dict[str, list[float]]:
    """Start the demo, measure, and end it.

    Raises:
        DemoError: it does not start.
        WrongAnswersError: somebody was answered otherwise.
    """
    figures: dict[str, list[float]] = {"privacy.sign_in_d": [], "privacy.sign_in_ms": []}
    with standing(say, workers=1) as stack:
        for number in range(repetitions):
            answered = one_by_one(
                open_form(stack.places.port), _people(stack, number, tries), at_once=AT_ONCE
            )
            known, unknown = _times(answered[::2]), _times(answered[1::2])
            d = cohens_d(known, unknown)
            figures["privacy.sign_in_d"].append(d)
            figures["privacy.sign_in_ms"].append(fmean((*known, *unknown)))
            say(f"known {fmean(known):.1f} ms, unknown {fmean(unknown):.1f} ms, d {d:.3f}")
    return figures


def _people(stack: Stack, repetition: int, tries: int) -> list[Person]:
    """Put known and unknown people in turns, of large organisations, a pair from each address."""
    staff = [
        [(organisation.id, each.username) for each in staff_of(organisation, stack.accounts)]
        for organisation in stack.scenario.organisations
        if organisation.staff > FEWEST_STAFF
    ]
    people = []
    for number in range(tries):
        own = staff[number % len(staff)]
        # Another third of the names in each repetition, so that nobody is locked by the last one.
        organisation, username = own[(number // len(staff) + repetition * len(own) // 3) % len(own)]
        source = f"127.{20 + repetition}.{number // 250}.{1 + number % 250}"
        for name in (username, f"{username}x{number}"):
            people.append(  # noqa: PERF401  # two a turn read better so
                Person(organisation=organisation, username=name, password="wrong", source=source)
            )
    return people


def _times(answered: list[Answered]) -> list[float]:
    told = [one.milliseconds for one in answered if one.status == NOT_KNOWN]
    if len(told) < (1 - MOST_TURNED_AWAY) * len(answered):
        message = f"the gate: {len(answered) - len(told)} of {len(answered)} were turned away"
        raise WrongAnswersError(message)
    return told


if __name__ == "__main__":
    sys.exit(
        run_group(
            "privacy",
            lambda repetitions: measure(say, repetitions=repetitions, tries=TRIES),
            targets=TARGETS,
            failures=(DemoError, WrongAnswersError),
        )
    )

"""The group `signin`: how many sign-ins a worker takes, and what one hanging directory does.

The demo with its three real directories. First one worker, as fast as it goes: the form is sent,
the organisation's slapd vouches, session and entry are durable. Then two workers and a storm of
2,000 sign-ins in 60 s over all three organisations, once with every directory there and once with
one of them silent (SIGSTOP); what counts is what the others' staff notice.

    signin.per_s_per_worker   sign-ins a second, 6 at once, one worker
    signin.p99_ms             99th percentile of these
    signin.storm_p99_ratio    p99 of the others in the storm, with one directory silent over without
    signin.storm_p99_ms       the same in milliseconds, with one silent
    signin.storm_calm_p99_ms  and with none
    signin.storm_refused      how many of the others were told to try again, of some 1,330
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.demo.places import PROJECT, Places
from deploy.demo.stack import DemoError, Stack
from deploy.demo.staff import staff_of
from tests.benchmarks.group import run_group
from tests.benchmarks.load import WrongAnswersError
from tests.benchmarks.open_loop import percentile
from tests.benchmarks.report import Say, say
from tests.benchmarks.sign_in_load import (
    SIGNED_IN,
    Answered,
    Person,
    as_fast_as_it_goes,
    at_a_rate,
    open_form,
)

AT_ONCE = 6
SECONDS = 8.0
STORM = 2_000
STORM_SECONDS = 60.0
WARM = 60
MOST_REFUSED = 0.05  # a machine that is busy with other things shows in the figures, too
PEOPLE_EACH = 100
SILENT = "cheshire-fire"
TARGETS = {"signin.storm_p99_ratio": "<= 1.5", "signin.storm_refused": "0"}


def measure(say: Say, repetitions: int) -> dict[str, list[float]]:
    """Start the demo, measure, and end it.

    Raises:
        DemoError: it does not start.
        WrongAnswersError: somebody was not signed in who should have been.
    """
    figures: dict[str, list[float]] = defaultdict(list)
    with standing(say, workers=1) as stack:
        _warm_up(stack)
        for number in range(1, repetitions + 1):
            say(f"one worker, repetition {number} of {repetitions}")
            _throughput(stack, figures, say)
    with standing(say, workers=2) as stack:
        _warm_up(stack)
        for number in range(1, repetitions + 1):
            say(f"storm, repetition {number} of {repetitions}: {2 * STORM_SECONDS:.0f} s")
            _storms(stack, figures, say)
    return figures


def _throughput(stack: Stack, figures: dict[str, list[float]], say: Say) -> None:
    answered = as_fast_as_it_goes(
        open_form(stack.places.port), _people(stack), at_once=AT_ONCE, seconds=SECONDS
    )
    _demand_all(answered)
    figures["signin.per_s_per_worker"].append(len(answered) / SECONDS)
    figures["signin.p99_ms"].append(_p99(answered))
    say(f"  {len(answered) / SECONDS:.0f} sign-ins/s, p99 {_p99(answered):.0f} ms")


def _storms(stack: Stack, figures: dict[str, list[float]], say: Say) -> None:
    calm = _storm(stack)
    _demand_all(calm)
    with _silent(stack):
        rough = _storm(stack)
    others = [one for one in rough if one.organisation != SILENT]
    _demand_all(others)
    refused = sum(one.status != SIGNED_IN for one in others)
    figures["signin.storm_refused"].append(refused)
    before = _p99([one for one in calm if one.organisation != SILENT])
    figures["signin.storm_calm_p99_ms"].append(before)
    figures["signin.storm_p99_ms"].append(_p99(others))
    figures["signin.storm_p99_ratio"].append(_p99(others) / before)
    say(
        f"  the others' p99: {before:.0f} ms with every directory there,"
        f" {_p99(others):.0f} ms with one silent"
    )


def _storm(stack: Stack) -> list[Answered]:
    people = _people(stack)
    storm = [people[number % len(people)] for number in range(STORM)]
    return at_a_rate(open_form(stack.places.port), storm, seconds=STORM_SECONDS)


def _warm_up(stack: Stack) -> None:
    """Let every worker make what it makes once, and every organisation be asked."""
    at_a_rate(open_form(stack.places.port), _people(stack)[:WARM], seconds=4)


def _people(stack: Stack) -> list[Person]:
    """Take some staff of each organisation, in turns."""
    each = [
        [
            Person(
                organisation=organisation.id,
                username=member.username,
                password=stack.accounts.password,
            )
            for member in staff_of(organisation, stack.accounts)[-PEOPLE_EACH:]
        ]
        for organisation in stack.scenario.organisations
    ]
    return [person for turn in zip(*each, strict=True) for person in turn]


def _demand_all(answered: list[Answered]) -> None:
    refused = [one for one in answered if one.status != SIGNED_IN]
    if len(refused) > MOST_REFUSED * len(answered):
        message = f"the gate: {len(refused)} of {len(answered)} were not signed in: {refused[:3]}"
        raise WrongAnswersError(message)


def _p99(answered: list[Answered]) -> float:
    return percentile(sorted(one.milliseconds for one in answered), 0.99)


@contextmanager
def _silent(stack: Stack) -> Iterator[None]:
    """Have one directory fall silent: the kernel takes connections, nothing answers."""
    title = next(
        f"the directory of {one.name}" for one in stack.scenario.organisations if one.id == SILENT
    )
    pid = next(child.pid for child in stack.children if child.title == title)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def standing(say: Say, *, workers: int) -> Iterator[Stack]:
    """Start the demo in a folder of its own, and end it; nothing stays."""
    parent = PROJECT / "var" / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="signin-", dir=parent))
    stack = Stack(
        places=Places.choose(folder, None, with_providers=False), say=say, workers=workers
    )
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(
        run_group(
            "signin",
            lambda repetitions: measure(say, repetitions),
            targets=TARGETS,
            failures=(DemoError, WrongAnswersError),
        )
    )

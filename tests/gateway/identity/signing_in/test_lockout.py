"""The gate stops before a directory would lock an account, and the waits grow."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.signing_in.lockout import MOST_FAILURES, AttemptLimits, Try, locked_until

MINUTE = 60_000_000
START = 1_000_000_000 * MINUTE
LIMITS = AttemptLimits(
    per_person=3,
    per_directory=4,
    window=timedelta(minutes=30),
    longest_wait=timedelta(minutes=100),
)


def tries(*minutes: float) -> list[Try]:
    return [Try(at_us=START + int(minute * MINUTE)) for minute in minutes]


def wait(*minutes: float, limits: AttemptLimits = LIMITS, lifted: float | None = None) -> float:
    """Tell how many minutes after the start the lock ends; 0 for none."""
    lifted_at_us = 0 if lifted is None else START + int(lifted * MINUTE)
    until = locked_until(tries(*minutes), limits, lifted_at_us=lifted_at_us)
    return (until - START) / MINUTE if until else 0


def test_fewer_failures_than_are_borne_lock_nobody() -> None:
    assert wait() == 0
    assert wait(0, 1) == 0


def test_the_last_failure_borne_begins_a_wait_of_a_whole_window() -> None:
    assert wait(0, 1, 5) == 35


def test_failures_a_window_apart_are_of_different_runs() -> None:
    assert wait(0, 1, 31) == 0
    assert wait(0, 1, 30.9) != 0


def test_each_further_lock_doubles_the_wait_up_to_the_longest() -> None:
    first, second, third = (0, 0, 0), (30, 30, 30), (90, 90, 90)

    assert wait(*first) == 30
    assert wait(*first, *second) == 90
    assert wait(*first, *second, *third) == 190


def test_a_lifted_lock_is_gone_but_not_the_directorys_count() -> None:
    """The directory bears five; three were used before the lift, so one more and no fifth."""
    assert wait(0, 1, 2, lifted=3) == 0
    assert wait(0, 1, 2, 4, lifted=3) == 34


def test_lifting_again_does_not_help_where_the_directory_would_lock() -> None:
    assert wait(0, 1, 2, 4, lifted=5) == 34


def test_a_lifted_lock_does_not_count_for_the_next_wait() -> None:
    assert wait(0, 0, 0, 40, 40, 40, lifted=20) == 70


def test_tries_without_an_answer_blame_nobody_but_fill_the_directorys_count() -> None:
    unjudged = [Try(at_us=START + number, judged=False) for number in range(4)]

    assert locked_until(unjudged[:3], LIMITS) == 0
    assert locked_until(unjudged, LIMITS) == unjudged[-1].at_us + 30 * MINUTE


@pytest.mark.parametrize(
    ("threshold", "per_person", "per_directory"),
    [(2, 1, 1), (3, 2, 2), (4, 3, 3), (5, 3, 4), (6, 4, 5), (10, 6, 9), (100, 10, 99)],
)
def test_the_gate_stops_before_the_directory(
    threshold: int, per_person: int, per_directory: int
) -> None:
    limits = AttemptLimits.below(threshold, timedelta(minutes=10))

    assert (limits.per_person, limits.per_directory) == (per_person, per_directory)
    assert limits.window == timedelta(minutes=10)


def test_a_directory_that_never_locks_is_guessed_at_no_longer() -> None:
    assert AttemptLimits.below(0, timedelta(minutes=30)).per_person == MOST_FAILURES


@pytest.mark.parametrize("values", [{"per_person": 0}, {"per_person": 5}, {"window": timedelta(0)}])
def test_limits_that_make_no_sense_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="lockout"):
        AttemptLimits(**values)  # type: ignore[arg-type]  # wrong on purpose


@given(
    gaps=st.lists(st.integers(min_value=0, max_value=90), max_size=60),
    lifts=st.sets(st.integers(min_value=0, max_value=60), max_size=3),
    threshold=st.integers(min_value=2, max_value=12),
)
def test_nobody_locks_a_directory_account_whatever_they_do(
    gaps: list[int], lifts: set[int], threshold: int
) -> None:
    """A directory beside the gate, counting as Active Directory does, never reaches its limit."""
    window = timedelta(minutes=30)
    limits = AttemptLimits.below(threshold, window)
    made: list[Try] = []
    now = START
    lifted = counted = last = 0
    for index, gap in enumerate(gaps):
        now += gap * MINUTE // 2
        if index in lifts:
            lifted = now
        now += 1
        if locked_until(made, limits, lifted_at_us=lifted) > now:
            continue
        made.append(Try(at_us=now, judged=index % 5 != 0))
        counted = counted + 1 if now - last < 30 * MINUTE else 1
        last = now

        assert counted < threshold

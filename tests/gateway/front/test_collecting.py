"""Cycles of every age are collected, and all of memory the less often the longer it takes."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from gateway.front.collecting import Collecting


class Page:
    """Something that holds itself."""

    itself: Page


class Clock:
    """A clock on which a collection of all memory takes as long as it is told."""

    def __init__(self, took: float) -> None:
        self.now = 0.0
        self.collected: list[float] = []
        self._took = took

    def __call__(self) -> float:
        return self.now

    def collect(self, generation: int = 2) -> int:
        if generation == 2:
            self.collected.append(self.now)
            self.now += self._took
        return 0


@pytest.fixture(autouse=True)
def _by_hand() -> Iterator[None]:
    """Nothing but what is tested collects."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def left_behind(age: int) -> weakref.ref[Page]:
    """Leave a cycle that outlived so many collections."""
    page = Page()
    page.itself = page
    for generation in range(age):
        gc.collect(generation)
    return weakref.ref(page)


@pytest.mark.parametrize("age", [0, 1, 2])
def test_a_cycle_of_any_age_is_collected(age: int) -> None:
    gone = left_behind(age)
    collecting = Collecting(lambda: 0.0, lambda: 0.0)
    turns = 1 if age == 0 else 10

    assert [collecting.collect() for _ in range(turns)][-1] == (age > 0)
    assert gone() is None


def test_what_the_interpreter_keeps_for_use_again_is_given_back() -> None:
    """A tuple that is made of a generator leaves one behind: workers would hoard them for hours."""
    for number in range(1_900):
        tuple(number for _ in range(7))
    collecting = Collecting(lambda: 0.0, lambda: 0.0)
    before = sys.getallocatedblocks()
    for _ in range(10):
        collecting.collect()

    assert before - sys.getallocatedblocks() > 1_000


def test_what_a_collection_of_all_takes_says_when_there_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """20 ms: at each turn for what is older; 200 ms: seventeen minutes later; a second: an hour."""
    rests = {}
    for took in (0.02, 0.2, 1.0):
        clock = Clock(took)
        monkeypatch.setattr("gateway.front.collecting.gc", clock)
        collecting = Collecting(clock, clock)
        for _ in range(600):
            clock.now += 15.0
            collecting.collect()
        rests[took] = round(clock.collected[1] - clock.collected[0], -1)

    assert rests == {0.02: 150, 0.2: 1050, 1.0: 3600}

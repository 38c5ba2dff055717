"""One piece of work wakes one sleeper, and none is left asleep beside work."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress

import pytest

from gateway.audit.idle_lanes import IdleLanes
from tests.doubles.waiting import wait_until

SECONDS = 10.0


class Sleepers:
    """Threads that sleep once each, and note who woke."""

    def __init__(self, lanes: IdleLanes, count: int) -> None:
        self.woken: list[int] = []
        self._woke = threading.Semaphore(0)
        self.work = False
        self._lanes = lanes
        self._asked = [threading.Event() for _ in range(count)]
        self._threads = [
            threading.Thread(target=self._sleep, args=(lane,), daemon=True) for lane in range(count)
        ]

    def _sleep(self, lane: int) -> None:
        def has_work() -> bool:
            self._asked[lane].set()
            return self.work

        self._lanes.sleep(lane, None, has_work)
        self.woken.append(lane)
        self._woke.release()

    def lie_down(self, lane: int) -> None:
        """Have one fall asleep; whoever is asked for work can be woken."""
        self._threads[lane].start()
        assert self._asked[lane].wait(SECONDS)

    def one_more_wakes(self) -> None:
        """Wait until one has woken whom nobody has waited for yet."""
        assert self._woke.acquire(timeout=SECONDS)


def both_asleep() -> tuple[IdleLanes, Sleepers]:
    """Have two lie down, the first of them first."""
    lanes = IdleLanes(2)
    sleepers = Sleepers(lanes, 2)
    for lane in range(2):
        sleepers.lie_down(lane)
    return lanes, sleepers


def test_the_last_to_fall_asleep_is_woken_and_the_other_sleeps_on() -> None:
    lanes, sleepers = both_asleep()

    lanes.wake()
    sleepers.one_more_wakes()
    assert sleepers.woken == [1]
    lanes.wake()
    sleepers.one_more_wakes()
    assert sleepers.woken == [1, 0]


def test_waking_nobody_is_remembered_by_nobody() -> None:
    """Whoever is awake looks for work before it sleeps; a stored wake would be for nothing."""
    lanes = IdleLanes(1)
    lanes.wake()

    began = time.monotonic()
    lanes.sleep(0, 0.05, lambda: False)
    assert time.monotonic() - began >= 0.05


def test_nobody_falls_asleep_beside_work() -> None:
    lanes = IdleLanes(1)
    began = time.monotonic()
    lanes.sleep(0, SECONDS, lambda: True)
    lanes.sleep(0, SECONDS, lambda: True)  # the first left no trace
    assert time.monotonic() - began < SECONDS


@pytest.mark.parametrize("seconds", [0.0, 0.02])
def test_who_has_slept_enough_is_not_woken_later(seconds: float) -> None:
    lanes = IdleLanes(2)
    lanes.sleep(0, seconds, lambda: False)
    sleepers = Sleepers(lanes, 2)
    sleepers.lie_down(1)

    lanes.wake()
    sleepers.one_more_wakes()
    assert sleepers.woken == [1]


def test_a_wake_that_meets_somebody_getting_up_is_taken_by_them() -> None:
    """Work that is seen while it wakes us: the wake must not stay for the next sleep."""
    lanes = IdleLanes(1)

    def woken_while_asked() -> bool:
        lanes.wake()
        return True

    lanes.sleep(0, None, woken_while_asked)
    began = time.monotonic()
    lanes.sleep(0, 0.05, lambda: False)
    assert time.monotonic() - began >= 0.05


def test_while_one_gets_up_nobody_else_is_woken() -> None:
    """It takes whatever waits by then; who came second would find nothing."""
    lanes = IdleLanes(2)
    sleepers = Sleepers(lanes, 2)
    sleepers.lie_down(1)

    def woken_twice_while_asked() -> bool:
        lanes.wake()
        lanes.wake()
        time.sleep(0.05)  # for the other to wake, if it were woken
        assert sleepers.woken == []
        return True

    lanes.sleep(0, None, woken_twice_while_asked)
    lanes.wake()
    sleepers.one_more_wakes()
    assert sleepers.woken == [1]


def test_all_can_be_woken_though_one_gets_up() -> None:
    lanes, sleepers = both_asleep()

    lanes.wake_all()
    sleepers.one_more_wakes()
    sleepers.one_more_wakes()
    assert sorted(sleepers.woken) == [0, 1]
    lanes.wake_all()  # nobody sleeps: that is no wait


class Workers:
    """Two that look for work, and sleep where there is none; `done` is what they found."""

    def __init__(self, patience: float | None) -> None:
        self.done: list[int] = []
        self._patience = patience
        self._lanes = IdleLanes(2)
        self._work: deque[int] = deque()
        self._ended = False
        self._threads = [
            threading.Thread(target=self._work_on, args=(lane,), daemon=True) for lane in range(2)
        ]
        for thread in self._threads:
            thread.start()

    def bring(self, numbers: range) -> None:
        """Bring work, now and then so slowly that they fall asleep between."""
        for number in numbers:
            self._work.append(number)
            self._lanes.wake()
            if number % 5 == 0:
                time.sleep(0.0002)

    def end(self) -> None:
        """Have both end; raises AssertionError where one sleeps on."""
        self._ended = True
        self._lanes.wake_all()
        for thread in self._threads:
            thread.join(SECONDS)
            assert not thread.is_alive()

    def _has_work(self) -> bool:
        return bool(self._work) or self._ended

    def _work_on(self, lane: int) -> None:
        while not self._ended:
            self._lanes.sleep(lane, None if lane else self._patience, self._has_work)
            with suppress(IndexError):
                while True:
                    self.done.append(self._work.popleft())


@pytest.mark.parametrize("patience", [None, 0.0005])
def test_no_work_is_ever_left_beside_sleepers(patience: float | None) -> None:
    """However those who bring work and those who fall asleep come between each other."""
    workers = Workers(patience)
    bringers = [
        threading.Thread(target=workers.bring, args=(range(n * 500, n * 500 + 500),))
        for n in range(3)
    ]
    for thread in bringers:
        thread.start()
    wait_until(lambda: len(workers.done) == 1_500)
    workers.end()

    assert sorted(workers.done) == list(range(1_500))

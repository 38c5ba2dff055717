"""One piece of work wakes one sleeper, and none is left asleep beside work."""

from __future__ import annotations

import threading
import time

import pytest

from gateway.audit.idle_lanes import IdleLanes

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


def test_the_last_to_fall_asleep_is_woken_and_the_other_sleeps_on() -> None:
    lanes = IdleLanes(2)
    sleepers = Sleepers(lanes, 2)
    sleepers.lie_down(0)
    sleepers.lie_down(1)

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

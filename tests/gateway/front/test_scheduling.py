"""A busy worker is scheduled as a batch on a core of its own; one at ease as it was started."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.front.scheduling import CoreSeconds, Scheduling, core_seconds


class Worker:
    """What a worker's thread did, and how its process is scheduled."""

    def __init__(self) -> None:
        self.now = 0.0
        self.spent = CoreSeconds(0.0, 0.0)
        self.scheduling = Scheduling(lambda: self.now, lambda: self.spent)

    def look(
        self, on_core: float, place: int = 0, workers: int = 1, *, waiting: float = 0.0
    ) -> None:
        """Be on a core for so much of a second, wait for one for so much of it, and look."""
        self.now += 1.0
        self.spent = CoreSeconds(self.spent.on_core + on_core, self.spent.waiting + waiting)
        self.scheduling.look(place, workers)


def schedules() -> set[tuple[int, frozenset[int]]]:
    """How the threads of this process are scheduled."""
    found = set()
    for thread in threads():
        with suppress(ProcessLookupError):
            found.add((os.sched_getscheduler(thread), frozenset(os.sched_getaffinity(thread))))
    return found


def schedule(policy: int, cores: Iterable[int]) -> None:
    """Have all of them scheduled so."""
    for thread in threads():
        with suppress(ProcessLookupError):
            os.sched_setscheduler(thread, policy, os.sched_param(0))
            os.sched_setaffinity(thread, cores)


def threads() -> list[int]:
    """Those of this process; one that has been waited for may still end."""
    return [int(each.name) for each in Path("/proc/self/task").iterdir()]


@pytest.fixture(autouse=True)
def cores() -> Iterator[frozenset[int]]:
    """The cores of this process, which is put back as it was; another thread runs meanwhile."""
    before, policy = os.sched_getaffinity(0), os.sched_getscheduler(0)
    over = threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    yield frozenset(before)
    over.set()
    other.join()
    schedule(policy, before)


def test_a_busy_worker_is_a_batch_on_a_core_of_its_own(cores: frozenset[int]) -> None:
    """Every thread of it; and each worker has another core."""
    worker = Worker()
    seen = []
    for place in range(len(cores)):
        worker.look(0.5, place, len(cores))
        seen.append(schedules())

    assert seen == [{(os.SCHED_BATCH, frozenset({core}))} for core in sorted(cores)]


def test_at_ease_it_is_as_it_was_started(cores: frozenset[int]) -> None:
    worker = Worker()
    worker.look(0.4)
    at_first = schedules()
    worker.look(0.5)
    worker.look(0.1)

    assert at_first == schedules() == {(os.SCHED_OTHER, cores)}


def test_what_is_busy_stays_so_until_it_is_clearly_at_ease(cores: frozenset[int]) -> None:
    worker = Worker()
    worker.look(0.6, 0, len(cores))
    for spent in (0.4, 0.25):
        worker.look(spent, 0, len(cores))
        assert schedules() == {(os.SCHED_BATCH, frozenset({min(cores)}))}


def test_on_fewer_cores_than_workers_none_has_one_of_its_own(cores: frozenset[int]) -> None:
    Worker().look(0.5, 0, len(cores) + 1)

    assert schedules() == {(os.SCHED_BATCH, cores)}


def test_what_an_operator_chose_is_left_alone(cores: frozenset[int]) -> None:
    """Started as a batch, it stays one, busy or not, on all cores that it was given."""
    core = min(cores)
    schedule(os.SCHED_BATCH, {core})
    worker = Worker()
    for spent in (0.5, 0.1):
        worker.look(spent)
        assert schedules() == {(os.SCHED_BATCH, frozenset({core}))}


def test_where_it_is_forbidden_the_worker_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in containers that keep their processes from it; it is not tried at every look."""
    asked = []

    def forbidden(*given: object) -> None:
        asked.append(given)
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("gateway.front.scheduling.os.sched_setscheduler", forbidden)
    worker = Worker()
    for spent in (0.5, 0.1, 0.5):
        worker.look(spent)

    assert len(asked) == 1


def test_who_waits_for_a_core_is_busy_too(cores: frozenset[int]) -> None:
    worker = Worker()
    worker.look(0.35, 0, len(cores), waiting=0.25)

    assert schedules() == {(os.SCHED_BATCH, frozenset({min(cores)}))}


def test_among_others_that_want_every_core_it_goes_where_there_is_room(
    cores: frozenset[int],
) -> None:
    worker = Worker()
    for _ in range(2):
        worker.look(0.15, 0, len(cores), waiting=0.8)
        assert schedules() == {(os.SCHED_OTHER, cores)}
        worker.look(0.6, 0, len(cores))


def test_waiting_for_a_core_is_told_apart_from_being_on_one(cores: frozenset[int]) -> None:
    """Two that always have work share one core: each is on it half of the time."""
    schedule(os.SCHED_OTHER, {min(cores)})
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        began, before = time.monotonic(), core_seconds()
        while (took := time.monotonic() - began) < 0.4:
            pass
        after = core_seconds()
        other.kill()
    on_core, waiting = (now - then for now, then in zip(after, before, strict=True))

    assert on_core < 0.8 * took
    assert on_core + waiting > 0.9 * took


def test_where_the_system_does_not_tell_who_waits_is_not_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for content in (None, "", "0 0 0", "1 2"):
        monkeypatch.setattr("gateway.front.scheduling._SPENT", tmp_path / "schedstat")
        if content is not None:
            (tmp_path / "schedstat").write_text(content)
        before = time.thread_time()
        spent = core_seconds()

        assert before <= spent.on_core <= time.thread_time()
        assert spent.waiting == 0

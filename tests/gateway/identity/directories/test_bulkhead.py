"""One slow directory costs its own organisation's staff time, and nobody else's."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from gateway.errors import DirectoryUnavailable, WrongCredentials
from gateway.identity.directories.bulkhead import Bulkhead
from gateway.identity.directories.directory import DirectoryBusy


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Lets calls that wait for it end; at the end of a test in any case."""
    event = threading.Event()
    yield event
    event.set()


def occupy(bulkhead: Bulkhead, release: threading.Event, times: int) -> list[threading.Thread]:
    """Take places with calls that wait."""
    inside = threading.Semaphore(0)

    def wait() -> None:
        inside.release()
        release.wait(30)

    def run() -> None:
        bulkhead.run(wait, timeout_seconds=30)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for _ in threads:
        inside.acquire(timeout=10)
    return threads


def test_a_call_gives_its_answer() -> None:
    assert Bulkhead("fire", at_once=1).run(lambda: 42, timeout_seconds=5) == 42


def test_what_a_call_raises_comes_out_and_frees_its_place() -> None:
    bulkhead = Bulkhead("fire", at_once=1)

    def fail() -> None:
        message = "own"
        raise TimeoutError(message)

    for _ in range(3):
        with pytest.raises(TimeoutError, match="own"):
            bulkhead.run(fail, timeout_seconds=5)


def test_when_every_place_is_taken_the_next_is_told_at_once(release: threading.Event) -> None:
    bulkhead = Bulkhead("fire", at_once=2)
    threads = occupy(bulkhead, release, 2)
    started = time.monotonic()
    with pytest.raises(DirectoryBusy):
        bulkhead.run(lambda: None, timeout_seconds=30)
    waited = time.monotonic() - started
    release.set()
    for thread in threads:
        thread.join()

    assert waited < 1
    assert bulkhead.run(lambda: "free", timeout_seconds=5) == "free"


def test_another_organisation_does_not_notice(release: threading.Event) -> None:
    silent, prompt = Bulkhead("fire", at_once=2), Bulkhead("nwas", at_once=2)
    occupy(silent, release, 2)

    assert prompt.run(lambda: "here", timeout_seconds=1) == "here"


def test_a_call_given_up_keeps_its_place_until_it_ends(release: threading.Event) -> None:
    """Otherwise a dead directory would collect threads without end."""
    bulkhead = Bulkhead("fire", at_once=1)
    with pytest.raises(DirectoryUnavailable, match="in time"):
        bulkhead.run(lambda: release.wait(30), timeout_seconds=0.05)
    with pytest.raises(DirectoryBusy):
        bulkhead.run(lambda: None, timeout_seconds=5)
    release.set()
    deadline = time.monotonic() + 10
    while True:
        try:
            bulkhead.run(lambda: None, timeout_seconds=5)
            break
        except DirectoryBusy:
            assert time.monotonic() < deadline
            time.sleep(0.005)


def test_an_answer_that_comes_as_its_time_runs_out_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wait = Future.result

    def late(future: Future[int], timeout: float | None = None) -> int:
        answer = wait(future)
        if timeout is not None:
            raise TimeoutError
        return answer

    monkeypatch.setattr(Future, "result", late)

    assert Bulkhead("fire", at_once=1).run(lambda: 42, timeout_seconds=5) == 42


class TestSilence:
    """Of a directory that has fallen silent, one answer is waited for at a time."""

    def silenced(self, *, at_once: int = 3) -> Bulkhead:
        bulkhead = Bulkhead("fire", at_once=at_once)

        def fail() -> None:
            raise DirectoryUnavailable("directory: away")

        for _ in range(2):
            with pytest.raises(DirectoryUnavailable, match="away"):
                bulkhead.run(fail, timeout_seconds=5)
        return bulkhead

    def test_only_one_call_waits_for_it(self, release: threading.Event) -> None:
        """So several silent directories leave threads to everybody else."""
        bulkhead = self.silenced()
        threads = occupy(bulkhead, release, 1)
        with pytest.raises(DirectoryBusy):
            bulkhead.run(lambda: None, timeout_seconds=5)
        release.set()
        for thread in threads:
            thread.join()

    def test_an_answer_gives_it_all_its_places_back(self, release: threading.Event) -> None:
        bulkhead = self.silenced()
        bulkhead.run(lambda: None, timeout_seconds=5)
        threads = occupy(bulkhead, release, 3)
        release.set()
        for thread in threads:
            thread.join()

    def test_a_judgement_is_an_answer_too(self, release: threading.Event) -> None:
        bulkhead = self.silenced()

        def judge() -> None:
            raise WrongCredentials("directory: wrong")

        with pytest.raises(WrongCredentials):
            bulkhead.run(judge, timeout_seconds=5)
        threads = occupy(bulkhead, release, 3)
        release.set()
        for thread in threads:
            thread.join()

    def test_calls_given_up_count_as_well(self, release: threading.Event) -> None:
        bulkhead = Bulkhead("fire", at_once=4)
        for _ in range(2):
            with pytest.raises(DirectoryUnavailable, match="in time"):
                bulkhead.run(lambda: release.wait(30), timeout_seconds=0.01)
        with pytest.raises(DirectoryBusy):
            bulkhead.run(lambda: None, timeout_seconds=5)

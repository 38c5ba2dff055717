"""A change holds at the next request on its machine; where nobody knows, nothing is permitted."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from gateway.bulletin import EVERYTHING, KEEP, STALE_SECONDS, Bulletin, BulletinReader
from gateway.store import schema
from gateway.store.engine import writing
from tests.doubles.stores import new_store

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Place:
    """One gateway's store and bulletin, with a reader that remembers what it was told."""

    def __init__(self, store: Engine, folder: Path) -> None:
        self.store = store
        self.bulletin = Bulletin(folder)
        self.clock = Clock()
        self.told: list[frozenset[str]] = []
        self.complaints: list[BaseException] = []
        self.reader = self.another_reader()
        self.reader.listen(self.told.append)

    def another_reader(self) -> BulletinReader:
        return BulletinReader(
            self.store, self.bulletin, monotonic=self.clock, complain=self.complaints.append
        )

    def announce(self, *subjects: str, at: datetime = AT, ring: bool = True) -> None:
        with writing(self.store) as connection:
            for subject in subjects:
                self.bulletin.announce(connection, subject, at)
        if ring:
            self.bulletin.ring()

    def current(self) -> bool:
        return self.reader.is_current(self.clock())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with new_store(tmp_path) as store:
        place = Place(store, tmp_path)
        yield place
        place.bulletin.close()


def test_a_reader_that_has_never_read_is_not_current(place: Place) -> None:
    assert not place.current()
    assert place.reader.read()
    assert place.current()


def test_a_ring_makes_every_reader_read_before_the_next_decision(place: Place) -> None:
    place.reader.read()

    place.announce("policy")

    assert not place.current()
    assert place.reader.catch_up()
    assert place.told == [frozenset({"policy"})]
    assert place.current()


def test_what_was_there_before_the_first_read_is_not_news(place: Place) -> None:
    """A worker starts with empty hands; telling it everything ever changed helps nobody."""
    place.announce("policy")
    place.reader.read()

    assert place.told == []


def test_a_change_nobody_rang_for_is_found_by_the_next_look(place: Place) -> None:
    """The process that made it may have died in between, or be on another machine."""
    place.reader.read()
    place.announce("person:cheshire-fire/40011", ring=False)

    assert place.current()
    assert place.reader.read()
    assert place.told == [frozenset({"person:cheshire-fire/40011"})]


def test_requests_that_found_the_same_ring_read_once(place: Place) -> None:
    """A thousand waiting requests must not become a thousand reads."""
    place.reader.read()
    place.announce("policy")
    caught_up = [place.reader.catch_up()]
    with writing(place.store) as connection:
        connection.execute(text("ALTER TABLE bulletin RENAME TO gone"))
    caught_up.append(place.reader.catch_up())

    assert caught_up == [True, True]
    assert place.complaints == []


def test_the_readers_own_thread_looks_by_itself(place: Place) -> None:
    heard = threading.Event()
    reader = BulletinReader(place.store, place.bulletin)
    reader.listen(lambda _: heard.set())
    with reader:
        place.announce("policy", ring=False)

        assert heard.wait(10)


def test_after_ten_seconds_without_a_read_nothing_may_be_permitted(place: Place) -> None:
    place.reader.read()
    place.clock.seconds += STALE_SECONDS
    just_current = place.current()
    place.clock.seconds += 0.001

    assert just_current
    assert not place.current()


def test_a_store_that_does_not_answer_leaves_the_reader_behind(place: Place) -> None:
    place.reader.read()
    with writing(place.store) as connection:
        connection.execute(text("ALTER TABLE bulletin RENAME TO gone"))
    place.bulletin.ring()

    assert not place.reader.catch_up()
    assert not place.current()
    assert len(place.complaints) == 1


def test_a_listener_that_fails_is_told_again_and_nothing_is_permitted_meanwhile(
    place: Place,
) -> None:
    """What was not applied must not count as known."""
    place.reader.read()
    broken = [True]

    def listener(_: frozenset[str]) -> None:
        if broken[0]:
            message = "cannot apply"
            raise RuntimeError(message)

    place.reader.listen(listener)
    place.announce("policy")

    assert not place.reader.read()
    assert not place.current()
    broken[0] = False
    assert place.reader.read()
    assert place.told == [frozenset({"policy"})] * 2
    assert place.current()


def test_a_ring_during_a_read_is_not_lost(place: Place) -> None:
    place.reader.read()

    def ring_again(_: frozenset[str]) -> None:
        if len(place.told) == 1:
            place.announce("session:2")

    place.reader.listen(ring_again)
    place.announce("session:1")
    place.reader.read()

    assert not place.current()
    assert place.reader.catch_up()
    assert place.told == [frozenset({"session:1"}), frozenset({"session:2"})]


def test_several_changes_come_together_and_once(place: Place) -> None:
    place.reader.read()
    place.announce("session:1", "session:2")
    place.announce("session:3")
    place.reader.read()
    place.reader.read()

    assert place.told == [frozenset({"session:1", "session:2", "session:3"})]


def test_every_reader_is_told(place: Place) -> None:
    told: list[frozenset[str]] = []
    other = place.another_reader()
    other.listen(told.append)
    other.read()
    place.reader.read()
    place.announce("policy")
    place.reader.read()
    other.read()

    assert told == place.told == [frozenset({"policy"})]


def test_a_list_that_no_longer_joins_on_means_that_everything_may_have_changed(
    place: Place,
) -> None:
    """The rows were purged, or the database is an older copy put back."""
    place.announce("policy")
    place.reader.read()
    place.announce("session:1", "session:2", ring=False)
    with writing(place.store) as connection:
        connection.execute(text("DELETE FROM bulletin WHERE subject != 'session:2'"))
    place.reader.read()
    with writing(place.store) as connection:
        connection.execute(text("DELETE FROM bulletin"))
    place.reader.read()

    assert place.told == [frozenset({EVERYTHING})] * 2


def test_more_changes_than_can_be_told_one_by_one_mean_everything(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.bulletin.CATCH_UP_ROWS", 10)
    place.announce("policy")
    place.reader.read()
    place.announce(*(f"session:{number}" for number in range(10)))
    place.reader.read()
    place.announce(*(f"session:{number}" for number in range(11)))
    place.reader.read()
    place.reader.read()

    assert [len(subjects) for subjects in place.told] == [10, 1]
    assert place.told[1] == frozenset({EVERYTHING})


def test_the_purge_removes_what_is_old_but_never_the_newest(place: Place) -> None:
    place.announce("session:1", "session:2")
    place.reader.read()
    with writing(place.store) as connection:
        removed = place.bulletin.purge(connection, AT + KEEP + timedelta(seconds=1))
    place.reader.read()

    assert removed == 1
    assert place.told == []


def test_a_number_is_never_given_out_twice(place: Place) -> None:
    """A reader that stands at it would take the new subject for one it knows."""
    place.announce("session:1")
    with writing(place.store) as connection:
        connection.execute(text("DELETE FROM bulletin"))
        number = place.bulletin.announce(connection, "session:2", AT)

    assert number == 2


def test_what_was_rolled_back_is_not_announced(place: Place) -> None:
    place.reader.read()
    with pytest.raises(ZeroDivisionError), writing(place.store) as connection:  # noqa: PT012
        place.bulletin.announce(connection, "policy", AT)
        _ = 1 // 0
    place.reader.read()

    assert place.told == []


def test_rings_of_several_processes_all_move_the_counter(place: Place, tmp_path: Path) -> None:
    """A lost ring is a change that does not hold at the next request."""
    program = (
        "import sys; from pathlib import Path; from gateway.bulletin import Bulletin\n"
        "bulletin = Bulletin(Path(sys.argv[1]))\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "for _ in range(10_000): bulletin.ring()"
    )
    before = place.bulletin.counter()
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, tmp_path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in running:
        assert process.stdout is not None
        process.stdout.readline()
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        process.communicate()

    assert place.bulletin.counter() - before == 30_000


def test_the_counter_is_moved_by_rings_alone(place: Place) -> None:
    before = place.bulletin.value[0]
    with pytest.raises(TypeError):
        place.bulletin.value[0] = 0
    place.bulletin.ring()

    assert place.bulletin.value[0] == place.bulletin.counter() == before + 1


def test_the_counter_is_for_its_owner_alone(tmp_path: Path) -> None:
    Bulletin(tmp_path).close()

    assert (tmp_path / "bulletin.counter").stat().st_mode & 0o777 == 0o600


def test_times_are_kept_as_everywhere_else(place: Place) -> None:
    place.announce("policy")
    with writing(place.store) as connection:
        kept = connection.execute(text("SELECT at_us FROM bulletin")).scalar()

    assert kept == schema.microseconds(AT)

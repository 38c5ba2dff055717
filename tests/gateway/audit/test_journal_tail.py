"""The sequencer reads every whole frame, waits for those being written, and steps over damage."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audit.disk import Disk
from gateway.audit.journal import JournalSizes, JournalWriter, frame, segment_name
from gateway.audit.journal_tail import (
    CODE_DAMAGED,
    CODE_TORN,
    JournalTail,
    remove_stillborn,
    writers_in,
)
from gateway.audit.sealing import MAX_ENTRY_BYTES

SIZES = JournalSizes(segment_bytes=16 << 10, reserve_bytes=4 << 10, headroom_bytes=0)
ALL = 1 << 20


class Journal:
    """A writer and its tail."""

    def __init__(self, directory: Path, segment_bytes: int = SIZES.segment_bytes) -> None:
        self.directory = directory
        sizes = replace(SIZES, segment_bytes=segment_bytes)
        self.writer = JournalWriter(directory, "worker-1", sizes, Disk())
        self.writer.next_segment(use_reserve=False)
        self.tail = JournalTail(directory, "worker-1", segment=1, offset=0)

    def segment(self, number: int = 1) -> Path:
        return self.directory / "worker-1" / segment_name(number)

    def overwrite(self, offset: int, content: bytes, number: int = 1) -> None:
        with self.segment(number).open("r+b") as file:
            file.seek(offset)
            file.write(content)

    def read(self) -> list[bytes]:
        portion = self.tail.read(ALL)
        self.tail.advance(portion)
        return portion.bodies


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path)


def test_what_is_appended_is_read_once(journal: Journal) -> None:
    journal.writer.append(frame(b"one") + frame(b"two"))
    first = journal.read()
    journal.writer.append(frame(b"three"))

    assert (first, journal.read(), journal.read()) == ([b"one", b"two"], [b"three"], [])


def test_reading_again_without_advancing_gives_the_same(journal: Journal) -> None:
    """A transaction that fails must find everything again."""
    journal.writer.append(frame(b"one"))

    assert journal.tail.read(ALL).bodies == journal.tail.read(ALL).bodies == [b"one"]


def test_segments_are_followed_and_removed_once_done(journal: Journal) -> None:
    journal.writer.append(frame(b"one"))
    journal.writer.next_segment(use_reserve=False)
    journal.writer.append(frame(b"two"))
    portion = journal.tail.read(ALL)

    assert portion.bodies == [b"one", b"two"]
    assert journal.segment(1).exists()
    journal.tail.advance(portion)
    journal.tail.discard()
    assert not journal.segment(1).exists()
    assert journal.segment(2).exists()


def test_a_living_writer_is_not_finished_and_a_dead_one_is(journal: Journal) -> None:
    journal.writer.append(frame(b"one"))

    assert not journal.tail.read(ALL).finished
    journal.writer.close()
    assert journal.tail.read(ALL).finished


def test_a_frame_being_written_is_waited_for(journal: Journal) -> None:
    whole = frame(b"x" * 100)
    journal.writer.append(frame(b"one"))
    journal.overwrite(len(frame(b"one")), whole[:50])
    cut = journal.tail.read(ALL)
    journal.overwrite(len(frame(b"one")), whole)

    assert (cut.bodies, cut.damages) == ([b"one"], [])
    assert journal.tail.read(ALL).bodies == [b"one", b"x" * 100]


def test_the_rest_of_a_segment_is_not_read_for_a_frame_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It happens all the time, and the rest is megabytes."""
    journal = Journal(tmp_path, segment_bytes=2 << 20)
    journal.writer.write(frame(b"one") + frame(b"x" * 100)[:50])
    pread, read = os.pread, list[int]()

    def noted(handle: int, size: int, offset: int) -> bytes:
        read.append(size)
        return pread(handle, size, offset)

    monkeypatch.setattr(os, "pread", noted)

    assert journal.tail.read(ALL).bodies == [b"one"]
    assert 0 < sum(read) < 1 << 20
    journal.tail._bad_since = 0.0
    assert journal.tail.read(ALL).damages == []  # nothing follows: it may become one
    assert sum(read) > 2 << 20


def test_the_torn_end_of_a_dead_writer_is_kept_as_such(journal: Journal) -> None:
    journal.writer.append(frame(b"one"))
    journal.overwrite(len(frame(b"one")), frame(b"y" * 100)[:50])
    journal.writer.close()
    portion = journal.tail.read(ALL)

    assert portion.bodies == [b"one"]
    assert [(each.code, each.content) for each in portion.damages] == [
        (CODE_TORN, frame(b"y" * 100)[:50])
    ]
    assert portion.finished


@pytest.mark.parametrize("at", [0, 5, 9, 13, 40])
def test_a_damaged_frame_is_stepped_over_and_kept(journal: Journal, at: int) -> None:
    """Whatever part of it was changed: mark, length, checksum or body."""
    first, second = frame(b"first" * 10), frame(b"second")
    journal.writer.append(first + second + frame(b"third"))
    journal.overwrite(at, b"\xee\xee")
    journal.writer.close()
    portion = journal.tail.read(ALL)

    assert portion.bodies == [b"second", b"third"]
    assert [(each.code, each.offset) for each in portion.damages] == [(CODE_DAMAGED, 0)]
    assert len(portion.damages[0].content) == len(first)


def test_damage_in_a_living_writers_segment_is_believed_only_after_a_while(
    journal: Journal,
) -> None:
    journal.writer.append(frame(b"first") + frame(b"second"))
    journal.overwrite(13, b"\xee")

    assert journal.tail.read(ALL).bodies == []
    journal.tail._bad_since = 0.0
    assert journal.tail.read(ALL).bodies == [b"second"]


def test_damage_at_the_end_of_a_finished_segment_does_not_stop_the_next(journal: Journal) -> None:
    journal.writer.append(frame(b"one"))
    journal.overwrite(len(frame(b"one")), b"garbage")
    journal.writer.next_segment(use_reserve=False)
    journal.writer.append(frame(b"two"))
    portion = journal.tail.read(ALL)

    assert portion.bodies == [b"one", b"two"]
    assert [each.content for each in portion.damages] == [b"garbage"]


def test_a_segment_taken_away_from_a_dead_writer_does_not_hide_the_rest(journal: Journal) -> None:
    for body in (b"one", b"two", b"three"):
        journal.writer.append(frame(body))
        journal.writer.next_segment(use_reserve=False)
    journal.writer.close()
    journal.segment(2).unlink()

    assert journal.tail.read(ALL).bodies == [b"one", b"three"]


def test_a_large_journal_is_read_in_portions(journal: Journal) -> None:
    bodies = [bytes([number]) * 900 for number in range(1, 60)]
    for body in bodies:
        if journal.writer.room() < 1_000:
            journal.writer.next_segment(use_reserve=False)
        journal.writer.append(frame(body))
    read: list[bytes] = []
    portions = 0
    while True:
        portion = journal.tail.read(limit_bytes=10_000)
        journal.tail.advance(portion)
        read += portion.bodies
        portions += 1
        if not portion.more:
            break

    assert read == bodies
    assert portions > 3


def test_little_is_read_where_little_is_asked_for(tmp_path: Path) -> None:
    """Many writers share what is read at a time; one frame of any length is always taken."""
    journal = Journal(tmp_path, segment_bytes=1 << 20)
    journal.writer.write(frame(b"x" * 2 * MAX_ENTRY_BYTES) + frame(*[b"y" * 1_000] * 500))
    portion = journal.tail.read(limit_bytes=1)

    assert len(portion.bodies[0]) == 2 * MAX_ENTRY_BYTES
    assert 0 < sum(map(len, portion.bodies)) < 70_000
    assert portion.more


def test_a_starting_writer_is_not_listed_before_it_has_its_name(tmp_path: Path) -> None:
    (tmp_path / ".worker-2").mkdir()
    (tmp_path / "worker-1").mkdir()

    assert writers_in(tmp_path) == ["worker-1"]
    assert writers_in(tmp_path / "nowhere") == []


def test_what_a_writer_left_that_died_at_its_birth_is_removed(tmp_path: Path) -> None:
    """And one that is being born is not."""
    for name, age_seconds in ((".worker-1", 3_600), (".worker-2", 0)):
        (tmp_path / name).mkdir()
        then = (tmp_path / name).stat().st_mtime - age_seconds
        os.utime(tmp_path / name, (then, then))
    remove_stillborn(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [".worker-2"]


def test_a_removed_journal_is_gone(journal: Journal) -> None:
    journal.writer.append(frame(b"one"))
    journal.writer.close()
    journal.tail.advance(journal.tail.read(ALL))
    journal.tail.remove()

    assert not (journal.directory / "worker-1").exists()

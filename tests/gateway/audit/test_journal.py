"""A journal is preallocated, locked, and ends where its frames end."""

import errno
import fcntl
import os
from pathlib import Path
from zlib import crc32

import pytest

from gateway.audit.disk import Disk
from gateway.audit.errors import DiskFullError, JournalError
from gateway.audit.journal import (
    FRAME,
    JournalSizes,
    JournalWriter,
    frame,
    segment_name,
    unique_writer,
)
from tests.doubles.faulty_disk import FaultyDisk

SIZES = JournalSizes(segment_bytes=64 << 10, reserve_bytes=32 << 10, headroom_bytes=0)


def opened(directory: Path, disk: Disk | None = None, sizes: JournalSizes = SIZES) -> JournalWriter:
    writer = JournalWriter(directory, "worker-1", sizes, disk or Disk())
    writer.keep_reserve()
    writer.next_segment(use_reserve=False)
    return writer


def test_what_is_appended_stands_at_the_start_of_a_segment_of_full_size(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    writer.append(frame(b"one") + frame(b"two"))
    content = (tmp_path / "worker-1" / segment_name(1)).read_bytes()

    assert len(content) == 64 << 10
    assert content.startswith(frame(b"one") + frame(b"two"))
    assert not any(content[2 * (FRAME.size + 3) :])


def test_frames_of_many_bodies_are_those_of_each() -> None:
    assert frame(b"one", b"", b"three") == frame(b"one") + frame(b"") + frame(b"three")
    assert frame(b"one") == b"VGj1" + bytes((0, 0, 0, 3)) + crc32(b"one").to_bytes(4) + b"one"
    assert frame() == b""


def test_the_blocks_of_a_segment_are_there_before_it_is_used(tmp_path: Path) -> None:
    opened(tmp_path)
    status = (tmp_path / "worker-1" / segment_name(1)).stat()

    assert status.st_blocks * 512 >= 64 << 10


def test_a_prepared_segment_is_taken_and_holds_zeros(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    writer.prepare_next()
    prepared = (tmp_path / "worker-1" / "next.seg").stat().st_ino
    writer.next_segment(use_reserve=False)
    taken = tmp_path / "worker-1" / segment_name(2)

    assert taken.stat().st_ino == prepared
    assert taken.read_bytes() == bytes(64 << 10)
    assert writer.number == 2


def test_a_living_writer_holds_its_lock_from_the_moment_its_name_appears(tmp_path: Path) -> None:
    """Otherwise a sequencer could take a starting writer for dead and remove its journal."""
    seen: list[bool] = []

    class Watching(Disk):
        def rename(self, source: Path | str, target: Path | str) -> None:
            if Path(target).name == "worker-1":
                seen.append(held(Path(source, "alive")))
            super().rename(source, target)

    writer = opened(tmp_path, Watching())

    assert seen == [True]
    assert held(tmp_path / "worker-1" / "alive")
    writer.close()
    assert not held(tmp_path / "worker-1" / "alive")


def held(path: Path) -> bool:
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def test_too_little_free_space_is_a_full_disk_before_anything_is_written(tmp_path: Path) -> None:
    disk = FaultyDisk()
    writer = opened(tmp_path, disk)
    disk.free = (64 << 10) - 1

    with pytest.raises(DiskFullError):
        writer.next_segment(use_reserve=False)
    assert writer.number == 1
    writer.append(frame(b"still"))


def test_headroom_is_left_for_the_sequencer(tmp_path: Path) -> None:
    disk = FaultyDisk()
    sizes = JournalSizes(segment_bytes=64 << 10, reserve_bytes=32 << 10, headroom_bytes=1 << 20)
    writer = opened(tmp_path, disk, sizes)
    disk.free = (1 << 20) + (64 << 10) - 1

    with pytest.raises(DiskFullError):
        writer.next_segment(use_reserve=False)


def test_the_reserve_is_used_once_and_set_aside_again(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    writer.next_segment(use_reserve=True)

    assert writer.on_reserve
    assert (tmp_path / "worker-1" / segment_name(2)).stat().st_size == 32 << 10
    with pytest.raises(DiskFullError, match="used up"):
        writer.next_segment(use_reserve=True)
    writer.keep_reserve()
    writer.next_segment(use_reserve=True)
    assert writer.number == 3


@pytest.mark.parametrize("operation", ["allocate", "write", "flush"])
def test_no_space_while_preparing_leaves_no_half_segment(tmp_path: Path, operation: str) -> None:
    disk = FaultyDisk()
    writer = opened(tmp_path, disk)
    disk.fail(operation, code=errno.ENOSPC)

    with pytest.raises(DiskFullError):
        writer.prepare_next()
    assert not list((tmp_path / "worker-1").glob("*.new"))
    assert not (tmp_path / "worker-1" / "next.seg").exists()


def test_after_a_write_without_space_the_segment_takes_no_more(tmp_path: Path) -> None:
    disk = FaultyDisk()
    writer = opened(tmp_path, disk)
    disk.fail("write", code=errno.ENOSPC)

    with pytest.raises(DiskFullError):
        writer.append(frame(b"half"))
    assert writer.room() < 0


def test_a_failed_flush_is_no_full_disk(tmp_path: Path) -> None:
    """After it nobody knows what the disk holds, so it must not be taken for a passing state."""
    disk = FaultyDisk()
    writer = opened(tmp_path, disk)
    disk.fail("flush", code=errno.ENOSPC)

    with pytest.raises(OSError, match="No space") as caught:
        writer.append(frame(b"half"))
    assert not isinstance(caught.value, DiskFullError)


def test_a_directory_that_cannot_be_made_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file")

    with pytest.raises(JournalError, match="cannot make"):
        JournalWriter(tmp_path / "journal", "worker-1", SIZES, Disk())


def test_a_closed_journal_keeps_only_what_was_written(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    writer.prepare_next()
    writer.close()

    assert sorted(path.name for path in (tmp_path / "worker-1").iterdir()) == [
        "00000001.seg",
        "alive",
    ]


def test_no_two_writers_have_one_name() -> None:
    names = {unique_writer("worker") for _ in range(200)}

    assert len(names) == 200
    assert all(name.startswith("worker-") and str(os.getpid()) in name for name in names)

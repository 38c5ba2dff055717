"""The journal of one writer: a directory of preallocated segments, written by one thread.

    <journal>/<writer>/alive            locked (flock) while the writer lives
    <journal>/<writer>/00000001.seg     frames, then zeros
    <journal>/<writer>/next.seg         the segment after, filled with zeros ahead of time
    <journal>/<writer>/reserve.seg      kept for refusals on a full disk

A frame is a mark, the length of the body, its CRC-32 and the body. The first frame of a segment
says where the writer stood, the last one of a writer that ended in order says so. The directory
appears under its name only once it is locked, so that nobody takes a starting writer for dead.

A segment is allocated and filled with zeros before it is used: writing over zeros needs no change
of the file's own blocks, which halves the time of a flush, and space cannot run out half way.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import socket
import struct
import threading
import zlib
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

from gateway.audit.disk import Disk
from gateway.audit.errors import DiskFullError, JournalError

FRAME = struct.Struct(">4sII")
FRAME_MARK = b"VGj1"
SEGMENT_SUFFIX = ".seg"
ALIVE = "alive"
_NEXT = "next.seg"
_RESERVE = "reserve.seg"
# Room always left for the frame with which a writer closes.
_CLOSING_BYTES = 256
LANES = 2
"""How many flushes may run at a time: with one, whoever comes during it waits for two."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
_ZEROS_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSizes:
    """Sizes in bytes: of a segment, of the reserve, and the free space that counts as none."""

    segment_bytes: int
    reserve_bytes: int
    headroom_bytes: int


def frame(*bodies: bytes) -> bytes:
    """Wrap bodies for the journal; each step of it runs in C for all of them."""
    heads = map(FRAME.pack, repeat(FRAME_MARK), map(len, bodies), map(zlib.crc32, bodies))
    return b"".join(chain.from_iterable(zip(heads, bodies, strict=True)))


def unique_writer(role: str) -> str:
    """Name a writer so that no other process, ever, has the same: role, host, pid, chance."""
    host = "".join(c for c in socket.gethostname().split(".")[0].lower() if c.isalnum())[:12]
    return f"{role[:12]}-{host or 'host'}-{os.getpid()}-{secrets.token_hex(3)}"


def segment_name(number: int) -> str:
    """Name the file of a segment."""
    return f"{number:08d}{SEGMENT_SUFFIX}"


class JournalWriter:
    """Appends frames to the newest segment.

    For one thread at a time, except `prepare_next`, and `flush` for one a lane.
    """

    def __init__(self, directory: Path, writer: str, sizes: JournalSizes, disk: Disk) -> None:
        """Open the journal directory of a new writer, locked, with its reserve set aside.

        Raises:
            JournalError: It cannot be made.
            DiskFullError: There is no space for the reserve.
        """
        self._sizes = sizes
        self._disk = disk
        self._handles: list[int] = []
        self._offset = self._size = self._number = 0
        self._on_reserve = False
        # Held while a segment gets its final name: else `prepare_next` could put another file under
        # the name of the one just opened, and acknowledged entries would go to a nameless file.
        self._naming = threading.Lock()
        self._path = directory / writer
        try:
            disk.make_directory(directory)
            starting = directory / f".{writer}"
            starting.mkdir(mode=0o750)
            self._alive = os.open(starting / ALIVE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            fcntl.flock(self._alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            disk.rename(starting, self._path)
            disk.flush_directory(directory)
        except OSError as error:
            raise JournalError(f"journal: cannot make `{self._path}`: {error.strerror}") from error

    @property
    def on_reserve(self) -> bool:
        """Whether the current segment is the reserve."""
        return self._on_reserve

    @property
    def number(self) -> int:
        """Number of the current segment; 0 before the first."""
        return self._number

    def room(self) -> int:
        """Bytes that the current segment still takes."""
        return self._size - self._offset - _CLOSING_BYTES

    def append(self, content: bytes) -> None:
        """Write frames at the end and wait for the disk; see `write` and `flush`."""
        self.write(content)
        self.flush()

    def write(self, content: bytes) -> None:
        """Write frames at the end; a flush that begins after it makes them durable.

        They must fit `room`.

        Raises:
            DiskFullError: The file system had no space after all; nothing may follow the frames in
                this segment.
            OSError: The disk failed. What was written is uncertain and must not be tried again.
        """
        try:
            self._disk.write(self._handles[0], content, self._offset)
        except OSError as error:
            if error.errno in _FULL:
                self._size = self._offset
                raise DiskFullError("journal: no space while writing") from error
            raise
        self._offset += len(content)

    def flush(self, lane: int = 0) -> None:
        """Wait until all that was written before would survive a power cut.

        Args:
            lane: Which of those who may flush at a time asks. Each has a handle of its own, as the
                system tells a failure to each handle once: nobody takes another's for success.

        Raises:
            OSError: The disk failed. What was written is uncertain and must not be tried again.
        """
        self._disk.flush(self._handles[lane])

    def next_segment(self, *, use_reserve: bool) -> None:
        """Go on in a new segment. Nobody may be flushing the present one.

        Args:
            use_reserve: Take the reserve instead of a segment of full size.

        Raises:
            DiskFullError: There is no space; the current segment stays.
            OSError: The disk failed.
        """
        ready = self._path / (_RESERVE if use_reserve else _NEXT)
        with self._naming:
            if use_reserve and not ready.exists():
                raise DiskFullError("journal: the reserve is used up")
            if not use_reserve and not ready.exists():
                self._allocate(ready, self._sizes.segment_bytes)
            handles: list[int] = []
            try:
                handles.extend(os.open(ready, os.O_RDWR | os.O_CLOEXEC) for _ in range(LANES))
                size = os.fstat(handles[0]).st_size
                self._disk.rename(ready, self._path / segment_name(self._number + 1))
                self._disk.flush_directory(self._path)
            except BaseException:
                _close(handles)
                raise
        self._close_segment()
        self._handles, self._offset, self._size = handles, 0, size
        self._on_reserve = use_reserve
        self._number += 1

    def keep_reserve(self) -> None:
        """Set the reserve aside again if it was used. Raises DiskFullError."""
        reserve = self._path / _RESERVE
        if not reserve.exists():
            self._allocate(reserve, self._sizes.reserve_bytes)

    def prepare_next(self) -> None:
        """Fill the segment after this one with zeros; may run on another thread.

        Raises:
            DiskFullError: There is no space.
        """
        ready = self._path / _NEXT
        if ready.exists():
            return
        temporary = self._path / "zeros.new"
        self._allocate(temporary, self._sizes.segment_bytes)
        zeros = bytes(_ZEROS_BYTES)
        handle = os.open(temporary, os.O_RDWR | os.O_CLOEXEC)
        try:
            size = self._sizes.segment_bytes
            for offset in range(0, size, _ZEROS_BYTES):
                # Small pieces, each flushed: a commit never queues behind megabytes of zeros.
                self._disk.write(handle, zeros[: min(_ZEROS_BYTES, size - offset)], offset)
                self._disk.flush(handle)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise _full_or_failed(error, "filling the next segment") from error
        finally:
            os.close(handle)
        with self._naming:
            if not ready.exists():
                self._disk.rename(temporary, ready)

    def close(self) -> None:
        """Give up the segment and the lock; the sequencer then drains and removes the rest."""
        self._close_segment()
        for spare in (_NEXT, _RESERVE):
            with contextlib.suppress(OSError):
                (self._path / spare).unlink()
        if self._alive >= 0:
            os.close(self._alive)
            self._alive = -1

    def _close_segment(self) -> None:
        _close(self._handles)
        self._handles = []

    def _allocate(self, path: Path, size_bytes: int) -> None:
        """Make a file of `size_bytes` that leaves the headroom free."""
        if self._disk.free_bytes(self._path) < size_bytes + self._sizes.headroom_bytes:
            raise DiskFullError("journal: too little free space for a segment")
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        try:
            self._disk.allocate(handle, size_bytes)
            self._disk.flush(handle)
        except OSError as error:
            with contextlib.suppress(OSError):
                path.unlink()
            raise _full_or_failed(error, "allocating a segment") from error
        finally:
            os.close(handle)


def _close(handles: list[int]) -> None:
    for handle in handles:
        os.close(handle)


def _full_or_failed(error: OSError, act: str) -> OSError | DiskFullError:
    if error.errno in _FULL:
        return DiskFullError(f"journal: no space while {act}")
    return error

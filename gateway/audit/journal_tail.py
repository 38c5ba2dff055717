"""Reads a writer's journal from where the sequencer left off, also after the writer has died.

A frame that is cut or damaged at the end of a living writer's segment is one being written: it is
read again later. Behind it valid frames, a further segment, or no living writer mean that it stays
so: its bytes are handed on as damaged, and reading goes on at the next valid frame.
"""

import contextlib
import fcntl
import os
import shutil
import time
import zlib
from dataclasses import dataclass, field
from operator import eq
from pathlib import Path

from gateway.audit.journal import ALIVE, FRAME, FRAME_MARK, SEGMENT_SUFFIX, segment_name
from gateway.audit.sealing import MAX_ENTRY_BYTES

# Small, because a read past the newest frame gives zeros for the rest of it.
_CHUNK_BYTES = 1 << 18
_LEAST_CHUNK_BYTES = 1 << 16  # more than any frame has
_MAX_BODY_BYTES = 2 * MAX_ENTRY_BYTES
# A read may overlap a write and see its pages out of order; after this time it is no such read.
_PATIENCE_SECONDS = 1.0
_STILLBORN_SECONDS = 60.0
CODE_TORN, CODE_DAMAGED = "torn-end", "damaged-frame"


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Bytes of a segment that are no frame."""

    segment: int
    offset: int
    code: str
    content: bytes


@dataclass(slots=True, kw_only=True)
class Portion:
    """What one read gave: bodies in order, damage, and the position to note after it.

    Attributes:
        segment: Where to go on.
        offset: Where to go on in it.
        bodies: Bodies of valid frames.
        damages: What was no frame.
        finished: Whether the writer is dead and nothing more will come.
        more: Whether more is there already.
    """

    segment: int
    offset: int
    bodies: list[bytes] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    finished: bool = False
    more: bool = False


class JournalTail:
    """Follows the journal of one writer; reading moves nothing, `advance` does."""

    def __init__(self, directory: Path, writer: str, *, segment: int, offset: int) -> None:
        self.writer = writer
        self.segment = segment
        self.offset = offset
        self._path = directory / writer
        self._handle = -1
        self._handle_segment = 0
        self._bad_since: float | None = None
        self._done_from = segment

    def close(self) -> None:
        """Close the open segment."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def read(self, limit_bytes: int) -> Portion:
        """Read what has been written since the last `advance`.

        Args:
            limit_bytes: How much at most; up to 64 KiB more where less would be none.
        """
        alive = self._is_alive()
        portion = Portion(segment=self.segment, offset=self.offset)
        left = limit_bytes
        while left > 0:
            taken = self._read_frames(portion, left)
            left -= taken
            if taken:
                continue
            if self._is_bad(portion):
                if not self._pass_damage(portion, alive=alive):
                    return portion
            elif following := self._following(portion.segment, alive=alive):
                # The writer had finished this segment before it opened the next: look once more.
                if self._read_frames(portion, left) == 0 and not self._is_bad(portion):
                    portion.segment, portion.offset = following, 0
            else:
                portion.finished = not alive
                return portion
        portion.more = True
        return portion

    def advance(self, portion: Portion) -> None:
        """Take a portion as done: the next read goes on after it."""
        self._done_from = min(self._done_from, self.segment)
        self.segment, self.offset = portion.segment, portion.offset
        self._bad_since = None

    def discard(self) -> None:
        """Remove the segments that are done."""
        for number in range(self._done_from, self.segment):
            with contextlib.suppress(FileNotFoundError):
                (self._path / segment_name(number)).unlink()
        self._done_from = self.segment

    def remove(self) -> None:
        """Remove the whole journal: drained, and its writer dead."""
        self.close()
        shutil.rmtree(self._path, ignore_errors=True)

    def _read_frames(self, portion: Portion, left: int) -> int:
        """Read the valid frames of one chunk; return how many bytes they took."""
        if not any(self._chunk(portion.segment, portion.offset, FRAME.size)):
            return 0
        size = min(_CHUNK_BYTES, max(_LEAST_CHUNK_BYTES, left))
        chunk = self._chunk(portion.segment, portion.offset, size)
        at, end, head, unpack = 0, len(chunk), FRAME.size, FRAME.unpack_from
        bodies: list[bytes] = []
        checksums: list[int] = []
        while at + head <= end:
            mark, length, checksum = unpack(chunk, at)
            start = at + head
            after = start + length
            if mark != FRAME_MARK or after > end:
                break
            bodies.append(chunk[start:after])
            checksums.append(checksum)
            at = after
        whole = [*map(eq, map(zlib.crc32, bodies), checksums)]
        if not all(whole):
            del bodies[whole.index(False) :]
            at = sum(map(len, bodies)) + head * len(bodies)
        portion.bodies += bodies
        portion.offset += at
        return at

    def _is_bad(self, portion: Portion) -> bool:
        """Tell whether there is something that is no frame, rather than nothing yet."""
        return any(self._chunk(portion.segment, portion.offset, FRAME.size))

    def _pass_damage(self, portion: Portion, *, alive: bool) -> bool:
        """Step over what is no frame; False if it may still become one."""
        may_become = alive and not self._following(portion.segment, alive=alive)
        if may_become:
            now = time.monotonic()
            if self._bad_since is None:
                self._bad_since = now
            if now - self._bad_since < _PATIENCE_SECONDS:
                return False
        # All the rest of the segment: only now, as frames are seen amid their writing all the time.
        content = self._chunk(portion.segment, portion.offset, 1 << 40)
        following = _next_frame(content)
        if may_become and following is None:
            return False
        code = CODE_DAMAGED
        if following is None:
            code, following = CODE_TORN, len(content)
        portion.damages.append(
            Damage(
                segment=portion.segment,
                offset=portion.offset,
                code=code,
                content=content[:following].rstrip(b"\0"),
            )
        )
        portion.offset += following
        return True

    def _chunk(self, segment: int, offset: int, size: int) -> bytes:
        if self._handle_segment != segment or self._handle < 0:
            self.close()
            try:
                path = self._path / segment_name(segment)
                self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return b""
            self._handle_segment = segment
        size = min(size, max(0, os.fstat(self._handle).st_size - offset))
        return os.pread(self._handle, size, offset)

    def _following(self, segment: int, *, alive: bool) -> int:
        """Return the number of the segment after, 0 if there is none.

        Of a dead writer a segment may be missing, because somebody took it: then the next that is
        there, and the gap shows in the sequence numbers.
        """
        if (self._path / segment_name(segment + 1)).exists():
            return segment + 1
        if alive or not self._path.is_dir():
            return 0
        stems = (path.stem for path in self._path.glob("*" + SEGMENT_SUFFIX))
        later = (int(stem) for stem in stems if stem.isdecimal() and int(stem) > segment)
        return min(later, default=0)

    def _is_alive(self) -> bool:
        return _is_locked(self._path / ALIVE)


def writers_in(directory: Path) -> list[str]:
    """List the writers that have a journal, in the order of their names."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(
            path.name
            for path in directory.iterdir()
            if not path.name.startswith(".") and path.suffix != SEGMENT_SUFFIX
        )
    return []


def remove_stillborn(directory: Path) -> None:
    """Remove what writers left that died before their journal had its name; nothing is in it."""
    for path in directory.glob(".*"):
        lock = path / ALIVE
        # One without a lock file may be about to make it, unless nothing has happened for long.
        with contextlib.suppress(FileNotFoundError):
            age_seconds = time.time() - path.stat().st_mtime  # noqa: TID251 - a file's age
            if age_seconds > _STILLBORN_SECONDS and not _is_locked(lock):
                shutil.rmtree(path, ignore_errors=True)


def _is_locked(path: Path) -> bool:
    """Tell whether a living process holds a lock on a file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _next_frame(content: bytes) -> int | None:
    """Find the next valid frame after the first byte."""
    at = content.find(FRAME_MARK, 1)
    while at != -1:
        if at + FRAME.size <= len(content):
            _, length, checksum = FRAME.unpack_from(content, at)
            body = content[at + FRAME.size : at + FRAME.size + length]
            if length <= _MAX_BODY_BYTES and zlib.crc32(body) == checksum and len(body) == length:
                return at
        at = content.find(FRAME_MARK, at + 1)
    return None

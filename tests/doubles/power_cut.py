"""A disk that loses what was not flushed when the power goes: the trace of one, and what is left.

Processes run with `power_cut_trace.c` before the C library, which writes down what they do to the
files below a folder. From any start of that trace a `Disk` then makes the folders that a cut at
that moment may leave:

* What a flush of a file vouches for (all that was written before it began, once it has ended) is
  there. Of what was written since, each sector is the old or the new one, and so is the size.
* A name is there once its folder was flushed. Of what happened to the names of a folder since, the
  first so many changes are there. That is less than ext4 promises, and all that POSIX does.

What is shared memory (`-shm` of SQLite) ends with the processes.
"""

from __future__ import annotations

import os
import random
import struct
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

SOURCE = Path(__file__).with_name("power_cut_trace.c")
SECTOR_BYTES = 512
_EVENT = struct.Struct("4sIQqq")
_MEMORY = "-shm"


class Survives(Enum):
    """What of the changes that were not flushed a cut leaves."""

    NOTHING = "nothing"
    SOME = "some"
    ALL = "all"


def built(folder: Path) -> Path:
    """Compile what is loaded before the C library."""
    library = folder / "power_cut_trace.so"
    command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", str(library), str(SOURCE)]
    subprocess.run(command, check=True)
    return library


def traced(library: Path, folder: Path, trace: Path) -> dict[str, str]:
    """Give the environment in which a process is traced, below a folder."""
    told = {"POWER_CUT_ROOT": str(folder.resolve()), "POWER_CUT_TRACE": str(trace)}
    return {**os.environ, "LD_PRELOAD": str(library), **told}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done to a file or a folder.

    Attributes:
        kind: as in `power_cut_trace.c`.
        file: its inode.
        first: offset (-1 for the end), size or flags.
        second: length, or the thread that flushes.
        more: bytes that were written, or names.
    """

    kind: str
    file: int
    first: int
    second: int
    more: bytes


def events_of(trace: Path) -> list[Event]:
    """Read a trace; who was killed may have left its last event half written."""
    content, at, events = trace.read_bytes(), 0, []
    while at + _EVENT.size <= len(content):
        kind, length, file, first, second = _EVENT.unpack_from(content, at)
        at += _EVENT.size
        if at + length <= len(content):
            more = content[at : at + length]
            events.append(Event(kind.decode(), file, first, second, more))
        at += length
    return events


@dataclass(slots=True, eq=False)
class _File:
    """What is flushed of a file, and what was done since."""

    flushed: bytearray = field(default_factory=bytearray)
    changes: list[Event] = field(default_factory=list)
    done: int = 0  # changes that were flushed, ever

    def note(self, event: Event) -> None:
        self.changes.append(event)

    @property
    def noted(self) -> int:
        return self.done + len(self.changes)

    def flush(self, until: int) -> None:
        """Take what was done before a flush began as durable."""
        count = max(0, until - self.done)
        for event in self.changes[:count]:
            _apply(event, self.flushed)
        del self.changes[:count]
        self.done += count

    def content(self, survives: Survives, chance: random.Random) -> bytes:
        newest = bytearray(self.flushed)
        if survives is not Survives.NOTHING:
            for event in self.changes:
                _apply(event, newest)
        if survives is not Survives.SOME or newest == self.flushed:
            return bytes(newest)
        size = chance.choice((len(self.flushed), len(newest)))
        mixed = bytearray(self.flushed[:size].ljust(size, b"\0"))
        share = chance.random()
        for at in range(0, size, SECTOR_BYTES):
            end = min(size, at + SECTOR_BYTES)
            if newest[at:end] != mixed[at:end] and chance.random() < share:
                mixed[at:end] = newest[at:end].ljust(end - at, b"\0")
        return bytes(mixed)


@dataclass(slots=True, eq=False)
class _Folder:
    """The names in a folder that are flushed, those there are, and what was done to them since."""

    flushed: dict[str, _File | _Folder] = field(default_factory=dict)
    names: dict[str, _File | _Folder] = field(default_factory=dict)
    changes: list[Mapping[str, _File | _Folder | None]] = field(default_factory=list)
    done: int = 0

    def note(self, change: Mapping[str, _File | _Folder | None]) -> None:
        self.changes.append(change)
        _rename(change, self.names)

    @property
    def noted(self) -> int:
        return self.done + len(self.changes)

    def flush(self, until: int) -> None:
        count = max(0, until - self.done)
        for change in self.changes[:count]:
            _rename(change, self.flushed)
        del self.changes[:count]
        self.done += count

    def left(self, survives: Survives, chance: random.Random) -> dict[str, _File | _Folder]:
        left = dict(self.flushed)
        counts = {Survives.NOTHING: 0, Survives.ALL: len(self.changes)}
        count = counts.get(survives, chance.randint(0, len(self.changes)))
        for change in self.changes[:count]:
            _rename(change, left)
        return left


def _apply(event: Event, content: bytearray) -> None:
    if event.kind == "TRUN":
        del content[event.first :]
        content.extend(bytes(event.first - len(content)))
        return
    begin = len(content) if event.first < 0 else event.first
    end = begin + (event.second if event.kind == "ALLO" else len(event.more))
    content.extend(bytes(max(0, end - len(content))))
    if event.kind == "WRIT":
        content[begin:end] = event.more


def _rename(
    change: Mapping[str, _File | _Folder | None], names: dict[str, _File | _Folder]
) -> None:
    for name, what in change.items():
        if what is None:
            names.pop(name, None)
        else:
            names[name] = what


class Disk:
    """A folder as its trace tells it, up to some moment; begun with what is there and flushed.

    Attributes:
        lies_about: ends of names of files whose flushes do nothing, for tests of a test.
    """

    def __init__(self, folder: Path) -> None:
        """Take a folder that will be traced, as it is now, for flushed."""
        self.lies_about: tuple[str, ...] = ()
        self._root = str(folder.resolve())
        self._known: dict[int, _File | _Folder] = {}
        self._flushes: dict[int, tuple[_File | _Folder, int]] = {}
        self._top = self._found(folder)

    def _found(self, folder: Path) -> _Folder:
        found = _Folder()
        self._known[folder.stat().st_ino] = found
        for path in folder.iterdir():
            if path.is_dir():
                found.flushed[path.name] = self._found(path)
            elif not path.name.endswith(_MEMORY):
                file = self._known[path.stat().st_ino] = _File(bytearray(path.read_bytes()))
                found.flushed[path.name] = file
        found.names.update(found.flushed)
        return found

    def note(self, event: Event) -> None:
        """Go on by one event."""
        if event.kind in {"WRIT", "TRUN", "ALLO"}:
            file = self._known[event.file]
            assert isinstance(file, _File)
            file.note(event)
        elif event.kind == "FLUS":
            what = self._known[event.file]
            self._flushes[event.second] = what, what.noted
        elif event.kind == "DONE":
            what, until = self._flushes.pop(event.second)
            if not (self.lies_about and self._is_lied_about(what)):
                what.flush(until)
        else:
            self._note_names(event)

    def _note_names(self, event: Event) -> None:
        path, _, target = event.more.decode().partition("\0")
        folder, name = self._place(path)
        if event.kind == "OPEN":
            known = folder.names.get(name)
            if known is None:
                # The inode may be that of a file that is gone.
                known = self._known[event.file] = _File()
                folder.note({name: known})
            if event.first:
                assert isinstance(known, _File)
                known.note(Event("TRUN", event.file, 0, 0, b""))
        elif event.kind == "FOLD":
            made = self._known[event.file] = _Folder()
            folder.note({name: made})
        elif event.kind == "GONE":
            folder.note({name: None})
        else:
            assert event.kind == "NAME"
            into, other = self._place(target)
            assert into is folder, "a rename between folders is not modelled"
            folder.note({other: folder.names[name], name: None})

    def _place(self, path: str) -> tuple[_Folder, str]:
        assert path.startswith(self._root + "/")
        *folders, name = path.removeprefix(self._root + "/").split("/")
        at = self._top
        for each in folders:
            found = at.names[each]
            assert isinstance(found, _Folder)
            at = found
        return at, name

    def _is_lied_about(self, what: _File | _Folder) -> bool:
        return isinstance(what, _File) and any(
            name.endswith(self.lies_about) for name, each in self._all(self._top) if each is what
        )

    def _all(self, folder: _Folder) -> Iterator[tuple[str, _File | _Folder]]:
        for name, each in folder.names.items():
            yield name, each
            if isinstance(each, _Folder):
                yield from self._all(each)

    def read(self, path: str) -> bytes | None:
        """Give what whoever reads a file now finds in it; None if there is none."""
        folder: _File | _Folder | None = self._top
        for name in path.split("/"):
            folder = folder.names.get(name) if isinstance(folder, _Folder) else None
        if not isinstance(folder, _File):
            return None
        return folder.content(Survives.ALL, random.Random(0))

    def leave(self, target: Path, survives: Survives, chance: random.Random) -> None:
        """Write down what a cut now leaves, into a new folder."""
        self._write(self._top, target, survives, chance)

    def _write(
        self, folder: _Folder, target: Path, survives: Survives, chance: random.Random
    ) -> None:
        target.mkdir()
        for name, what in folder.left(survives, chance).items():
            if isinstance(what, _Folder):
                self._write(what, target / name, survives, chance)
            elif not name.endswith(_MEMORY):
                (target / name).write_bytes(what.content(survives, chance))

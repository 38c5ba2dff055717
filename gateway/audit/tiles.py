"""The tree on disk, in the tiles of C2SP tlog-tiles.

    tile/<L>/<N>            256 hashes of level 8 * L, 8,192 bytes
    tile/<L>/<N>.p/<W>      the first W of them, while there are no more

`<N>` is written `x001/x234/067`. A tile is written once: the temporary file is flushed, renamed,
and its directory flushed. The same bytes again are accepted, others refused: a tile that changes
means two histories. Partial tiles go when the full tile is there.
"""

import contextlib
import os
from pathlib import Path

from gateway.audit.disk import Disk
from gateway.audit.errors import TileError
from gateway.audit.merkle import HASH_BYTES, Frontier, node_hash, root_of

TILE_WIDTH = 256
TILE_LEVELS = 8  # levels of the tree in one tile
TILE_FOLDER = "tile"


def tile_path(directory: Path, level: int, number: int, width: int = TILE_WIDTH) -> Path:
    """Name the file of a tile; `width` below 256 names the partial tile."""
    return directory / _tile_name(level, number, width)


def _tile_name(level: int, number: int, width: int = TILE_WIDTH) -> str:
    """Say where a tile is within the log."""
    name = f"{number % 1000:03d}"
    while number := number // 1000:
        name = f"x{number % 1000:03d}/{name}"
    end = "" if width == TILE_WIDTH else f".p/{width}"
    return f"{TILE_FOLDER}/{level}/{name}{end}"


def tile_shape(size: int) -> list[tuple[int, int, int]]:
    """List the rightmost tile of each level of a tree as (level, number, width); width 0 is none.

    Level by level from 0, as long as there is a hash on the level.
    """
    shape: list[tuple[int, int, int]] = []
    level = 0
    while level == 0 or size:
        shape.append((level, size // TILE_WIDTH, size % TILE_WIDTH))
        size //= TILE_WIDTH
        level += 1
    return shape


def read_tile(directory: Path, level: int, number: int, width: int) -> list[bytes]:
    """Read the first `width` hashes of a tile, from the full tile if it exists.

    Raises:
        TileError: There is no such tile, or it has another length.
    """
    for candidate in dict.fromkeys((TILE_WIDTH, width)):
        path = tile_path(directory, level, number, candidate)
        with contextlib.suppress(FileNotFoundError):
            content = path.read_bytes()
            if len(content) != candidate * HASH_BYTES:
                raise TileError(f"tile: `{path}` has {len(content)} bytes")
            return [content[at : at + HASH_BYTES] for at in range(0, width * HASH_BYTES, 32)]
    raise TileError(f"tile: no tile {level}/{number} with {width} hashes in `{directory}`")


class TileReader:
    """Gives the hash of any complete subtree from the tiles of a log of a known size."""

    def __init__(self, directory: Path, size: int) -> None:
        self._directory = directory
        self._size = size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def node(self, level: int, index: int) -> bytes:
        """Return the hash over the 2**level leaves from `index * 2**level` on."""
        tile_level, within = divmod(level, TILE_LEVELS)
        first = index << within
        number, offset = divmod(first, TILE_WIDTH)
        hashes = self._tile(tile_level, number)[offset : offset + (1 << within)]
        if len(hashes) != 1 << within:
            raise TileError(f"tile: {tile_level}/{number} is too short for level {level}")
        while len(hashes) > 1:
            pairs = range(0, len(hashes), 2)
            hashes = [node_hash(hashes[at], hashes[at + 1]) for at in pairs]
        return hashes[0]

    def _tile(self, level: int, number: int) -> list[bytes]:
        tile = self._tiles.get((level, number))
        if tile is None:
            on_level = self._size >> (TILE_LEVELS * level)
            width = min(TILE_WIDTH, on_level - number * TILE_WIDTH)
            if width <= 0:
                raise TileError(f"tile: {level}/{number} is beyond a tree of {self._size}")
            tile = read_tile(self._directory, level, number, width)
            self._tiles[level, number] = tile
        return tile


class TileTree:
    """The growing tree: leaves are added in memory, then written as tiles.

    For one thread, and one process at a time.
    """

    def __init__(self, directory: Path, disk: Disk, size: int = 0) -> None:
        """Load the right edge of a tree of `size` leaves from its tiles; raises TileError."""
        # As text: making a path costs more than anything that is done with it.
        self._directory = str(directory)
        self._disk = disk
        # The hashes of the rightmost, unfinished tile of each level.
        self._edge: list[list[bytes]] = []
        self._full: list[tuple[int, int, list[bytes]]] = []
        self._written_widths: dict[int, tuple[int, int]] = {}
        peaks: list[bytes] = []
        for level, number, width in tile_shape(size):
            hashes = read_tile(directory, level, number, width) if width else []
            self._edge.append(hashes)
            self._written_widths[level] = (number, width)
            peaks = _peaks_of(hashes) + peaks
        self._frontier = Frontier(size, peaks)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._frontier.size

    def root(self) -> bytes:
        """Return the root of all leaves."""
        return self._frontier.root()

    def edge(self) -> list[bytes]:
        """Return the newest leaf hashes, those not yet in a full tile."""
        return list(self._edge[0])

    def extend(self, leaves: list[bytes]) -> None:
        """Add leaf hashes; nothing is written yet."""
        frontier = self._frontier
        at = 0
        while at < len(leaves):
            edge = self._edge[0]
            part = leaves[at : at + TILE_WIDTH - len(edge)]
            number = frontier.size // TILE_WIDTH
            frontier.extend(part)
            edge += part
            at += len(part)
            if len(edge) == TILE_WIDTH:
                self._full.append((0, number, edge))
                self._edge[0] = []
                for level, node in frontier.risen:
                    self._raise(level, node)
                frontier.risen.clear()

    def write(self) -> None:
        """Write every tile that changed, durably, then remove partial tiles that became full.

        May be repeated after a crash at any point: tiles depend on the leaves alone.

        Raises:
            TileError: A tile is there already with other content.
            OSError: The disk failed.
        """
        directories: set[str] = set()
        for level, number, hashes in self._full:
            self._write_once(level, number, hashes, directories)
        for level, hashes in enumerate(self._edge):
            number = (self.size >> (TILE_LEVELS * level)) // TILE_WIDTH
            if hashes and self._written_widths.get(level) != (number, len(hashes)):
                self._write_once(level, number, hashes, directories)
                self._written_widths[level] = (number, len(hashes))
        for directory in sorted(directories):
            self._disk.flush_directory(directory)
        for level, number, _ in self._full:
            self._remove_partial(level, number)
        self._full.clear()

    def _raise(self, level: int, node: bytes) -> None:
        if level == len(self._edge):
            self._edge.append([])
        edge = self._edge[level]
        edge.append(node)
        if len(edge) == TILE_WIDTH:
            number = (self.size >> (TILE_LEVELS * level)) // TILE_WIDTH - 1
            self._full.append((level, number, edge))
            self._edge[level] = []

    def _write_once(
        self, level: int, number: int, hashes: list[bytes], directories: set[str]
    ) -> None:
        path = f"{self._directory}/{_tile_name(level, number, len(hashes))}"
        folder, content = path[: path.rindex("/")], b"".join(hashes)
        there = _content(path)
        if there is None:
            self._write(folder, path, content, directories)
        elif there != content:
            raise TileError(f"tile: `{path}` is there already, with another content")
        # If it was there, perhaps just before a crash: its name may not be durable yet.
        directories.add(folder)

    def _write(self, folder: str, path: str, content: bytes, directories: set[str]) -> None:
        temporary = f"{path}.new"
        try:
            self._disk.write_file(temporary, content)
        except FileNotFoundError:
            self._make_directory(Path(folder), directories)
            self._disk.write_file(temporary, content)
        self._disk.rename(temporary, path)

    def _make_directory(self, directory: Path, directories: set[str]) -> None:
        if not directory.is_dir():
            self._make_directory(directory.parent, directories)
            directory.mkdir(exist_ok=True)
            directories.add(str(directory.parent))

    def _remove_partial(self, level: int, number: int) -> None:
        folder = f"{self._directory}/{_tile_name(level, number)}.p"
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as partial:
            for each in list(partial):
                Path(each.path).unlink(missing_ok=True)
            Path(folder).rmdir()


def _content(path: str) -> bytes | None:
    """Read a file that is mostly not there."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read()


def _peaks_of(hashes: list[bytes]) -> list[bytes]:
    """Return the roots of the complete subtrees over part of a tile, largest first."""
    peaks: list[bytes] = []
    at = 0
    for level in range(TILE_LEVELS - 1, -1, -1):
        if len(hashes) & (1 << level):
            peaks.append(root_of(hashes[at : at + (1 << level)]))
            at += 1 << level
    return peaks

"""Compares the tiles on disk with the hashes recomputed from the entries."""

from collections.abc import Callable
from pathlib import Path

from gateway.audit.errors import TileError
from gateway.audit.merkle import Frontier
from gateway.audit.tiles import TILE_LEVELS, TILE_WIDTH, TileReader, read_tile

# Beyond this many different leaves the list of them tells no more.
_MAX_CHANGED = 10_000


class TileCheck:
    """Takes leaf hashes in order, and reports tiles that are missing or say otherwise.

    Attributes:
        changed: Of each entry whose leaf differs from its tile: (recomputed, in the tile).
        complete: Whether every tile could be read.
    """

    def __init__(self, directory: Path, size: int, fault: Callable[[str, str], None]) -> None:
        """Check the tiles of the first `size` leaves."""
        self.changed: dict[int, tuple[bytes, bytes]] = {}
        self.complete = True
        self._directory = directory
        self._size = size
        self._fault = fault
        self._index = 0
        self._tile: list[bytes] = []
        self._reader = TileReader(directory, size)

    def add(self, leaf: bytes) -> None:
        """Compare the next leaf."""
        index = self._index
        if index >= self._size:
            return
        offset = index % TILE_WIDTH
        if offset == 0:
            self._turn()
        self._index = index + 1
        if self._tile and self._tile[offset] != leaf and len(self.changed) < _MAX_CHANGED:
            self.changed[index] = leaf, self._tile[offset]

    def leaf(self, index: int) -> bytes | None:
        """Return a leaf as the tiles have it; None if there is none."""
        if index >= self._size:
            return None
        number, offset = divmod(index, TILE_WIDTH)
        try:
            return read_tile(self._directory, 0, number, offset + 1)[offset]
        except TileError:
            try:
                return read_tile(self._directory, 0, number, self._width(0, number))[offset]
            except TileError:
                return None

    def skip(self) -> None:
        """Pass over a leaf whose entry is missing."""
        if self._index < self._size:
            if self._index % TILE_WIDTH == 0:
                self._turn()
            self._index += 1

    def node(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree as the tiles have it."""
        return self._reader.node(level, index)

    def finish(self, risen: list[tuple[int, bytes]]) -> None:
        """Check the tiles above level 0, once all leaves are there.

        Args:
            risen: The nodes of those levels as recomputed from the entries. Where entries and tiles
                differ, the tiles below are taken instead: each tile is judged by those below it.
        """
        nodes: dict[int, list[bytes]] = {}
        for level, node in self._risen_from_tiles() if self.changed else risen:
            nodes.setdefault(level, []).append(node)
        level = 1
        while (count := self._size >> (TILE_LEVELS * level)) > 0:
            expected = nodes.get(level, [])
            for number in range((count + TILE_WIDTH - 1) // TILE_WIDTH):
                stored = self._read(level, number)
                start = number * TILE_WIDTH
                if stored and stored != expected[start : start + len(stored)]:
                    self._fault(f"tile {level}/{number}", "not the hashes of the tiles below")
            level += 1

    def _turn(self) -> None:
        number = self._index // TILE_WIDTH
        self._tile = self._read(0, number)

    def _risen_from_tiles(self) -> list[tuple[int, bytes]]:
        frontier = Frontier()
        for number in range(self._size // TILE_WIDTH):
            frontier.extend(self._read(0, number) or [bytes(32)] * TILE_WIDTH)
        return frontier.risen

    def _read(self, level: int, number: int) -> list[bytes]:
        try:
            return read_tile(self._directory, level, number, self._width(level, number))
        except TileError as error:
            self.complete = False
            self._fault(f"tile {level}/{number}", str(error))
            return []

    def _width(self, level: int, number: int) -> int:
        return min(TILE_WIDTH, (self._size >> (TILE_LEVELS * level)) - number * TILE_WIDTH)

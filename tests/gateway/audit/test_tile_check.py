"""The check of tiles against recomputed hashes names what differs."""

from pathlib import Path

import pytest

from gateway.audit.disk import Disk
from gateway.audit.merkle import Frontier, leaf_hash
from gateway.audit.tile_check import TileCheck
from gateway.audit.tiles import TileTree

SIZE = 600


def leaves_of(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


def checked(directory: Path, leaves: list[bytes]) -> tuple[TileCheck, list[str]]:
    found: list[str] = []
    check = TileCheck(directory, SIZE, lambda where, what: found.append(f"{where}: {what}"))
    frontier = Frontier()
    for leaf in leaves:
        check.add(leaf)
        frontier.append(leaf)
    check.finish(frontier.risen)
    return check, found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    tree = TileTree(tmp_path, Disk())
    tree.extend(leaves_of(SIZE))
    tree.write()
    return tmp_path


def test_tiles_of_the_same_leaves_are_right(log: Path) -> None:
    check, found = checked(log, leaves_of(SIZE))

    assert (found, check.changed, check.complete) == ([], {}, True)


def test_leaves_beyond_the_sealed_size_are_not_compared(log: Path) -> None:
    assert checked(log, leaves_of(SIZE + 5))[1] == []


def test_a_leaf_that_differs_is_kept_with_both_hashes(log: Path) -> None:
    leaves = leaves_of(SIZE)
    leaves[300] = leaf_hash(b"other")
    check, found = checked(log, leaves)

    assert check.changed == {300: (leaf_hash(b"other"), leaf_hash(b"300"))}
    assert found == []


def test_a_wrong_tile_above_is_judged_by_the_tiles_below(log: Path) -> None:
    path = log / "tile/1/000.p/2"
    path.write_bytes(bytes(64))

    assert checked(log, leaves_of(SIZE))[1] == ["tile 1/0: not the hashes of the tiles below"]


def test_a_missing_tile_is_named_once(log: Path) -> None:
    (log / "tile/0/001").unlink()
    check, found = checked(log, leaves_of(SIZE))

    assert [fault.split(":")[0] for fault in found] == ["tile 0/1"]
    assert not check.complete


def test_the_leaf_of_a_missing_entry_comes_from_its_tile(log: Path) -> None:
    check = TileCheck(log, SIZE, lambda *_: None)

    assert check.leaf(599) == leaf_hash(b"599")
    assert check.leaf(0) == leaf_hash(b"0")
    assert check.leaf(600) is None

"""Tiles on disk are the tree, are written once, and survive a crash between any two steps."""

from pathlib import Path

import pytest

from gateway.audit.disk import Disk
from gateway.audit.errors import TileError
from gateway.audit.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from gateway.audit.tiles import TileReader, TileTree, read_tile, tile_path
from tests.doubles.faulty_disk import FaultyDisk


def leaves_of(count: int, start: int = 0) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(start, start + count)]


def grown(directory: Path, *steps: int) -> TileTree:
    tree = TileTree(directory, Disk())
    size = 0
    for step in steps:
        tree.extend(leaves_of(step, size))
        tree.write()
        size += step
    return tree


def files(directory: Path) -> dict[str, int]:
    return {
        path.relative_to(directory).as_posix(): path.stat().st_size
        for path in directory.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("number", "width", "name"),
    [
        (0, 256, "tile/0/000"),
        (5, 3, "tile/0/005.p/3"),
        (1_234_067, 256, "tile/0/x001/x234/067"),
        (1_234_067, 8, "tile/0/x001/x234/067.p/8"),
    ],
)
def test_paths_are_those_of_the_public_format(number: int, width: int, name: str) -> None:
    assert tile_path(Path(), 0, number, width).as_posix() == name


@pytest.mark.parametrize("steps", [(1,), (255,), (256,), (257,), (300, 300), (70_000,), (65_536,)])
def test_the_tree_on_disk_has_the_root_of_its_leaves(
    tmp_path: Path, steps: tuple[int, ...]
) -> None:
    size = sum(steps)
    tree = grown(tmp_path, *steps)

    assert tree.root() == root_of(leaves_of(size))
    assert tree_root(size, TileReader(tmp_path, size).node) == tree.root()
    assert TileTree(tmp_path, Disk(), size).root() == tree.root()


def test_only_the_tiles_of_the_format_are_there(tmp_path: Path) -> None:
    grown(tmp_path, 100, 200, 300)

    assert files(tmp_path) == {
        "tile/0/000": 8192,
        "tile/0/001": 8192,
        "tile/0/002.p/88": 88 * 32,
        "tile/1/000.p/1": 32,
        "tile/1/000.p/2": 64,
    }


def test_a_tree_read_back_at_any_size_grows_to_the_same(tmp_path: Path) -> None:
    for size in (0, 1, 255, 256, 257, 511, 512, 600):
        directory = tmp_path / str(size)
        grown(directory, size)
        tree = TileTree(directory, Disk(), size)
        tree.extend(leaves_of(700, size))
        tree.write()

        assert tree.root() == root_of(leaves_of(size + 700)), size


def test_proofs_from_tiles_verify(tmp_path: Path) -> None:
    size = 66_000
    leaves = leaves_of(size)
    grown(tmp_path, size)
    node = TileReader(tmp_path, size).node
    root = root_of(leaves)

    for index in (0, 255, 256, 65_535, 65_536, size - 1):
        proof = inclusion_proof(index, size, node)
        verify_inclusion(leaf=leaves[index], index=index, size=size, proof=proof, root=root)
    for old in (1, 256, 300, 65_536, 65_999):
        verify_consistency(
            old_size=old,
            size=size,
            proof=consistency_proof(old, size, node),
            old_root=root_of(leaves[:old]),
            root=root,
        )


def test_the_same_tile_again_is_accepted_another_is_not(tmp_path: Path) -> None:
    grown(tmp_path, 10)
    grown(tmp_path, 10)
    other = TileTree(tmp_path, Disk())
    other.extend(leaves_of(10, 1))

    with pytest.raises(TileError, match="with another content"):
        other.write()


def test_a_crash_at_any_operation_leaves_a_tree_that_goes_on(tmp_path: Path) -> None:
    """Fail the Nth disk operation, N = 1 to the end; the next start is from what was signed."""
    nth, failed = 0, True
    while failed:
        nth += 1
        directory = tmp_path / str(nth)
        grown(directory, 250)
        failed = False
        for operation in ("write", "flush", "rename", "flush_directory"):
            tree = TileTree(directory, FaultyDisk(operation, nth), 250)
            tree.extend(leaves_of(300, 250))
            try:
                tree.write()
            except OSError:
                failed = True
        again = TileTree(directory, Disk(), 250)
        again.extend(leaves_of(300, 250))
        again.write()

        assert again.root() == root_of(leaves_of(550))
        assert tree_root(550, TileReader(directory, 550).node) == again.root()
        assert not any(".new" in name for name in files(directory))
    assert nth > 3


def test_names_of_new_tiles_and_of_new_folders_are_made_durable(tmp_path: Path) -> None:
    flushed: list[str] = []

    class NotingDisk(Disk):
        def flush_directory(self, directory: Path | str) -> None:
            super().flush_directory(directory)
            flushed.append(Path(directory).relative_to(tmp_path).as_posix())

    tree = TileTree(tmp_path, NotingDisk())
    steps = {
        10: [".", "tile", "tile/0", "tile/0/000.p"],
        20: ["tile/0/000.p"],
        300: ["tile", "tile/0", "tile/0/001.p", "tile/1", "tile/1/000.p"],
    }
    for size, folders in steps.items():
        tree.extend(leaves_of(size - tree.size, tree.size))
        tree.write()
        assert flushed == folders, size
        flushed.clear()
    # What is there already may have got its name just before a crash.
    again = TileTree(tmp_path, NotingDisk())
    again.extend(leaves_of(300))
    again.write()
    assert flushed == ["tile/0", "tile/0/001.p", "tile/1/000.p"]


def test_a_thousand_tiles_share_a_folder(tmp_path: Path) -> None:
    size = 1_000 * 256
    for level, number, width in ((1, 3, 232), (2, 0, 3)):
        path = tile_path(tmp_path, level, number, width)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"".join(leaves_of(width)))
    tree = TileTree(tmp_path, Disk(), size)
    tree.extend(leaves_of(5))
    tree.write()
    assert "tile/0/x001/000.p/5" in files(tmp_path)
    tree.extend(leaves_of(251, 5))
    tree.write()

    assert files(tmp_path) == {
        "tile/0/x001/000": 8192,
        "tile/1/003.p/232": 232 * 32,
        "tile/1/003.p/233": 233 * 32,
        "tile/2/000.p/3": 96,
    }
    assert read_tile(tmp_path, 0, 1_000, 256) == leaves_of(256)


def test_what_can_not_be_read_is_not_written_over(tmp_path: Path) -> None:
    path = tile_path(tmp_path, 0, 0, 10)
    path.mkdir(parents=True)
    tree = TileTree(tmp_path, Disk())
    tree.extend(leaves_of(10))

    with pytest.raises(OSError, match="directory"):
        tree.write()
    assert list(path.parent.iterdir()) == [path]


def test_partial_tiles_go_when_the_tile_is_full(tmp_path: Path) -> None:
    tree = grown(tmp_path, *[1] * 20)
    assert len(list((tmp_path / "tile/0/000.p").iterdir())) == 20
    tree.extend(leaves_of(236, 20))
    tree.write()

    assert not (tmp_path / "tile/0/000.p").exists()
    assert read_tile(tmp_path, 0, 0, 7) == leaves_of(7)


def test_a_missing_or_cut_tile_is_said_to_be_so(tmp_path: Path) -> None:
    grown(tmp_path, 300)
    (tmp_path / "tile/0/000").write_bytes(b"x" * 8191)

    with pytest.raises(TileError, match="8191 bytes"):
        TileReader(tmp_path, 300).node(0, 0)
    with pytest.raises(TileError, match="no tile 0/1 with 45 hashes"):
        read_tile(tmp_path, 0, 1, 45)
    with pytest.raises(TileError, match="beyond a tree of 300"):
        TileReader(tmp_path, 300).node(0, 600)

"""A whole file appears at once, or not at all."""

import errno
from pathlib import Path

import pytest

from gateway.audit.disk import Disk
from tests.doubles.faulty_disk import FaultyDisk


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    (tmp_path / "head").write_bytes(b"old and long")
    Disk().replace_file(tmp_path / "head", b"new")

    assert (tmp_path / "head").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["head"]


def test_a_file_may_be_named_by_text_too(tmp_path: Path) -> None:
    Disk().write_file(f"{tmp_path}/head.new", b"new")
    Disk().rename(f"{tmp_path}/head.new", f"{tmp_path}/head")
    Disk().flush_directory(str(tmp_path))

    assert (tmp_path / "head").read_bytes() == b"new"
    with pytest.raises(OSError, match="No space"):
        FaultyDisk("flush", code=errno.ENOSPC).write_file(f"{tmp_path}/half", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["head"]


@pytest.mark.parametrize("operation", ["write", "flush", "rename"])
def test_a_failure_leaves_the_old_file(tmp_path: Path, operation: str) -> None:
    (tmp_path / "head").write_bytes(b"old")

    with pytest.raises(OSError, match="No space"):
        FaultyDisk(operation, code=errno.ENOSPC).replace_file(tmp_path / "head", b"new")
    assert (tmp_path / "head").read_bytes() == b"old"


def test_a_name_is_durable_only_after_its_directory_was_flushed(tmp_path: Path) -> None:
    disk = FaultyDisk()
    disk.replace_file(tmp_path / "head", b"new")

    assert disk.calls == {"write": 1, "flush": 1, "rename": 1, "flush_directory": 1}


def test_a_directory_and_those_above_it_have_durable_names(tmp_path: Path) -> None:
    disk = NotingDisk()
    disk.make_directory(tmp_path / "state" / "record" / "journal")

    assert (tmp_path / "state" / "record" / "journal").is_dir()
    assert disk.flushed == [tmp_path, tmp_path / "state", tmp_path / "state" / "record"]


def test_the_name_of_a_directory_that_another_made_is_flushed_too(tmp_path: Path) -> None:
    """It may have done no more than make it."""
    (tmp_path / "journal").mkdir()
    disk = NotingDisk()
    disk.make_directory(tmp_path / "journal")

    assert disk.flushed == [tmp_path]


class NotingDisk(Disk):
    """Notes which directories were flushed."""

    def __init__(self) -> None:
        self.flushed: list[Path] = []

    def flush_directory(self, directory: Path | str) -> None:
        super().flush_directory(directory)
        self.flushed.append(Path(directory))


def test_free_space_is_what_the_file_system_says(tmp_path: Path) -> None:
    assert Disk().free_bytes(tmp_path) > 0

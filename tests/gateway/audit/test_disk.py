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


def test_free_space_is_what_the_file_system_says(tmp_path: Path) -> None:
    assert Disk().free_bytes(tmp_path) > 0

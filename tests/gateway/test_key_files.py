"""Files of one owner: created whole, once."""

from pathlib import Path

from gateway.key_files import create, read_private


def test_whoever_is_second_keeps_the_file_of_the_first(tmp_path: Path) -> None:
    create(tmp_path / "a.key", b"first")
    create(tmp_path / "a.key", b"second")

    assert read_private(tmp_path / "a.key") == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["a.key"]


def test_a_created_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    create(tmp_path / "a.key", b"x")

    assert (tmp_path / "a.key").stat().st_mode & 0o777 == 0o600

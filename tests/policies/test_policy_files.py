"""Policy files as a value: files and database are two views of one thing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from policies.errors import PolicyError, PolicyFileError
from policies.policy_files import PolicyFiles
from tests.policies.people import LIBRARY, cheshire, copied_set

if TYPE_CHECKING:
    from pathlib import Path

BASE = "../../../../policies/library/shared-services/"


def test_the_round_trip_over_the_stored_text_is_exact(tmp_path: Path) -> None:
    files = PolicyFiles.read(LIBRARY)
    again = PolicyFiles.from_json(files.to_json())
    place = again.write(tmp_path)

    assert again == files
    assert PolicyFiles.read(place) == files
    for name in files.texts:
        assert (place / name).read_bytes() == (LIBRARY / name).read_bytes()


def test_line_ends_and_the_last_byte_are_kept(tmp_path: Path) -> None:
    directory = copied_set(tmp_path)
    rules = directory / "rules.toml"
    rules.write_bytes(b"# caf\xc3\xa9\r\n" + rules.read_bytes().rstrip())
    files = PolicyFiles.from_json(PolicyFiles.read(directory).to_json())

    written = files.write(tmp_path / "elsewhere") / "rules.toml"
    assert written.read_bytes() == rules.read_bytes()


def test_what_is_stored_loads_to_the_same_policy_set() -> None:
    loaded = PolicyFiles.from_json(PolicyFiles.read(LIBRARY).to_json()).load()

    assert loaded.digest == cheshire().digest
    assert loaded.rules == cheshire().rules


def test_what_a_file_is_based_on_is_taken_along() -> None:
    assert f"{BASE}rules.toml" in PolicyFiles.read(LIBRARY).texts


def test_a_file_beside_the_set_never_takes_the_place_of_one_of_its_own(tmp_path: Path) -> None:
    """Wherever a set is written, its folder has a name that nothing beside it has."""
    shared = tmp_path / "policy"
    copied_set(tmp_path).rename(tmp_path / "ours")
    directory = tmp_path / "ours"
    (tmp_path / "policies" / "library" / "shared-services").rename(shared)
    for name in ("rules.toml", "catalogue.toml"):
        text = (directory / name).read_text()
        (directory / name).write_text(text.replace(BASE, "../policy/"))
    files = PolicyFiles.read(directory)

    assert "../policy/rules.toml" in files.texts
    assert files.load().digest == cheshire().digest


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "x/../../../../etc/passwd", "..\\..\\x", "../" * 9 + "x"],
)
def test_a_stored_name_never_leads_out_of_where_it_is_written(name: str) -> None:
    texts = {**PolicyFiles.read(LIBRARY).texts, name: "x = 1"}

    with pytest.raises(PolicyError, match="not a name from the folder"):
        PolicyFiles.from_json(json.dumps(texts))


@pytest.mark.parametrize("text", ["", "[]", "null", '{"rules.toml": 3}', "{"])
def test_what_is_stored_broken_is_refused(text: str) -> None:
    with pytest.raises(PolicyError):
        PolicyFiles.from_json(text)


def test_a_set_without_one_of_its_files_is_refused(tmp_path: Path) -> None:
    texts = dict(PolicyFiles.read(LIBRARY).texts)
    del texts["agreements.toml"]
    with pytest.raises(PolicyError, match=r"agreements\.toml is missing"):
        PolicyFiles.from_json(json.dumps(texts))

    directory = copied_set(tmp_path)
    (directory / "agreements.toml").unlink()
    with pytest.raises(PolicyFileError, match=r"agreements\.toml"):
        PolicyFiles.read(directory)

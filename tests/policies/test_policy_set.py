"""Policy sets: loaded whole or not at all, and known by what they mean."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from policies.errors import PolicyFileError
from policies.policy_set import FILES, _digest, canonical_bytes, load_policy_set
from tests.policies.people import HOST, LIBRARY, cheshire, copied_set
from vetting.levels import LevelId

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, Callable[[str], str]], Path]:
    """A copy of the shipped policy set, in which a file can be changed."""
    directory = copied_set(tmp_path)

    def edit(name: str, change: Callable[[str], str]) -> Path:
        path = directory / name
        before = path.read_text(encoding="utf-8")
        after = change(before)
        assert after != before
        path.write_text(after, encoding="utf-8")
        return directory

    return edit


def test_the_shipped_set_loads_with_its_host_and_digest() -> None:
    shipped = cheshire()

    assert shipped.host.id == HOST
    assert re.fullmatch(r"[0-9a-f]{64}", shipped.digest)
    assert shipped.digest == load_policy_set(LIBRARY).digest


def test_the_digest_ignores_how_a_file_is_written(
    edited: Callable[[str, Callable[[str], str]], Path],
) -> None:
    directory = edited("rules.toml", lambda text: "# a remark\n\n" + text.replace(" = ", "  =  "))

    assert load_policy_set(directory).digest == cheshire().digest


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("rules.toml", 'post = ["estates"]', 'post = ["buildings"]'),
        ("agreements.toml", "start = 2018-04-01", "start = 2018-04-02"),
        ("agreements.toml", 'status = "in-force"', 'status = "suspended"'),
        ("organisations.toml", 'name = "Cheshire Constabulary"', 'name = "Cheshire Police"'),
        ("catalogue.toml", 'toml"\n', 'toml"\n[[change]]\nid = "hr.me"\nfloor = "MV"\n'),
    ],
)
def test_the_digest_changes_with_every_meaning(
    edited: Callable[[str, Callable[[str], str]], Path], name: str, old: str, new: str
) -> None:
    directory = edited(name, lambda text: text.replace(old, new, 1))

    assert load_policy_set(directory).digest != cheshire().digest


def test_the_digest_ignores_the_order_of_keys(
    edited: Callable[[str, Callable[[str], str]], Path],
) -> None:
    directory = edited(
        "organisations.toml",
        lambda text: text.replace('kind = "police"\nhost = true', 'host = true\nkind = "police"'),
    )

    assert load_policy_set(directory).digest == cheshire().digest


def test_the_digest_changes_with_the_order_of_the_levels() -> None:
    """A rule that asks for N2F means another thing when other levels satisfy it."""
    levels = cheshire().levels
    looser = replace(levels, covers=(*levels.covers, (LevelId("DBSE"), LevelId("N1"))))

    assert _digest(LIBRARY, levels) == cheshire().digest
    assert _digest(LIBRARY, looser) != cheshire().digest


def test_a_day_and_a_text_that_looks_like_it_differ() -> None:
    assert canonical_bytes({"day": date(2026, 1, 1)}) != canonical_bytes({"day": "2026-01-01"})
    with pytest.raises(TypeError):
        canonical_bytes({"day": {1, 2}})


def test_the_faults_of_all_files_are_told_together(
    edited: Callable[[str, Callable[[str], str]], Path],
) -> None:
    edited("rules.toml", lambda text: text.replace('effect = "permit"', 'effect = "Permit"', 1))
    edited("agreements.toml", lambda text: text.replace('"pay.slip"', '"pay.slap"', 1))
    edited("agreements.toml", lambda text: text.replace('"nwas"]', '"nwas", "navy"]', 1))
    directory = edited("organisations.toml", lambda text: text + "\n[[organisation]]\nid = 3\n")

    with pytest.raises(PolicyFileError) as refused:
        load_policy_set(directory)

    files = {fault.file.rsplit("/", 1)[-1] for fault in refused.value.faults}
    assert files == {"organisations.toml", "rules.toml"}
    assert all(fault.line > 0 and fault.remedy for fault in refused.value.faults)


@pytest.mark.parametrize(
    ("name", "old", "new", "where"),
    [
        ("agreements.toml", '"pay.slip"', '"pay.slap"', "agreement[2].functions[1]"),
        ("agreements.toml", '"pay.slip"', '"gate.portal"', "agreement[2].functions[1]"),
        ("agreements.toml", '"nwas"]', '"nwas", "navy"]', "agreement[3].parties[3]"),
        ("rules.toml", '"perf.corp"', '"perf.carp"', "rule[1].functions"),
    ],
)
def test_what_the_files_say_about_each_other_must_agree(
    edited: Callable[[str, Callable[[str], str]], Path],
    name: str,
    old: str,
    new: str,
    where: str,
) -> None:
    directory = edited(name, lambda text: text.replace(old, new, 1))

    with pytest.raises(PolicyFileError) as refused:
        load_policy_set(directory)

    assert [fault.where for fault in refused.value.faults] == [where]
    assert refused.value.faults[0].file.endswith(name)


def test_a_floor_for_an_owner_that_does_not_exist_is_a_fault(
    edited: Callable[[str, Callable[[str], str]], Path],
) -> None:
    directory = edited(
        "catalogue.toml",
        lambda text: text + '[[change]]\nid = "hr.me"\nfloor_by_owner = { navy = "N2F" }\n',
    )

    with pytest.raises(PolicyFileError, match="`navy` is not an organisation"):
        load_policy_set(directory)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_a_fault(
    edited: Callable[[str, Callable[[str], str]], Path], name: str
) -> None:
    directory = edited(name, lambda text: text + "\n")
    (directory / name).unlink()

    with pytest.raises(PolicyFileError) as refused:
        load_policy_set(directory)

    assert name in {fault.file.rsplit("/", 1)[-1] for fault in refused.value.faults}

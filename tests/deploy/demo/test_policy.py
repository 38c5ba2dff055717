"""The demo's policy set follows its files, and nothing but its files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from deploy.demo.policy import put_in_force
from gateway.policy_versions import read_in_force
from gateway.store.engine import open_store
from gateway.store.migration import migrate
from policies.policy_files import PolicyFiles
from tests.policies.people import copied_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(f"sqlite:///{tmp_path / 'gateway.sqlite'}")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def start(tmp_path: Path, store: Engine) -> Callable[[Path], bool]:
    return lambda directory: put_in_force(
        store, tmp_path, PolicyFiles.read(directory), tmp_path / "stamp", AT
    )


def version(store: Engine) -> int:
    stored = read_in_force(store)
    assert stored is not None
    return stored[0].number


def test_the_first_start_takes_the_files_and_a_later_one_what_changed(
    tmp_path: Path, store: Engine, start: Callable[[Path], bool]
) -> None:
    directory = copied_set(tmp_path)
    assert not start(directory)
    assert not start(directory)
    assert version(store) == 1
    agreements = directory / "agreements.toml"
    agreements.write_text(agreements.read_text().replace('"in-force"', '"suspended"', 1))

    assert start(directory)
    assert version(store) == 2
    assert not start(directory)


def test_a_set_put_in_force_in_the_demo_stays_while_the_files_do_not_change(
    tmp_path: Path, store: Engine, start: Callable[[Path], bool]
) -> None:
    directory = copied_set(tmp_path)
    start(directory)
    other = copied_set(tmp_path / "other")
    agreements = other / "agreements.toml"
    agreements.write_text(agreements.read_text().replace('"in-force"', '"suspended"', 1))
    put_in_force(store, tmp_path, PolicyFiles.read(other), tmp_path / "elsewhere", AT)

    assert not start(directory)
    assert version(store) == 2

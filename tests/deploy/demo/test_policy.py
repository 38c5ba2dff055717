"""The demo's policy set follows its files, and nothing but its files."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from deploy.demo.policy import played_on, put_in_force
from deploy.demo.scenario import load_scenario
from gateway.policy_versions import read_in_force
from policies.policy_files import PolicyFiles
from tests.doubles.stores import new_store
from tests.policies.people import copied_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    with new_store(tmp_path) as engine:
        yield engine


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


TODAY = date(2026, 11, 22)


def test_the_day_that_is_played_is_today_and_every_other_as_far_from_it() -> None:
    files = PolicyFiles.read(load_scenario("cleveland-steria").policy_set)
    played = played_on(files, date(2019, 4, 30), TODAY).load()
    ends = {each.id: each.end for each in played.agreements}
    starts = {each.id: each.start for each in played.agreements}
    before = {each.id: each.start for each in files.load().agreements}

    assert ends["steria-control-room"] == TODAY
    assert ends["steria-2010"] == TODAY + (date(2020, 9, 30) - date(2019, 4, 30))
    assert {starts[each] - before[each] for each in starts} == {TODAY - date(2019, 4, 30)}


def test_days_of_rules_move_and_days_in_comments_do_not(tmp_path: Path) -> None:
    directory = copied_set(tmp_path)
    rules = directory / "rules.toml"
    text = rules.read_text().replace(
        'effect = "permit"', 'effect = "permit"\nends = 2026-12-01 # not 2026-12-02', 1
    )
    rules.write_text(text)
    files = played_on(PolicyFiles.read(directory), TODAY - timedelta(days=10), TODAY)

    assert "ends = 2026-12-11 # not 2026-12-02" in files.texts["rules.toml"]
    assert files.load().rules


def test_no_agreement_that_follows_another_loses_a_day() -> None:
    """It would be refused: there is to be no day between the two."""
    files = PolicyFiles.read(load_scenario("bch").policy_set)

    assert played_on(files, date(2016, 2, 29), TODAY).load().agreements


@pytest.mark.parametrize("day", [None, TODAY])
def test_a_scenario_that_plays_today_is_left_as_it_is(day: date | None) -> None:
    files = PolicyFiles.read(load_scenario().policy_set)

    assert played_on(files, day, TODAY) == files

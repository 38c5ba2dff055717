"""How often somebody used a function: over all workers, back from now, and no further."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateway.rate_uses import RateUses
from gateway.store import schema
from gateway.store.engine import reading
from policies.obligations import Rate
from tests.gateway.identity.parts import Parts, later, new_parts

TWICE = (Rate(most=2, minutes=10),)
ALICE, BOB = "cheshire-fire/id-alice", "cheshire-fire/id-bob"


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    with new_parts(tmp_path) as made:
        yield made


def test_so_many_uses_in_so_many_minutes_over_all_workers(parts: Parts) -> None:
    here, there = RateUses(parts.store), RateUses(parts.store)
    taken = [
        here.take(ALICE, "hr.search", TWICE, at=later(minutes=0)),
        there.take(ALICE, "hr.search", TWICE, at=later(minutes=4)),
        here.take(ALICE, "hr.search", TWICE, at=later(minutes=6)),
        RateUses(parts.store).take(ALICE, "hr.search", TWICE, at=later(minutes=9, seconds=59)),
        here.take(ALICE, "hr.search", TWICE, at=later(minutes=10)),
        here.take(ALICE, "hr.search", TWICE, at=later(minutes=10)),
    ]

    assert taken == [
        None,
        None,
        timedelta(minutes=4),
        timedelta(seconds=1),
        None,
        timedelta(minutes=4),
    ]


def test_people_and_functions_are_counted_apart(parts: Parts) -> None:
    uses, once = RateUses(parts.store), (Rate(most=1, minutes=10),)

    assert uses.take(ALICE, "hr.search", once, at=later()) is None
    assert uses.take(BOB, "hr.search", once, at=later()) is None
    assert uses.take(ALICE, "hr.team", once, at=later()) is None
    assert uses.take(ALICE, "hr.search", once, at=later()) is not None


def test_every_rate_holds(parts: Parts) -> None:
    uses = RateUses(parts.store)
    rates = (Rate(most=1, minutes=1), Rate(most=2, minutes=60))
    taken = [
        uses.take(ALICE, "hr.search", rates, at=later(minutes=each)) for each in (0, 0.5, 1, 2)
    ]

    assert taken == [None, timedelta(seconds=30), None, timedelta(minutes=58)]


def test_what_limits_nobody_is_not_kept(parts: Parts) -> None:
    uses = RateUses(parts.store)
    uses.take(ALICE, "hr.search", TWICE, at=later())
    uses.take(BOB, "hr.search", TWICE, at=later(minutes=10))
    with reading(parts.store) as connection:
        count = connection.execute(select(func.count()).select_from(schema.rate_use)).scalar_one()

    assert count == 1

"""What is over is removed, what is used stays, and the last use is written."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import text

from gateway.identity.signing_in.attempts import AttemptLimits, Attempts
from gateway.identity.upkeep import Upkeep
from gateway.store.engine import StoreUnavailable, reading, writing
from tests.gateway.identity.parts import AT, FIRE, Parts, later, us


class Keeping:
    """Upkeep with a clock that a test sets; `told` is what belongings were told is there."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.at: datetime = AT
        self.told: list[object] = []
        self.attempts = Attempts(parts.store, lambda _: AttemptLimits())
        self.upkeep = Upkeep(
            engine=parts.store,
            cache=parts.cache,
            sessions=parts.sessions,
            attempts=self.attempts,
            bulletin=parts.bulletin,
            clock=lambda: self.at,
            belongings=[self.told.append],
        )

    def count(self, table: str) -> int:
        with reading(self.parts.store) as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608


def fill(parts: Parts, keeping: Keeping) -> None:
    """Leave something to remove in every table."""
    parts.sign_in()
    keeping.attempts.begin(organisation=FIRE, name="alice", source="10.0.0.1", at=AT)
    with writing(parts.store) as connection:
        parts.bulletin.announce(connection, "policy", AT)
        parts.bulletin.announce(connection, "policy", AT)


def test_everything_that_is_over_goes(parts: Parts) -> None:
    keeping = Keeping(parts)
    fill(parts, keeping)
    keeping.at = later(days=16)
    keeping.upkeep()
    left = [keeping.count(table) for table in ("session", "sign_in_attempt", "bulletin")]

    assert left == [0, 0, 1]


def test_it_goes_every_ten_minutes_and_not_each_time(parts: Parts) -> None:
    keeping = Keeping(parts)
    keeping.at = later(days=16)
    keeping.upkeep()
    fill(parts, keeping)
    keeping.at = later(days=16, minutes=9)
    keeping.upkeep()
    early = keeping.count("session")
    keeping.at = later(days=16, minutes=10)
    keeping.upkeep()

    assert (early, keeping.count("session")) == (1, 0)


def test_a_clock_that_went_back_does_not_stop_it(parts: Parts) -> None:
    keeping = Keeping(parts)
    keeping.at = later(days=30)
    keeping.upkeep()
    fill(parts, keeping)
    keeping.at = later(days=16)
    keeping.upkeep()

    assert keeping.count("session") == 0


def test_use_is_written_on_the_way_and_at_the_end(parts: Parts) -> None:
    keeping = Keeping(parts)
    token, _ = parts.sign_in()
    parts.cache.load(token, at=AT)
    seen = []
    for seconds in (61, 65):
        parts.cache.get(token, us(later(seconds=seconds)))
        keeping.at = later(seconds=seconds)
        keeping.upkeep()
        seen.append(keeping.count(f"session WHERE last_seen_at_us = {us(keeping.at)}"))
    keeping.upkeep.close()

    assert seen == [1, 0]
    assert keeping.count(f"session WHERE last_seen_at_us = {us(later(seconds=65))}") == 1


def test_a_database_that_is_away_is_tried_again(parts: Parts) -> None:
    keeping = Keeping(parts)
    fill(parts, keeping)
    keeping.at = later(days=16)
    with writing(parts.store) as connection:
        connection.execute(text("ALTER TABLE sign_in_attempt RENAME TO gone"))
    with pytest.raises(StoreUnavailable):
        keeping.upkeep()
    with writing(parts.store) as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO sign_in_attempt"))
    keeping.upkeep()

    assert keeping.count("sign_in_attempt") == 0


def test_what_belongs_to_sessions_is_told_which_are_still_there(parts: Parts) -> None:
    keeping = Keeping(parts)
    token, session = parts.sign_in()
    parts.cache.load(token, at=AT)
    keeping.upkeep()
    keeping.at = AT + parts.limits.idle
    keeping.upkeep()

    assert keeping.told == [{session.hash}, frozenset()]

"""A session as a value: what a row says comes back, and limits are limits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.identity.sessions.session import SessionLimits, to_session
from gateway.store import schema
from gateway.store.engine import reading, writing
from tests.gateway.identity.parts import AT, FIRE, Parts


def test_all_that_is_said_of_a_session_comes_back_from_its_row(parts: Parts) -> None:
    parts.sign_in()
    with writing(parts.store) as connection:
        _, opened = parts.sessions.open(
            connection,
            staff_id="cheshire-fire/id-alice",
            organisation=FIRE,
            directory="cheshire-fire-provider",
            provider_session="sid-1",
            factors=frozenset({"provider", "second-factor"}),
            source="192.0.2.7",
            agent="Firefox",
            at=AT,
        )
    with reading(parts.store) as connection:
        rows = connection.execute(select(schema.session)).all()

    assert opened in {to_session(row) for row in rows}
    assert opened.second_factor_at_us == opened.started_at_us


@pytest.mark.parametrize(
    ("idle", "absolute"),
    [(timedelta(0), timedelta(hours=1)), (timedelta(hours=2), timedelta(hours=1))],
    ids=["no idle time", "idle beyond the end"],
)
def test_limits_that_make_no_sense_are_refused(idle: timedelta, absolute: timedelta) -> None:
    with pytest.raises(ValueError, match="idle"):
        SessionLimits(idle=idle, absolute=absolute)

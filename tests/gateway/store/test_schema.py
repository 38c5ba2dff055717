"""Columns and instants must be the same moment, in both directions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.schema import instant, metadata, microseconds, provider_login
from gateway.system_hosts import LONGEST_NEXT
from vetting.register import metadata as register_metadata


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_comes_back_as_it_went(at: datetime) -> None:
    assert instant(microseconds(at)) == at


def test_one_moment_is_one_number_in_every_zone() -> None:
    at = datetime(2026, 7, 1, 12, tzinfo=UTC)

    assert microseconds(at.astimezone(timezone(timedelta(hours=1)))) == microseconds(at)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        microseconds(datetime(2026, 7, 1))  # noqa: DTZ001


def test_the_register_lives_in_the_same_database() -> None:
    assert set(register_metadata.tables) <= set(metadata.tables)


def test_every_address_that_sign_in_leads_back_to_has_room_in_its_column() -> None:
    """SQLite would keep a longer one; PostgreSQL would sign nobody in who was going there."""
    room = getattr(provider_login.c.next.type, "length", 0)

    assert room is None or room >= LONGEST_NEXT

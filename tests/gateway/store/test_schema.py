"""Columns and instants must be the same moment, in both directions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.schema import instant, metadata, microseconds
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

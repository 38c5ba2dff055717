"""The tables of second factors live in the one database."""

from __future__ import annotations

from gateway.store.schema import metadata
from gateway.store.schema_second_factor import second_factor_metadata


def test_they_live_in_the_same_database() -> None:
    assert set(second_factor_metadata.tables) <= set(metadata.tables)
    assert len(second_factor_metadata.tables) == 9

"""The tables of break-glass accounts are part of the one schema."""

from __future__ import annotations

from gateway.store.schema import metadata
from gateway.store.schema_break_glass import break_glass_metadata


def test_the_database_has_them() -> None:
    assert {"local_account", "break_glass_use"} == set(break_glass_metadata.tables)
    assert set(break_glass_metadata.tables) <= set(metadata.tables)

"""The portal's tiles: every function with an entry that opens, and what is left to the person."""

from __future__ import annotations

from policies.engine import Engine
from tests.policies.people import AT, BOTH_FACTORS, PASSWORD, cheshire, subject


def test_the_portal_asks_every_function_that_has_an_entry() -> None:
    engine = Engine.compile(cheshire())
    tiles = engine.tiles(subject("DBSB"), at=AT, factors=PASSWORD)

    assert {tile.function.id: tile.needs for tile in tiles}["pay.bank"] == "step-up"
    assert all(tile.function.entry and tile.function.system != "gateway" for tile in tiles)
    assert engine.tiles(subject(), at=AT, factors=PASSWORD) == ()
    at_us = int(AT.timestamp()) * 1_000_000

    def needs(shown_at_us: int | None) -> set[str | None]:
        shown = engine.tiles(subject("DBSB"), at=AT, factors=BOTH_FACTORS, shown_at_us=shown_at_us)
        return {tile.needs for tile in shown}

    assert needs(at_us) == {None}
    assert needs(at_us - 15 * 60_000_000) == needs(None) == {None, "step-up"}

"""What is refused, or fails, has an entry of its own and one answer; it lets nobody by."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from gateway.audit.entry import Kind, Outcome
from gateway.identity.sessions.live_session import DirectoryAway, LiveSession
from gateway.store.engine import writing
from tests.gateway.identity.parts import later, us
from tests.gateway.stand import Opened, status_of

# ---- what each failure means --------------------------------------------------------------------


async def test_a_worker_that_cannot_read_the_bulletin_permits_nothing(opened: Opened) -> None:
    """What it has in memory may have been revoked."""
    async with opened() as gate:
        token = gate.firefighter()
        await gate.ask(token=token)
        gate.monotonic = 11
        gate.parts.bulletin.ring()
        with writing(gate.parts.store) as connection:
            connection.execute(text("ALTER TABLE bulletin RENAME TO gone"))
        answer = await gate.ask(token=token)

        assert status_of(answer) == 503
        assert gate.drafts[-1].code == "bulletin-stale"
        assert len(gate.act.visits) == 1


async def test_a_store_that_is_away_is_503(opened: Opened) -> None:
    async with opened() as gate:
        with writing(gate.parts.store) as connection:
            connection.execute(text("ALTER TABLE session RENAME TO gone"))
        answer = await gate.ask(token=gate.parts.sessions.tokens.new())

        assert status_of(answer) == 503
        assert gate.drafts[0].code == "store-unavailable"
        assert gate.drafts[0].outcome is Outcome.ERROR


async def test_whose_directory_is_away_is_503_and_recorded_as_theirs(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        await gate.ask(token=token)

        def away(self: LiveSession, at_us: int) -> bool:  # noqa: ARG001
            raise DirectoryAway(self)

        monkeypatch.setattr(LiveSession, "take", away)
        answer = await gate.ask(token=token)

        assert status_of(answer) == 503
        refusal = gate.drafts[-1]
        assert (refusal.code, refusal.actor_name) == ("directory-away", "alice@cheshire-fire")
        assert len(gate.act.visits) == 1


async def test_a_rule_that_fails_lets_nobody_through(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        gate.engine.fails = True
        answer = await gate.ask(token=token)

        assert status_of(answer) == 503
        assert [draft.code for draft in gate.drafts] == ["fault"]
        assert gate.logged[-1]["reference"] == gate.drafts[0].reference
        assert gate.act.visits == []


# ---- what is recorded ---------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "status"), [("/", 503), ("/a//b", 400)])
async def test_a_refusal_that_cannot_be_recorded_stays_a_refusal(
    opened: Opened, path: str, status: int
) -> None:
    async with opened() as gate:
        gate.recorder.close()

        assert status_of(await gate.ask(path)) == status


async def test_a_stranger_cannot_fill_the_record(opened: Opened) -> None:
    async with opened() as gate:
        client = await gate.client()
        for _ in range(25):
            assert status_of(await client.get("/", more="Accept: text/html\r\n")) == 303
        gate.at_us = us(later(minutes=2))
        gate.front._flush(everything=False)

        singles, counted = gate.drafts[:-1], gate.drafts[-1]
        assert len(singles) == 20
        assert (counted.code, counted.count, counted.kind) == ("no-session", 5, Kind.ACCESS)


async def test_what_staff_try_is_recorded_each_time(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        for _ in range(25):
            await gate.ask("/a//b", token=token)

        assert len(gate.drafts) == 25


async def test_a_refusal_stands_where_it_cannot_be_told_whose_it_is(opened: Opened) -> None:
    async with opened() as gate:
        token = gate.firefighter()
        with writing(gate.parts.store) as connection:
            connection.execute(text("ALTER TABLE session RENAME TO gone"))
        answer = await gate.ask("/a//b", token=token)

        assert status_of(answer) == 400
        assert gate.drafts[0].actor_name == ""

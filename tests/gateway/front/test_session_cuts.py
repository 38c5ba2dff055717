"""What runs for a session that is over is cut within a second, and nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import update

from gateway.audit.entry import EntryDraft, Outcome, Phase
from gateway.bulletin import person_subject
from gateway.keys import KeyRing
from gateway.store.engine import writing
from gateway.visit import Visit
from gateway.wire.websocket_head import WEBSOCKET
from policies.engine import Engine
from tests.gateway.identity.parts import AT, later, us
from tests.gateway.pages.world import World
from tests.gateway.stand import COOKIE, OWN_PAYSLIP, Done, Stand, stand
from tests.gateway.test_precedents import again
from tests.policies.people import rule_text, with_rules
from vetting.register_tables import vetting_grant


class Stream:
    """An act that sends for ever, as a download or a stream of events does."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def __call__(self, visit: Visit, grant: object) -> Done:
        del grant
        over = asyncio.Event()

        def gone() -> None:
            visit.client.abort()
            over.set()

        visit.incoming.on_gone = gone
        visit.client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome of it")
        self.begun.set()
        await over.wait()
        status, code = visit.incoming.failure
        return Done(status=status, code=code)


async def begin(gate: Stand, token: str) -> asyncio.Task[bytes]:
    stream = Stream()
    gate.front._pipeline._acts["ebs"] = stream
    client = await gate.client()
    await client.say(
        b"GET /OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP HTTP/1.1\r\nHost: gate\r\n"
        + f"Cookie: gateway-localhost={token}\r\n\r\n".encode()
    )
    await asyncio.wait_for(stream.begun.wait(), 5)

    async def to_the_end() -> bytes:
        try:
            return await client.reader.read()
        except ConnectionResetError:
            return b"cut"

    return asyncio.create_task(to_the_end())


def outcome(gate: Stand) -> EntryDraft:
    return next(draft for draft in gate.drafts if draft.phase is Phase.RESULT)


async def ended(gate: Stand, rest: asyncio.Task[bytes]) -> str:
    """Wait until what runs is cut; gives the code of its outcome."""
    await asyncio.wait_for(rest, 1)
    for _ in range(100):
        if any(draft.phase is Phase.RESULT for draft in gate.drafts):
            break
        await asyncio.sleep(0.01)
    return outcome(gate).code


Ender = Callable[[Stand, str], None]


def by_officer(gate: Stand, session_hash: str) -> None:
    gate.parts.sessions.end(session_hash, at=AT)
    gate.parts.reader.read()  # as the reader's own thread does every 250 ms


def by_limit(gate: Stand, session_hash: str) -> None:
    del session_hash
    gate.at_us = us(later(minutes=31))


def by_absolute_limit(gate: Stand, session_hash: str) -> None:
    """Let the hours of the session pass, in use all the time."""
    del session_hash
    gate.at_us = us(later(hours=12))
    for visit in gate.front._pipeline.running.values():
        assert visit.live is not None
        visit.live.seen_us = gate.at_us - 1


@pytest.mark.parametrize("end", [by_officer, by_limit, by_absolute_limit])
async def test_what_runs_ends_within_a_second_of_its_session(
    tmp_path: Path, front_world: World, record_keys: KeyRing, end: Ender
) -> None:
    async with stand(tmp_path, front_world, record_keys) as gate:
        gate.hold("DBSB")
        token, session = gate.parts.sign_in()
        rest = await begin(gate, token)
        end(gate, session.hash)

        assert await ended(gate, rest) == "session-ended"
        assert gate.front._pipeline.running == {}


async def test_what_runs_goes_on_when_something_else_about_its_session_changed(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    async with stand(tmp_path, front_world, record_keys) as gate:
        gate.hold("DBSB")
        token, _ = gate.parts.sign_in()
        other, bobs = gate.parts.sign_in("bob", "40012")
        del other
        rest = await begin(gate, token)
        with writing(gate.parts.store) as connection:
            gate.parts.bulletin.announce(connection, person_subject("cheshire-fire/40011"), AT)
        gate.parts.sessions.end(bobs.hash, at=AT)
        gate.parts.reader.read()
        running = next(iter(gate.front._pipeline.running.values()))
        before = running.live
        for _ in range(100):
            if running.live is not before:
                break
            await asyncio.sleep(0.01)

        assert cast("bool", before and before.dropped)
        assert running.live is not None
        assert not running.live.dropped
        assert not rest.done()
        rest.cancel()


def by_policy(gate: Stand) -> None:
    gate.engine.put(gate.engine.real.withholding(frozenset({"pay.slip"})))


def by_register(gate: Stand) -> None:
    """Take their vetting away, and announce it; nobody signs them out."""
    with writing(gate.parts.store) as connection:
        connection.execute(update(vetting_grant).values(status="withdrawn"))
        gate.parts.bulletin.announce(connection, person_subject("cheshire-fire/40011"), AT)
    gate.parts.reader.read()


@pytest.mark.parametrize("end", [by_policy, by_register])
async def test_what_runs_ends_within_a_second_of_its_permit(
    tmp_path: Path, front_world: World, record_keys: KeyRing, end: Callable[[Stand], None]
) -> None:
    async with stand(tmp_path, front_world, record_keys) as gate:
        rest = await begin(gate, gate.firefighter())
        end(gate)

        assert await ended(gate, rest) == "permit-ended"
        assert outcome(gate).status == 403
        assert gate.front._pipeline.running == {}
        permit, denial = [draft for draft in gate.drafts if draft.phase is Phase.DECISION]
        assert (permit.outcome, denial.outcome) == (Outcome.PERMIT, Outcome.DENY)
        assert denial.reference == permit.reference
        assert denial.id != permit.id
        assert denial.code in {"rule-in-error", "clearance-too-low"}
        assert denial.vetting == ("" if end is by_register else "DBSB")
        assert (denial.function, denial.actor_name) == ("pay.slip", "alice@cheshire-fire")


def by_day(gate: Stand) -> None:
    """Let the last day of the agreement pass: nobody announces that."""
    policy_set = gate.engine.policy_set
    ended = tuple(
        replace(each, end=AT.date() - timedelta(days=1)) for each in policy_set.agreements
    )
    gate.engine.put(gate.engine.real)
    for visit in gate.front._pipeline.running.values():
        visit.engine = Engine.compile(replace(policy_set, agreements=ended))
        gate.engine.put(visit.engine)


async def test_what_runs_is_decided_again_with_each_minute(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    """Days and hours of agreements and rules end while it runs, and nobody announces that."""
    async with stand(tmp_path, front_world, record_keys) as gate:
        rest = await begin(gate, gate.firefighter())
        by_day(gate)
        (visit,) = gate.front._pipeline.running.values()
        await asyncio.sleep(0.3)
        assert not rest.done()
        draft, visit.draft = visit.draft, None  # as if the minute came while it was recorded
        gate.at_us += 60_000_000
        cuts = gate.front._cuts
        for _ in range(100):
            if cuts._later:
                break
            await asyncio.sleep(0.01)
        assert not rest.done()
        visit.draft = draft

        assert await ended(gate, rest) == "permit-ended"


async def test_a_worker_that_stops_sends_websockets_away_and_lets_the_rest_end(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    async with stand(tmp_path, front_world, record_keys) as gate:
        rest = await begin(gate, gate.firefighter())
        (visit,) = gate.front._pipeline.running.values()
        gate.front._cuts.leave()
        assert not visit.incoming.failed
        visit.incoming.head.method = WEBSOCKET
        await gate.front.drain(1)

        assert await ended(gate, rest) == "going-away"


@pytest.mark.parametrize("times", [0, 4])
async def test_what_was_shown_counts_as_it_did_when_it_began_also_where_it_was_followed(
    tmp_path: Path, front_world: World, record_keys: KeyRing, times: int
) -> None:
    (tmp_path / "rules").mkdir()
    recent = with_rules(tmp_path / "rules", rule_text("factor_age_minutes = 1"))
    async with stand(tmp_path, front_world, record_keys) as gate:
        token = gate.firefighter()
        client = await gate.client()
        await again(client, token)
        (live,) = gate.parts.cache._live.values()
        live.session = replace(live.session, second_factor_at_us=gate.at_us - 30_000_000)
        for _ in range(times):
            await again(client, token)
        gate.drafts.clear()
        gate.at_us += 50_000_000  # 80 seconds ago it was shown
        stream = gate.front._pipeline._acts["ebs"] = Stream()
        await client.say(
            f"GET {OWN_PAYSLIP} HTTP/1.1\r\nHost: gate\r\nCookie: {COOKIE}={token}\r\n\r\n".encode()
        )
        await asyncio.wait_for(stream.begun.wait(), 5)
        rest = asyncio.create_task(client.reader.read())
        gate.engine.put(Engine.compile(recent))

        async def drained() -> bytes:
            try:
                return await rest
            except ConnectionResetError:
                return b""

        assert await ended(gate, asyncio.create_task(drained())) == "permit-ended"

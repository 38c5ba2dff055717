"""What a worker holds: bounded, swept, and let go in order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from gateway.audit.entry import Outcome
from gateway.wire.answers import document, give
from tests.doubles.waiting import until
from tests.gateway.identity.parts import later, us
from tests.gateway.stand import OWN_PAYSLIP, Done, Opened, Stand, field_of, status_of

if TYPE_CHECKING:
    from gateway.visit import Visit


class Held:
    """An open act that answers when a test lets it."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.begun = asyncio.Event()

    async def __call__(self, visit: Visit) -> None:
        self.begun.set()
        await self.release.wait()
        give(document(200, b"text/plain", b"held"), visit.incoming, visit.client)


async def test_what_cannot_be_read_is_refused_with_a_reference_and_recorded(
    opened: Opened,
) -> None:
    async with opened() as gate:
        client = await gate.client()
        await client.say(b"GET / HTTP/1.1\r\nHost: elsewhere\r\n\r\n")
        answer = await client.answer()

        (draft,) = gate.drafts
        assert status_of(answer) == 400
        assert draft.reference.encode() in answer
        assert (draft.code, draft.status, draft.ip, draft.outcome) == (
            "host",
            400,
            "127.0.0.1",
            Outcome.DENY,
        )


async def test_a_method_that_nobody_here_takes_is_told_which_there_are(opened: Opened) -> None:
    async with opened() as gate:
        client = await gate.client()
        await client.say(b"TRACE / HTTP/1.1\r\nHost: gate\r\n\r\n")
        answer = await client.answer()

    allowed = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    assert (status_of(answer), field_of(answer, "Allow")) == (405, allowed)


async def test_a_stranger_who_sends_nonsense_cannot_fill_the_record(opened: Opened) -> None:
    async with opened() as gate:
        for _ in range(25):
            client = await gate.client()
            await client.say(b"nonsense\r\n\r\n")
            assert status_of(await client.answer()) == 400
        gate.at_us = us(later(minutes=2))
        gate.front._flush(everything=False)

        assert [draft.count for draft in gate.drafts] == [1] * 20 + [5]


async def test_a_worker_has_room_for_so_many_connections_those_on_their_way_in_included(
    opened: Opened,
) -> None:
    async with opened(max_connections=2) as gate:
        room = [gate.front.has_room(entering) for entering in (0, 1, 2)]
        client = await gate.client()
        await client.get("/")

        assert room == [True, True, False]
        assert [gate.front.has_room(entering) for entering in (0, 1)] == [True, False]


async def test_who_does_not_come_in_is_recorded_without_an_answer(opened: Opened) -> None:
    async with opened() as gate:
        gate.front.refusal(0, "proxy-header-missing", "192.0.2.7", "")

        (draft,) = gate.drafts
        assert (draft.code, draft.ip, draft.status) == ("proxy-header-missing", "192.0.2.7", 0)
        (line,) = gate.logged
        assert "did not begin with PROXY protocol" in line["event"]
        assert "192.0.2.7" not in str(line)


async def test_deadlines_are_noticed(opened: Opened) -> None:
    async with opened(idle_seconds=0.1) as gate:
        client = await gate.client()
        await client.get("/")

        assert await client.is_closed(2)


async def test_a_fault_in_the_housekeeping_does_not_end_it(opened: Opened) -> None:
    """Without its sweeps a worker has no deadlines at all, and nothing would show it."""

    class Unswept:
        """A system that cannot be swept, once."""

        swept = 0

        def sweep(self, now: float) -> None:
            self.swept += 1
            if self.swept == 1:
                raise RuntimeError(now)

        def close(self) -> None:
            pass

    async with opened(idle_seconds=0.1) as gate:
        system = Unswept()
        gate.front._upstreams = (system,)  # type: ignore[assignment]  # all that is asked of it
        client = await gate.client()
        await client.get("/")

        assert await client.is_closed(2)
        await asyncio.sleep(0.3)
        assert system.swept > 1
        assert [line["event"] for line in gate.logged] == ["housekeeping failed"]


class Due:
    """A connection whose deadline has passed."""

    is_idle = False

    def __init__(self, gate: Stand, ended: list[float]) -> None:
        self.deadline = 0.0
        self._here = cast("set[Any]", gate.front.connections)
        self._ended = ended
        self._here.add(self)

    def expire(self) -> None:
        self._ended.append(asyncio.get_running_loop().time())
        self._here.discard(self)

    def go(self) -> None:
        self._here.discard(self)


async def test_of_many_that_are_due_at_once_a_few_are_ended_at_a_time(opened: Opened) -> None:
    """Whoever asks for something meanwhile would wait for all of them."""
    async with opened() as gate:
        ended: list[float] = []
        many = [Due(gate, ended) for _ in range(200)]
        most = before = 0
        while len(ended) < len(many):
            await asyncio.sleep(0)
            most, before = max(most, len(ended) - before), len(ended)

        assert most == 10
        assert ended[-1] - ended[0] < 2


async def test_who_has_moved_on_or_gone_before_their_turn_is_not_ended(opened: Opened) -> None:
    async with opened() as gate:
        ended: list[float] = []
        many = [Due(gate, ended) for _ in range(100)]
        await until(lambda: ended)
        count = len(ended)
        for number, each in enumerate(many):
            if number % 2:
                each.go()
            else:
                each.deadline = float("inf")
        Due(gate, ended)
        await until(lambda: len(ended) > count)  # in the next round
        for each in many:
            each.go()

        assert count < len(many)
        assert len(ended) == count + 1


async def test_chores_are_done_apart_and_one_does_not_stop_the_others(opened: Opened) -> None:
    done: list[str] = []

    def fails() -> None:
        raise RuntimeError("broken")

    async with opened() as gate:
        gate.front._chores = (fails, lambda: done.append("second"))
        loop = asyncio.get_running_loop()
        gate.front._start_chores(loop)
        running = gate.front._chore
        gate.front._start_chores(loop)
        assert gate.front._chore is running
        assert running is not None
        await running

        assert done == ["second"]
        assert [line["event"] for line in gate.logged] == ["chore failed"]


async def test_a_draining_worker_answers_what_it_has_accepted(opened: Opened) -> None:
    async with opened() as gate:
        held = Held()
        gate.open_acts["/open"] = held
        idle, fresh = await gate.client(), await gate.client()
        await idle.get("/")
        asking = asyncio.ensure_future(gate.ask("/open"))
        await held.begun.wait()
        draining = asyncio.ensure_future(gate.front.drain(5))
        assert await idle.is_closed()
        held.release.set()
        answer = await asking
        late = await fresh.get("/", more="Accept: text/html\r\n")
        await asyncio.wait_for(draining, 2)

        assert answer.endswith(b"held")
        assert b"Connection: close" in answer
        assert status_of(late) == 303
        assert b"Connection: close" in late


async def test_what_runs_on_too_long_is_cut_and_recorded_as_cut(opened: Opened) -> None:
    """A stop must not take as long as the longest download, and nothing is left unknown by it."""

    async def forever(visit: Visit, grant: object) -> Done:
        del grant
        gone = asyncio.Event()
        visit.incoming.on_gone = gone.set
        await gone.wait()
        await asyncio.sleep(0.05)  # something is left to be tidied up
        return Done(status=499, code="client-gone", answered=False)

    async with opened() as gate:
        token = gate.firefighter()
        gate.front._pipeline._acts["ebs"] = forever
        asking = asyncio.ensure_future(gate.ask(OWN_PAYSLIP, token=token))
        await asyncio.sleep(0.2)
        await asyncio.wait_for(gate.front.drain(0.1), 2)
        codes = [draft.code for draft in gate.drafts]

        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asking
        assert codes == ["rule-permits", "client-gone"]


async def test_a_drain_records_what_was_only_counted_and_waits_for_chores(
    opened: Opened,
) -> None:
    done: list[str] = []
    async with opened() as gate:
        for _ in range(25):
            client = await gate.client()
            await client.get("/")
            client.writer.close()
        gate.front._chores = (lambda: done.append("chore"),)
        gate.front._start_chores(asyncio.get_running_loop())
        await gate.front.drain(1)

        assert done == ["chore"]
        assert gate.drafts[-1].count == 5
        assert gate.front.connections == set()

"""Several instances: which is asked, what is asked again, and what never is. Over real sockets."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count, cycle, repeat
from pathlib import Path
from typing import Any

import pytest

from gateway.backoffice import upstream_pool
from gateway.backoffice.instance_health import HealthRule
from gateway.backoffice.transport import ConnectionKeeper, ExchangeError, UpstreamConnection
from gateway.backoffice.upstream import Upstream
from gateway.backoffice.upstream_pool import open_connection
from gateway.wire.incoming import Incoming
from tests.doubles.instance_process import InstanceProcess
from tests.doubles.raw_client import RawClient
from tests.doubles.scripted_upstream import Exchange, Script, ScriptedUpstream
from tests.doubles.waiting import until
from tests.gateway.backoffice.gate import OK, Gate, answering, gate_to
from tests.gateway.backoffice.systems import address_of, system_at

SOON = HealthRule(failures=3, out_seconds=0.3)


async def answers(exchange: Exchange) -> None:
    """Answer every request with 200, and keep the connection."""
    while True:
        head = await exchange.head()
        length = int((head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) or 0)
        exchange.received += await exchange.reader.readexactly(length)
        await exchange.say(OK)


async def fails(exchange: Exchange) -> None:
    """Answer every request with 503, and keep the connection."""
    while True:
        await exchange.head()
        await exchange.say(b"HTTP/1.1 503 Away\r\nContent-Length: 4\r\n\r\naway")


async def dies_when_asked_again(exchange: Exchange) -> None:
    """Answer once, read the next request, and die without a word."""
    await exchange.head()
    await exchange.say(OK)
    await exchange.head()


@contextlib.asynccontextmanager
async def offices(
    *scripts: Script,
    rule: HealthRule = SOON,
    first_byte_seconds: float = 1,
    least_loaded: bool = False,
    by_person: bool = False,
) -> AsyncIterator[tuple[RawClient, Gate, Upstream, list[ScriptedUpstream]]]:
    """Serve from an instance for each script."""
    async with contextlib.AsyncExitStack() as stack:
        made = [await stack.enter_async_context(ScriptedUpstream(each)) for each in scripts]
        system = system_at(
            *(address_of(each.port, first_byte_seconds=first_byte_seconds) for each in made),
            rule=rule,
            least_loaded=least_loaded,
            by_person=by_person,
        )
        client, handler = await stack.enter_async_context(gate_to(system))
        handler.askers = (f"staff-{number}" for number in count())
        yield client, handler, system, made


def asked(office: ScriptedUpstream, word: bytes = b" HTTP/1.1\r\n") -> int:
    """Count the requests that an instance has read."""
    return sum(each.received.count(word) for each in office.exchanges)


async def test_instances_are_asked_in_turn() -> None:
    async with offices(answers, answers, answers) as (client, _, _, made):
        for _ in range(9):
            await client.get()

        assert [asked(each) for each in made] == [3, 3, 3]


async def test_where_the_least_loaded_is_asked_a_slow_instance_is_asked_less() -> None:
    async def slow(exchange: Exchange) -> None:
        while True:
            await exchange.head()
            await asyncio.sleep(0.1)
            await exchange.say(OK)

    async with offices(slow, answers, least_loaded=True) as (_, handler, _, made):
        clients = [await handler.another_client() for _ in range(3)]

        async def ask(client: RawClient) -> None:
            for _ in range(6):
                assert (await client.get()).endswith(b"ok")

        await asyncio.gather(*(ask(each) for each in clients))

        assert asked(made[0]) < asked(made[1]) / 2
        assert asked(made[0]) + asked(made[1]) == 18


async def test_what_never_left_is_sent_elsewhere_whatever_it_is() -> None:
    """Nobody was there to take it: a POST too, and its body, is done once."""
    async with offices(answers, answers) as (client, handler, _, made):
        gone = made[0]
        await gone.__aexit__(None, None, None)
        for _ in range(6):
            await client.say(b"POST /x HTTP/1.1\r\nHost: gate\r\nContent-Length: 3\r\n\r\nabc")
            assert (await client.answer()).endswith(b"ok")

        assert asked(made[1], b"abc") == 6
        assert all(not isinstance(each, ExchangeError) for each in handler.results)


async def test_a_connection_that_is_gone_before_it_is_used_has_taken_nothing_with_it() -> None:
    async with offices(answers, answers) as (client, _, system, made):
        pool = system.instances[0].pool
        acquire = pool.acquire

        async def lost(*asker: Any, fresh: bool = False) -> UpstreamConnection:
            given = await acquire(*asker, fresh=fresh)
            given.discard()
            return given

        pool.acquire = lost  # type: ignore[method-assign, assignment]
        for _ in range(2):
            await client.say(b"POST /x HTTP/1.1\r\nHost: gate\r\nContent-Length: 3\r\n\r\nabc")
            assert (await client.answer()).endswith(b"ok")

        assert [asked(each, b"abc") for each in made] == [0, 2]


async def test_where_there_is_one_instance_a_connection_that_is_gone_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was lost as it was made, and is not counted as in use for ever."""
    opened: list[UpstreamConnection] = []

    async def lost_once(keeper: ConnectionKeeper) -> UpstreamConnection:
        opened.append(await open_connection(keeper))
        if len(opened) == 1:
            opened[0].connection_lost(None)
        return opened[-1]

    monkeypatch.setattr(upstream_pool, "open_connection", lost_once)
    async with offices(answers) as (client, _, system, made):
        await client.say(b"POST /x HTTP/1.1\r\nHost: gate\r\nContent-Length: 3\r\n\r\nabc")
        assert (await client.answer()).endswith(b"ok")
        await until(lambda: system.instances[0].pool.busy == 0)

        assert len(opened) == 2
        assert asked(made[0], b"abc") == 1
        assert system.only is not None


async def test_a_connection_for_a_client_that_has_just_left_is_kept_for_the_next() -> None:
    async with offices(answers) as (client, handler, system, made):
        pool = system.instances[0].pool
        acquire = pool.acquire

        async def too_late(
            asker: str, incoming: Incoming, *, fresh: bool = False
        ) -> UpstreamConnection:
            given = await acquire(asker, fresh=fresh)
            incoming.fail()
            return given

        pool.acquire = too_late  # type: ignore[method-assign, assignment]
        await client.say(b"GET /x HTTP/1.1\r\nHost: gate\r\n\r\n")
        await until(lambda: handler.results)

        assert [each.code for each in handler.results] == ["client-gone"]
        assert asked(made[0]) == 0
        assert pool.busy == 0


async def test_a_post_that_may_have_been_read_is_never_sent_twice() -> None:
    async with offices(dies_when_asked_again, dies_when_asked_again) as (client, handler, _, made):
        for _ in range(2):
            await client.get()  # each has an idle connection now
        await client.say(b"POST /x HTTP/1.1\r\nHost: gate\r\nContent-Length: 0\r\n\r\n")
        refused = await client.answer()

        assert refused.startswith(b"HTTP/1.1 502 ")
        assert sum(asked(each, b"POST /x") for each in made) == 1
        assert [each.code for each in handler.results][-1] == "upstream-closed"


async def test_a_get_whose_idle_connection_was_dead_is_asked_again_on_a_new_one() -> None:
    async with offices(dies_when_asked_again, dies_when_asked_again) as (client, _, system, made):
        for _ in range(4):
            assert (await client.get()).endswith(b"ok")

        assert [asked(each) for each in made] == [3, 3]
        assert system.state == "ok"  # a server may close what is idle


async def test_a_get_that_failed_on_a_new_connection_is_not_asked_again() -> None:
    """What kills one instance must not be carried to the next."""

    async def deadly(exchange: Exchange) -> None:
        await exchange.head()

    async with offices(deadly, deadly) as (client, _, _, made):
        assert (await client.get()).startswith(b"HTTP/1.1 502 ")

        assert sum(asked(each) for each in made) == 1


async def test_an_answer_of_500_and_more_is_passed_on_and_puts_the_instance_out() -> None:
    async with offices(fails, answers) as (client, _, system, made):
        said = [(await client.get())[9:12] for _ in range(12)]

        assert Counter(said) == {b"200": 9, b"503": 3}
        assert asked(made[0]) == 3
        assert system.state == "degraded"


async def test_one_person_alone_puts_no_instance_out_and_raises_no_alarm() -> None:
    """What fails may be their own doing: they could put out one instance after the other."""
    async with offices(fails, answers) as (client, handler, system, made):
        handler.askers = repeat("staff-1")
        for _ in range(20):
            await client.get()

        assert asked(made[0]) == 10
        assert system.state == "ok"
        handler.askers = cycle(("staff-1", "staff-2"))
        for _ in range(20):
            await client.get()
        assert asked(made[0]) == 20  # two are not three
        assert system.state == "ok"


async def test_who_is_asked_by_person_serves_each_person_until_it_is_gone() -> None:
    async with offices(answers, answers, answers, by_person=True) as (
        client,
        handler,
        system,
        made,
    ):
        people = [f"staff-{number}" for number in range(12)]
        handler.askers = cycle(people)
        for _ in range(3 * len(people)):
            await client.get()
        before = {each: system.choose(asker=each) for each in people}
        assert Counter(asked(each) % 3 for each in made) == {0: 3}
        assert [asked(each) for each in made] == [
            3 * list(before.values()).count(each) for each in system.instances
        ]

        gone = system.instances[0]
        system.drain(frozenset({gone.url}))

        after = {each: system.choose(asker=each) for each in people}
        assert gone not in after.values()
        assert all(after[each] is before[each] for each in people if before[each] is not gone)


async def test_the_last_instance_is_never_put_out() -> None:
    """It may be one page that fails; nothing else is better."""
    async with offices(fails) as (client, _, system, made):
        for _ in range(8):
            assert (await client.get()).endswith(b"away")

        assert asked(made[0]) == 8
        assert system.state == "ok"  # it does answer
    async with offices(fails, fails) as (client, _, system, made):
        for _ in range(12):
            assert (await client.get()).endswith(b"away")
        assert system.state == "away"


async def test_who_takes_requests_and_never_answers_is_put_out() -> None:
    async def silent(exchange: Exchange) -> None:
        await exchange.reader.read()

    async with offices(silent, answers, first_byte_seconds=0.05) as (client, _, system, _):
        said = [(await client.get())[9:12] for _ in range(12)]

        assert Counter(said) == {b"200": 9, b"504": 3}
        assert system.state == "degraded"


async def test_who_closes_one_half_is_not_used_again() -> None:
    """A connection that is half open would take a request to nowhere."""

    async def half_closes(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(OK)
        exchange.writer.write_eof()
        exchange.received += await exchange.reader.read()

    async with offices(half_closes) as (client, _, _, made):
        for _ in range(3):
            assert (await client.get(method="POST", more="Content-Length: 0\r\n")).endswith(b"ok")
            await asyncio.sleep(0.02)  # until it is seen

        assert [each.received.count(b"POST") for each in made[0].exchanges] == [1, 1, 1]


async def test_an_answer_that_breaks_off_counts_too() -> None:
    async def breaks_off(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")

    async with offices(breaks_off, answers) as (_, handler, system, made):
        for _ in range(8):
            client = await handler.another_client()
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await client.get()
            client.writer.close()

        assert asked(made[0]) == 3
        assert system.state == "degraded"


async def test_a_client_that_leaves_is_not_held_against_the_instance() -> None:
    async def slow(exchange: Exchange) -> None:
        await exchange.head()
        await asyncio.sleep(0.2)

    async with offices(slow, slow) as (_, handler, system, made):
        for number in range(8):
            client = await handler.another_client()
            await client.say(b"GET /x HTTP/1.1\r\nHost: gate\r\n\r\n")
            await until(lambda: sum(asked(each) for each in made) > number)  # noqa: B023
            client.writer.close()
        await until(lambda: len(handler.results) == 8)

        assert system.state == "ok"


async def test_after_an_abort_everybody_gets_their_own_answer() -> None:
    """Uploads and downloads given up half-way leave nothing on a connection that is used again."""

    async def by_name(exchange: Exchange) -> None:
        while True:
            head = await exchange.head()
            length = int((head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) or 0)
            await exchange.reader.readexactly(length)
            body = head.split(b" ")[1].ljust(50_000, b".")
            await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + body[:25_000])
            await asyncio.sleep(0.001)
            await exchange.say(body[25_000:])

    async with offices(by_name, by_name) as (client, handler, _, _):
        for number in range(40):
            leaving = await handler.another_client()
            if number % 2:
                await leaving.say(
                    b"POST /gone HTTP/1.1\r\nHost: gate\r\nContent-Length: 9\r\n\r\na"
                )
            else:
                await leaving.say(b"GET /gone HTTP/1.1\r\nHost: gate\r\n\r\n")
                await leaving.reader.readexactly(100)
            leaving.writer.transport.abort()
            answer = await client.get(f"/{number}")

            assert answer.partition(b"\r\n\r\n")[2].rstrip(b".") == b"/%d" % number


async def test_a_system_that_is_drained_refuses_and_comes_back() -> None:
    async with offices(answers) as (client, handler, system, made):
        system.drain(frozenset({system.instances[0].url}))
        assert (await client.get()).startswith(b"HTTP/1.1 503 ")
        assert handler.results[-1].code == "upstream-drained"
        assert not made[0].exchanges
        system.drain(frozenset())

        assert (await client.get()).endswith(b"ok")
        assert system.only is system.instances[0]


async def test_an_instance_is_drained_without_a_failed_request() -> None:
    async def slow(exchange: Exchange) -> None:
        while True:
            await exchange.head()
            await asyncio.sleep(0.05)
            await exchange.say(OK)

    async with offices(slow, slow) as (_, handler, system, made):
        clients = [await handler.another_client() for _ in range(6)]
        running = [asyncio.ensure_future(each.get()) for each in clients]
        await until(lambda: min(asked(each) for each in made) >= 3)
        system.drain(frozenset({system.instances[0].url}))
        assert all([(await each).endswith(b"ok") for each in running])
        for each in clients:
            assert (await each.get()).endswith(b"ok")

        assert [asked(each) for each in made] == [3, 9]
        assert [each.running for each in system.instances] == [0, 0]
        await until(lambda: system.instances[0].emptied)


async def test_one_whose_total_time_is_over_is_cut_however_busy_it_is() -> None:
    async def endless(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await exchange.say(b"1\r\na\r\n")
            await asyncio.sleep(0.01)

    async with ScriptedUpstream(endless) as office:
        system = system_at(address_of(office.port, total_seconds=0.2))
        async with gate_to(system) as (client, handler):
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await client.get()
            await until(lambda: handler.results)

            assert handler.results[0].code == "upstream-too-long"


async def test_time_of_an_exchange_that_is_over_does_not_end_the_idle_connection() -> None:
    async with ScriptedUpstream(answering(OK, OK)) as office:
        system = system_at(address_of(office.port, total_seconds=0.1))
        async with gate_to(system) as (client, _):
            await client.get()
            await asyncio.sleep(0.2)
            await client.get()

            assert len(office.exchanges) == 1


async def test_an_instance_that_is_killed_is_missed_by_nobody_once_it_is_out(
    tmp_path: Path,
) -> None:
    """Kill -9, under load; it comes back by itself when it is there again."""
    log = tmp_path / "asked"
    first, second = InstanceProcess(log), InstanceProcess(log)
    try:
        first.start()
        second.start()
        await first.until_listening()
        await second.until_listening()
        system = system_at(address_of(first.port), address_of(second.port), rule=SOON)
        # Longer than an instance takes to start again on a busy machine: nobody asks meanwhile.
        async with gate_to(system, idle_seconds=30) as (_, handler):
            clients = [await handler.another_client() for _ in range(8)]
            said: list[bytes] = []
            posted = 0

            async def ask(client: RawClient, rounds: int, *, post: bool = False) -> None:
                nonlocal posted
                for _ in range(rounds):
                    if post:
                        posted += 1
                        name = f"/post-{posted}"
                        more = "Content-Length: 0\r\n"
                        said.append((await client.get(name, method="POST", more=more))[9:12])
                    else:
                        said.append((await client.get("/slow"))[9:12])

            load = [
                asyncio.ensure_future(ask(each, 6, post=number % 2 == 1))
                for number, each in enumerate(clients)
            ]
            await until(lambda: len(said) > 12)
            first.kill()
            await asyncio.gather(*load)
            await until(lambda: system.state == "degraded")
            at_the_moment = len(said)
            await asyncio.gather(*(ask(each, 4) for each in clients))
            assert Counter(said[at_the_moment:]) == {b"200": 32}

            first.start()
            await until(lambda: system.state == "ok", 10)
            before = log.read_text().count(f"{first.port} GET")
            await asyncio.gather(*(ask(each, 2) for each in clients))

            assert log.read_text().count(f"{first.port} GET") > before
            assert set(said) <= {b"200", b"502"}
            twice = Counter(line.split()[2] for line in log.read_text().splitlines())
            assert [each for each, times in twice.items() if "post" in each and times > 1] == []
    finally:
        first.kill()
        second.kill()

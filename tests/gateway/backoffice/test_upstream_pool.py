"""Connections to a system: kept, bounded, and given to those in line in the order they came."""

import asyncio
import contextlib
import gc
import ssl
import weakref
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest
import trustme

from gateway.backoffice.shares import PERSON_SHARE
from gateway.backoffice.transport import ExchangeError, UpstreamConnection
from gateway.backoffice.upstream_address import Trust, UpstreamAddress
from gateway.backoffice.upstream_pool import UpstreamPool
from gateway.backoffice.upstream_tls import UpstreamTls
from tests.doubles.promise import Promise
from tests.doubles.scripted_upstream import Exchange, Script, ScriptedUpstream
from tests.doubles.waiting import until

MACHINE = UpstreamTls("ebs", ca_file=None)


async def listening(exchange: Exchange) -> None:
    """Take what comes and say nothing."""
    await exchange.reader.read()


@contextlib.asynccontextmanager
async def pool(
    script: Script = listening,
    *,
    most: int = 2,
    seconds: float = 1,
    first_byte_seconds: float = 1,
    port: int | None = None,
    tls: Trust | None = None,
) -> AsyncIterator[tuple[UpstreamPool, ScriptedUpstream]]:
    async with ScriptedUpstream(script) as upstream:
        address = UpstreamAddress(
            host="127.0.0.1",
            port=port or upstream.port,
            tls=tls,
            connect_seconds=seconds,
            first_byte_seconds=first_byte_seconds,
            idle_seconds=1,
            max_connections=most,
        )
        loop = asyncio.get_running_loop()
        made = UpstreamPool(address, loop)

        async def sweep() -> None:  # as the front does, more often
            while True:
                made.sweep(loop.time())
                await asyncio.sleep(0.005)

        sweeping = loop.create_task(sweep())
        try:
            yield made, upstream
        finally:
            sweeping.cancel()
            made.close()
            await asyncio.sleep(0.01)


async def test_a_connection_put_back_is_given_again() -> None:
    async with pool() as (connections, _):
        first = await connections.acquire()
        connections.put_back(first)

        assert await connections.acquire() is first


async def test_a_fresh_connection_is_not_an_idle_one() -> None:
    """After a dead idle connection the next one is likely to be dead as well."""
    async with pool() as (connections, _):
        first = await connections.acquire()
        connections.put_back(first)

        assert await connections.acquire(fresh=True) is not first


async def test_a_fresh_connection_takes_the_place_of_an_idle_one_where_there_is_no_room() -> None:
    async with pool(most=1) as (connections, _):
        first = await connections.acquire()
        connections.put_back(first)
        second = await connections.acquire(fresh=True)

        assert second is not first
        assert not first.is_reusable


async def test_a_connection_that_the_system_closed_is_not_given() -> None:
    async def closing(exchange: Exchange) -> None:
        exchange.writer.close()

    async with pool(closing) as (connections, _):
        first = await connections.acquire()
        connections.put_back(first)
        await asyncio.sleep(0.05)

        assert connections.take_idle() is None


async def test_one_that_was_kept_while_it_closed_is_not_given() -> None:
    async with pool() as (connections, _):
        first = await connections.acquire()
        assert first._transport is not None
        first._transport.close()
        connections.keep(first)

        assert connections.take_idle() is None
        assert connections.busy == 0


async def test_one_that_stopped_being_reusable_is_dropped_on_the_way() -> None:
    async with pool() as (connections, _):
        first = await connections.acquire()
        connections.put_back(first)
        first.data_received(b"nobody asked")  # marks it and aborts; it is still among the idle
        assert connections.take_idle() is None
        connections.put_back(first)

        assert connections.take_idle() is None


async def test_who_waits_in_line_is_served_before_who_comes_later() -> None:
    """Otherwise those who wait starve while others are served."""
    async with pool(most=1) as (connections, _):
        first = await connections.acquire()
        in_line = asyncio.ensure_future(connections.acquire())
        await asyncio.sleep(0.01)
        connections.put_back(first)
        late = connections.take_idle()

        assert late is None
        assert await in_line is first


async def test_room_goes_to_the_first_in_line_too() -> None:
    async with pool(most=1) as (connections, upstream):
        first = await connections.acquire()
        waiting = [asyncio.ensure_future(connections.acquire()) for _ in range(2)]
        await asyncio.sleep(0.01)
        first.discard()
        late = asyncio.ensure_future(connections.acquire())
        second = await waiting[0]
        assert not waiting[1].done()
        second.discard()
        (await waiting[1]).discard()
        await late

        assert len(upstream.exchanges) == 4


async def test_a_connection_that_died_on_its_way_to_the_first_in_line_is_replaced() -> None:
    async with pool(most=1) as (connections, _):
        first = await connections.acquire()
        in_line = asyncio.ensure_future(connections.acquire())
        await asyncio.sleep(0.01)
        connections.put_back(first)
        first.discard()

        assert (await in_line).is_reusable


async def test_who_waits_too_long_is_told_that_the_system_is_busy() -> None:
    async with pool(most=1, seconds=0.05) as (connections, _):
        first = await connections.acquire()
        with pytest.raises(ExchangeError) as refused:
            await connections.acquire()
        assert (refused.value.status, refused.value.code) == (504, "upstream-busy")
        connections.put_back(first)

        assert await connections.acquire() is first


@pytest.mark.parametrize("dead", [True, False])
async def test_what_is_given_to_somebody_who_has_just_left_goes_to_the_next(dead: bool) -> None:
    """The connection, or the room for one, would be lost for ever."""
    async with pool(most=1) as (connections, _):
        first = await connections.acquire()
        leaving = asyncio.ensure_future(connections.acquire())
        staying = asyncio.ensure_future(connections.acquire())
        await asyncio.sleep(0.01)
        if dead:
            first.discard()
        else:
            connections.put_back(first)
        leaving.cancel()  # at the very moment: it has been given something, and never takes it

        assert (await asyncio.wait_for(staying, 0.5) is first) is not dead
        assert leaving.cancelled()


async def test_who_leaves_the_line_is_given_nothing() -> None:
    async with pool(most=1) as (connections, _):
        first = await connections.acquire()
        leaving = asyncio.ensure_future(connections.acquire())
        await asyncio.sleep(0.01)
        leaving.cancel()
        connections.put_back(first)
        await asyncio.sleep(0)

        assert connections.take_idle() is first


async def test_a_system_that_is_not_there_refuses_and_keeps_no_room() -> None:
    async with pool(most=1, port=1) as (connections, _):
        tried = await asyncio.gather(
            *(connections.acquire() for _ in range(3)), return_exceptions=True
        )

        assert [getattr(each, "code", each) for each in tried] == ["upstream-refused"] * 3
        assert [getattr(each, "status", 0) for each in tried] == [502] * 3


async def test_a_system_that_is_silent_while_connecting_is_a_504() -> None:
    async with pool(seconds=0.1, tls=MACHINE) as (connections, _):
        with pytest.raises(ExchangeError) as refused:
            await connections.acquire()

        assert (refused.value.status, refused.value.code) == (504, "upstream-connect-timeout")


async def test_a_system_with_a_certificate_of_somebody_else_is_refused() -> None:
    """Over TLS the peer is always verified: what is sent names people."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(server)
    listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=server)
    port = listener.sockets[0].getsockname()[1]
    async with pool(port=port, tls=MACHINE) as (connections, _):
        with pytest.raises(ExchangeError) as refused:
            await connections.acquire()

        assert (refused.value.status, refused.value.code) == (502, "upstream-tls")
    listener.close()


async def test_who_is_busy_is_counted_and_what_serves_nobody_can_be_closed() -> None:
    async with pool() as (connections, _):
        first, second = await connections.acquire(), await connections.acquire()
        in_line = asyncio.ensure_future(connections.acquire())
        await asyncio.sleep(0.01)
        assert connections.busy == 3
        in_line.cancel()
        connections.put_back(first)
        await asyncio.sleep(0)
        assert connections.busy == 1
        connections.close_idle()

        assert (first.is_reusable, second.is_reusable) == (False, True)
        assert connections.busy == 1


async def test_an_idle_connection_has_a_short_life() -> None:
    async with pool() as (connections, _):
        first = await connections.acquire()
        connections.put_back(first)
        assert first.deadline < asyncio.get_running_loop().time() + 5
        connections.sweep(asyncio.get_running_loop().time())
        assert first.is_reusable
        connections.sweep(first.deadline)

        assert connections.take_idle() is None


async def test_a_connection_nobody_knows_is_forgotten_without_harm() -> None:
    async with pool(most=1) as (connections, _):
        connections.forget(UpstreamConnection(connections))

        assert (await connections.acquire()).is_reusable


async def had_by(
    asker: str, connections: UpstreamPool, wanted: int
) -> tuple[list[UpstreamConnection], list["asyncio.Task[UpstreamConnection]"]]:
    """Have somebody ask for so many at once; gives those they have, and who waits."""
    asked = [asyncio.ensure_future(connections.acquire(asker)) for _ in range(wanted)]
    await asyncio.sleep(0)
    await until(lambda: not connections._opening)
    return [each.result() for each in asked if each.done()], [
        each for each in asked if not each.done()
    ]


async def one_each(connections: UpstreamPool, people: int) -> list[UpstreamConnection]:
    """Have so many people ask for one each."""
    return [await connections.acquire(f"staff-{number}") for number in range(people)]


async def given_up(waiting: list["asyncio.Task[UpstreamConnection]"]) -> None:
    """Have those who still wait go."""
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.parametrize(
    ("most", "first", "second", "third", "fourth"),
    [(64, 56, 7, 1, 0), (16, 14, 1, 1, 0), (4, 3, 1, 0, 0), (2, 1, 1, 0, 0), (1, 1, 0, 0, 0)],
)
async def test_nobody_has_more_than_seven_times_what_is_left_but_for_a_few(
    most: int, first: int, second: int, third: int, fourth: int
) -> None:
    async with pool(most=most) as (connections, _):
        waiting = []
        for asker, most_of_theirs in zip("abcd", (first, second, third, fourth), strict=True):
            theirs, in_line = await had_by(asker, connections, most + 1)
            assert len(theirs) == most_of_theirs
            waiting += in_line
        await given_up(waiting)


async def test_people_who_have_few_take_every_connection() -> None:
    async with pool(most=8) as (connections, upstream):
        await asyncio.gather(*(connections.acquire(f"staff-{number}") for number in range(8)))

        assert len(upstream.exchanges) == connections.busy == 8


async def test_an_idle_connection_that_is_kept_back_is_for_who_has_few() -> None:
    async with pool(most=4) as (connections, _):
        theirs, _ = await had_by("other", connections, 1)
        await had_by("slow", connections, 2)
        connections.put_back(theirs[0])
        third = connections.take_idle("slow")
        assert third is theirs[0]  # it is within what one person may have
        connections.put_back(third)
        fourth = await connections.acquire("other")
        connections.put_back(await connections.acquire("another"))

        assert connections.take_idle("slow") is None
        assert connections.take_idle("other") is None
        assert connections.take_idle("another") is not None
        assert fourth is third


async def test_who_waits_for_their_share_delays_nobody_else() -> None:
    async with pool(most=4) as (connections, _):
        _, waiting = await had_by("slow", connections, 50)
        began = asyncio.get_running_loop().time()
        for _ in range(3):
            connections.put_back(await connections.acquire("other"))
        assert asyncio.get_running_loop().time() - began < 0.05

        assert len(waiting) == 47
        await given_up(waiting)


async def test_who_has_their_share_is_served_on_as_theirs_comes_back() -> None:
    """Nobody else asks: what comes back is theirs again, in the order they asked."""
    async with pool(most=4) as (connections, _):
        theirs, waiting = await had_by("slow", connections, 9)
        served = []
        while waiting:
            connections.put_back(theirs.pop(0))
            theirs.append(await asyncio.wait_for(waiting[0], 0.5))
            served.append(waiting.pop(0))
            assert not any(each.done() for each in waiting)

        assert len(served) == 6


async def test_what_comes_back_is_given_to_one_person_after_the_other() -> None:
    async with pool(most=1) as (connections, _):
        connection = await connections.acquire("first")
        order: list[str] = []

        async def one(asker: str) -> None:
            given = await connections.acquire(asker)
            order.append(asker)
            connections.put_back(given)

        asked = [asyncio.ensure_future(one(each)) for each in "aaabbc"]
        await asyncio.sleep(0.01)
        connections.put_back(connection)
        await asyncio.gather(*asked)

        assert "".join(order) == "abcaba"


async def test_who_has_least_is_served_before_who_came_first() -> None:
    """All are in use, and the one that comes back is not for who has most of them."""
    async with pool(most=4) as (connections, _):
        theirs, waiting = await had_by("slow", connections, 4)
        await connections.acquire("other")
        late = asyncio.ensure_future(connections.acquire("late"))
        await asyncio.sleep(0.01)
        connections.put_back(theirs[0])

        assert await late is theirs[0]
        assert not waiting[0].done()
        await given_up(waiting)


async def test_who_comes_later_does_not_pass_those_of_their_own_who_wait() -> None:
    async with pool(most=4) as (connections, _):
        theirs, waiting = await had_by("slow", connections, 4)
        theirs[0].discard()
        late = asyncio.ensure_future(connections.acquire("slow"))
        await asyncio.wait_for(waiting[0], 0.5)

        assert not late.done()
        await given_up([late])


async def test_connections_that_are_being_opened_count_as_theirs_who_asked() -> None:
    async with pool(most=4) as (connections, _):
        asked = [asyncio.ensure_future(connections.acquire("slow")) for _ in range(4)]
        await asyncio.sleep(0)  # none of them is there yet
        other = asyncio.ensure_future(connections.acquire("other"))
        await other
        await asyncio.sleep(0.05)

        assert [each.done() for each in asked] == [True, True, True, False]
        await given_up(asked[3:])


async def test_what_was_given_in_line_counts_as_theirs_who_got_it() -> None:
    async with pool(most=4) as (connections, _):
        theirs, waiting = await had_by("first", connections, 4)
        await had_by("second", connections, 1)
        third = asyncio.ensure_future(connections.acquire("third"))
        await asyncio.sleep(0.01)
        connections.put_back(theirs.pop())
        await third
        late = asyncio.ensure_future(connections.acquire("third"))
        await asyncio.sleep(0.01)
        connections.put_back(theirs.pop())
        await asyncio.sleep(0.01)

        # One is free: the first has one, the third has one, and neither may have it.
        assert not late.done()
        assert not waiting[0].done()
        assert connections.take_idle("new") is not None
        await given_up([late, *waiting])


async def test_an_idle_connection_counts_as_theirs_who_takes_it() -> None:
    async with pool(most=4) as (connections, _):
        await one_each(connections, 2)
        connections.put_back(await connections.acquire("lender"))
        assert connections.take_idle("slow") is not None
        theirs, waiting = await had_by("slow", connections, 1)

        assert theirs == []
        await given_up(waiting)


async def test_one_that_was_kept_back_counts_as_theirs_too() -> None:
    async with pool(most=16) as (connections, _):
        lent = (await one_each(connections, 15))[0]
        connections.put_back(lent)
        assert connections.take_idle("slow") is lent
        theirs, waiting = await had_by("slow", connections, 1)

        assert theirs == []
        await given_up(waiting)


async def test_who_waits_for_their_own_waits_longer_and_is_told_so() -> None:
    """It will take its time; and where none is free at all the system is busy, for anybody."""
    async with pool(most=4, seconds=0.3, first_byte_seconds=0.9) as (connections, _):
        loop = asyncio.get_running_loop()
        await had_by("slow", connections, 3)
        began = loop.time()
        with pytest.raises(ExchangeError) as over:
            await connections.acquire("slow")
        took = loop.time() - began
        await connections.acquire("other")
        sooner = Promise(0.89, ())
        with pytest.raises(ExchangeError) as innocent:
            await connections.acquire("late")

        assert (over.value.status, over.value.code, over.value.unsent) == (429, PERSON_SHARE, True)
        assert took >= 0.89
        assert (innocent.value.status, innocent.value.code) == (504, "upstream-busy")
        assert loop.time() < sooner.latest


async def test_who_has_waited_has_all_the_time_for_connecting_that_others_have() -> None:
    """Or a system would be taken for one that cannot be reached."""
    async with pool(most=1, seconds=0.1, tls=MACHINE) as (connections, _):
        first = asyncio.ensure_future(connections.acquire())  # it never comes to be
        await asyncio.sleep(0.05)
        began = asyncio.get_running_loop().time()
        with pytest.raises(ExchangeError):
            await connections.acquire()

        assert asyncio.get_running_loop().time() - began > 0.13
        assert isinstance(first.exception(), ExchangeError)


async def test_what_somebody_had_before_does_not_keep_them_in_line() -> None:
    async with pool(most=16) as (connections, _):
        theirs, _ = await had_by("slow", connections, 8)
        await one_each(connections, 8)
        connections.put_back(theirs[0])  # idle, and kept back from them
        (waiting,) = (await had_by("slow", connections, 1))[1]
        theirs[1].discard()  # with six, they may have seven

        assert await asyncio.wait_for(waiting, 0.5) is theirs[0]


async def test_what_is_being_opened_for_somebody_counts_in_line() -> None:
    async with pool(most=16) as (connections, _):
        await had_by("slow", connections, 6)
        others = await one_each(connections, 8)
        seventh, eighth = (asyncio.ensure_future(connections.acquire("slow")) for _ in range(2))
        await asyncio.sleep(0)
        others[0].discard()
        await seventh
        await asyncio.sleep(0.02)

        assert not eighth.done()
        await given_up([eighth])


async def test_whoever_asks_for_nobody_has_no_share_and_is_held_to_none() -> None:
    async with pool(most=4) as (connections, _):
        for _ in range(4):
            await asyncio.wait_for(connections.acquire(), 0.5)

        assert connections.busy == 4


async def test_a_repeat_in_line_is_given_a_new_connection_and_not_an_idle_one() -> None:
    async with pool(most=4) as (connections, _):
        await had_by("slow", connections, 3)
        idle = await connections.acquire("other")
        repeat = asyncio.ensure_future(connections.acquire("slow", fresh=True))
        await asyncio.sleep(0.01)
        connections.put_back(idle)
        assert not repeat.done()
        for each in [each for each in connections._open if each is not idle][:2]:
            each.discard()

        assert await asyncio.wait_for(repeat, 0.5) is not idle


class Leaver:
    """A client that may hang up."""

    on_gone: Callable[[], None] | None = None


async def test_a_client_that_leaves_the_line_is_waited_for_no_longer() -> None:
    async with pool(most=1) as (connections, upstream):
        first = await connections.acquire("first")
        clients = [Leaver(), Leaver(), Leaver()]
        asked = [asyncio.ensure_future(connections.acquire("slow", each)) for each in clients]
        await asyncio.sleep(0.01)
        assert connections.busy == 4
        for each in clients[:2]:
            assert each.on_gone is not None
            each.on_gone()
            each.on_gone()  # a body that stalled, and then the connection
        assert connections.busy == 2
        first.discard()
        left = await asyncio.gather(*asked[:2], return_exceptions=True)
        await asked[2]

        assert [(each.status, each.code) for each in left if isinstance(each, ExchangeError)] == [
            (499, "client-gone")
        ] * 2
        assert [each.on_gone for each in clients] == [None] * 3
        assert len(upstream.exchanges) == 2  # nothing was opened for who had left


async def test_who_is_turned_away_is_gone_without_a_collector() -> None:
    """Each holds what their client sent; in a storm that would be all of a worker's memory."""
    gone: list[weakref.ref[Leaver]] = []

    async def told(connections: UpstreamPool, *, leaves: bool) -> str:
        client = Leaver()
        gone.append(weakref.ref(client))
        asked = asyncio.ensure_future(connections.acquire("late", client))
        await asyncio.sleep(0.01)
        if leaves and client.on_gone is not None:
            client.on_gone()
        await asyncio.wait({asked})
        return getattr(asked.exception(), "code", "served")

    async with pool(most=1, seconds=0.05) as (connections, _):
        await connections.acquire("first")
        gc.disable()
        try:
            codes = [await told(connections, leaves=leaves) for leaves in (True, False)]
            await asyncio.sleep(0.01)

            assert codes == ["client-gone", "upstream-busy"]
            assert [each() for each in gone] == [None, None]
        finally:
            gc.enable()


async def test_of_hundreds_who_waited_too_long_a_few_are_turned_away_at_a_time() -> None:
    async with pool(most=1, seconds=0.05) as (connections, _):
        await connections.acquire("first")
        asked = [asyncio.ensure_future(connections.acquire("late")) for _ in range(400)]
        turns: list[int] = []
        while not all(each.done() for each in asked):
            turns.append(sum(each.done() for each in asked))
            await asyncio.sleep(0)
        turns.append(len(asked))

        assert max(after - before for before, after in pairwise(turns)) <= 60
        assert {getattr(each.exception(), "code", "") for each in asked} == {"upstream-busy"}


async def test_a_client_that_leaves_as_it_is_served_leaves_nothing_behind() -> None:
    async with pool(most=1) as (connections, _):
        first = await connections.acquire("first")
        client = Leaver()
        asked = asyncio.ensure_future(connections.acquire("slow", client))
        await asyncio.sleep(0.01)
        connections.put_back(first)
        assert client.on_gone is not None
        client.on_gone()

        assert await asked is first
        assert connections.busy == 1

"""A system and its instances: the choice, who is out, who is drained, what operators are told."""

import asyncio
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import CapturingLogger

from gateway.backoffice.instance_health import HealthRule
from gateway.backoffice.shares import PERSON_SHARE
from gateway.backoffice.transport import ExchangeError
from gateway.backoffice.upstream import Upstream, spellings
from tests.doubles.scripted_upstream import Exchange, ScriptedUpstream
from tests.gateway.backoffice.systems import address_of, system_at

NOWHERE = 9
SOON = HealthRule(failures=2, out_seconds=0.05)
SEEN = HealthRule(failures=2, out_seconds=0.05, looks=2, look_seconds=0.02)


@pytest.fixture
def told() -> Iterator[CapturingLogger]:
    logger = CapturingLogger()
    structlog.configure(
        processors=[], logger_factory=lambda *_: logger, cache_logger_on_first_use=False
    )
    yield logger
    structlog.reset_defaults()


def lines(told: CapturingLogger) -> list[str]:
    """Give what was said, each line with the last number of its server."""
    return [
        f"{each.kwargs['event']} {each.kwargs.get('server', '').rpartition('.')[2]}".strip()
        for each in told.calls
    ]


def system(count: int, *, rule: HealthRule = SOON, least_loaded: bool = False) -> Upstream:
    """Give a system whose instances are at 127.0.0.1, 127.0.0.2 and so on."""
    addresses = []
    for number in range(count):
        _, address = address_of(NOWHERE)
        addresses.append((f"http://127.0.0.{number + 1}", address))
    return system_at(*addresses, rule=rule, least_loaded=least_loaded)


def named(made: Upstream, times: int) -> list[str]:
    return [made.choose().url[-1] for _ in range(times)]


async def test_one_instance_is_no_choice() -> None:
    made = system(1)

    assert made.only is made.instances[0]
    assert made.choose() is made.instances[0]
    assert not made.may_try_again([made.instances[0]])


async def test_after_a_failure_the_only_instance_is_watched_until_it_answers() -> None:
    made = system(1)
    made.failed(made.instances[0], "upstream-refused", "robin")
    assert made.only is None
    assert made.choose() is made.instances[0]

    made.answered(made.instances[0], 200, "", "robin")

    assert made.only is made.instances[0]


async def test_several_are_asked_in_turn() -> None:
    made = system(3)

    assert made.only is None
    assert sorted(named(made, 3)) == ["1", "2", "3"]
    assert named(made, 3) == named(made, 3)


async def test_the_least_loaded_is_asked_and_among_equals_each_in_turn() -> None:
    made = system(3, least_loaded=True)
    assert sorted(named(made, 3)) == ["1", "2", "3"]
    made.instances[0].running = 1
    made.instances[2].running = 2

    assert named(made, 3) == ["2", "2", "2"]


async def test_what_is_out_of_service_is_asked_only_when_all_else_has_failed(
    told: CapturingLogger,
) -> None:
    made = system(3)
    ill, *others = made.instances
    for _ in range(2):
        made.failed(ill, "upstream-refused", "robin")

    assert sorted(named(made, 4)) == ["2", "2", "3", "3"]
    assert made.choose([others[0]]) is others[1]
    assert made.choose(others) is ill
    assert not made.may_try_again([*others, ill])
    assert lines(told) == ["instance out of service 1"]
    assert told.calls[0].kwargs["reason"] == "upstream-refused"


async def test_nobody_asks_more_than_three_instances_for_one_request() -> None:
    made = system(5)

    assert made.may_try_again(made.instances[:2])
    assert not made.may_try_again(made.instances[:3])


@pytest.mark.parametrize("code", ["upstream-busy", "upstream-location", "client-gone"])
async def test_what_no_instance_is_to_blame_for_does_not_count(code: str) -> None:
    made = system(2)
    for _ in range(9):
        made.answered(made.instances[0], 502, code, "robin")

    assert made.state == "ok"


@pytest.mark.parametrize("code", ["upstream-busy", "upstream-drained", PERSON_SHARE])
async def test_nor_does_what_we_refused_ourselves(code: str) -> None:
    made = system(2)
    for number in range(9):
        made.failed(made.instances[0], code, f"staff-{number}")

    assert made.state == "ok"


async def test_one_person_has_an_instance_looked_at_and_no_more(told: CapturingLogger) -> None:
    """It answers the look, so nothing happens to it; another that does not goes out."""
    async with ScriptedUpstream(answers_ill) as well:
        made = system_at(address_of(well.port), address_of(NOWHERE), rule=SOON)
        for each in made.instances:
            for _ in range(9):
                made.answered(each, 500, "", "robin")
        async with asyncio.timeout(5):
            while made.instances[1].health.in_service:
                made.sweep(asyncio.get_running_loop().time())
                await asyncio.sleep(0.005)

        assert made.instances[0].health.in_service
        assert well.exchanges  # it was looked at
        assert lines(told)[0].startswith("instance out of service")
        assert len(lines(told)) == 1
        made.close()


async def answers_ill(exchange: Exchange) -> None:
    """Take a connection, and nothing else."""
    await exchange.reader.read()


async def test_when_the_last_one_fails_operators_are_told_once(told: CapturingLogger) -> None:
    made = system(2)
    for _ in range(6):
        for each in made.instances:
            made.failed(each, "upstream-refused", "robin")

    assert made.state == "away"
    assert len(made._serving) == 1
    assert lines(told) == ["instance out of service 1", "system away"]
    assert told.calls[1].kwargs["alarm"] == "upstream-away"


async def test_a_drained_instance_is_asked_by_nobody(told: CapturingLogger) -> None:
    made = system(3)
    made.drain(frozenset({"http://127.0.0.2", "http://somewhere.else"}))
    made.drain(frozenset({"http://127.0.0.2"}))

    assert sorted(named(made, 4)) == ["1", "1", "3", "3"]
    assert made.state == "degraded"
    with pytest.raises(ExchangeError, match="upstream-drained") as refused:
        made.choose([made.instances[0], made.instances[2]])
    assert refused.value.unsent
    made.instances[1].running = 1
    made.sweep(0)
    assert not made.instances[1].emptied
    made.instances[1].running = 0
    made.sweep(0)
    made.sweep(0)
    made.drain(frozenset())
    assert sorted(named(made, 3)) == ["1", "2", "3"]
    assert lines(told) == ["instance drained 2", "instance empty 2", "instance given back 2"]


@pytest.mark.parametrize("drained", [True, False])
async def test_who_is_taken_out_loses_the_connections_that_serve_nobody(drained: bool) -> None:
    """Some may be dead without having said so; and an operator waits for the last to end."""

    async def listening(exchange: Exchange) -> None:
        await exchange.reader.read()

    async with ScriptedUpstream(listening) as office:
        made = system_at(address_of(office.port), address_of(NOWHERE), rule=SOON)
        pool = made.instances[0].pool
        idle, busy = await pool.acquire(), await pool.acquire()
        pool.put_back(idle)
        if drained:
            made.drain(frozenset({made.instances[0].url}))
        else:
            for _ in range(2):
                made.failed(made.instances[0], "upstream-refused", "robin")

        assert (idle.is_reusable, busy.is_reusable) == (False, True)
        made.close()


async def test_where_the_last_one_in_service_is_drained_one_that_is_out_is_asked() -> None:
    made = system(2)
    for _ in range(2):
        made.failed(made.instances[0], "upstream-refused", "robin")
    made.drain(frozenset({made.instances[1].url}))

    assert made.choose() is made.instances[0]


async def until(made: Upstream, state: str) -> None:
    """Sweep until a system is so."""
    async with asyncio.timeout(5):
        while made.state != state:
            made.sweep(asyncio.get_running_loop().time())
            await asyncio.sleep(0.01)


async def test_looks_alone_put_an_instance_out_and_bring_it_back(told: CapturingLogger) -> None:
    """Nobody has asked it for anything."""
    statuses = {1: 200, 2: 200}

    def answering(number: int) -> ScriptedUpstream:
        async def script(exchange: Exchange) -> None:
            await exchange.head()
            await exchange.say(b"HTTP/1.1 %d Said\r\nContent-Length: 0\r\n\r\n" % statuses[number])

        return ScriptedUpstream(script)

    async with answering(1) as first, answering(2) as second:
        made = system_at(
            address_of(first.port), address_of(second.port), rule=SEEN, look_path="/health"
        )
        statuses[1] = 500
        await until(made, "degraded")
        assert made.choose() is made.choose() is made.instances[1]
        statuses[1] = 200
        await until(made, "ok")
        made.close()

    assert [each.kwargs["event"] for each in told.calls] == [
        "instance out of service",
        "instance back in service",
    ]
    assert told.calls[0].kwargs["reason"] == "health-500"


async def test_what_is_out_and_has_no_page_of_health_comes_back_when_it_takes_connections() -> None:
    async def listening(exchange: Exchange) -> None:
        await exchange.reader.read()

    async with ScriptedUpstream(listening) as office:
        made = system_at(address_of(office.port), address_of(NOWHERE), rule=SOON)
        for each in made.instances:
            made.failed(each, "upstream-refused", "robin")
        made.failed(made.instances[0], "upstream-refused", "robin")
        assert made.state == "degraded"
        await until(made, "ok")
        made.close()


async def test_a_drained_instance_is_not_looked_at() -> None:
    made = system(2, rule=SEEN)
    made.drain(frozenset({made.instances[0].url}))
    made.sweep(asyncio.get_running_loop().time() + 1)

    assert made.instances[0].look is None
    assert made.instances[1].look is not None
    made.close()


async def test_a_system_knows_its_own_places_however_the_port_is_spelt() -> None:
    _, address = address_of(NOWHERE)
    made = system_at(("https://ebs1.internal", address), host="ebs.internal:8443")

    assert made.origins.keys() == {
        "https://ebs1.internal",
        "https://ebs1.internal:443",
        "https://ebs.internal:8443",
        "https://ebs.internal:8443:443",
    }
    assert spellings("http", "gate:80") == {"http://gate", "http://gate:80"}
    assert made.instances[0].host == b"ebs.internal:8443"

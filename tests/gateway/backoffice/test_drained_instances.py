"""What an operator drains, every worker drains: at once, and after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.backoffice.drained_instances import DrainFollower, drained_instances, set_drained
from gateway.backoffice.upstream import Upstream
from gateway.store.engine import reading, writing
from gateway.store.schema import microseconds
from tests.gateway.backoffice.systems import address_of, system_at
from tests.gateway.identity.parts import AT, Parts, new_parts


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    with new_parts(tmp_path) as made:
        yield made


def change(parts: Parts, instance: str, *, drained: bool, system: str = "ebs") -> bool:
    with writing(parts.store) as connection:
        changed = set_drained(connection, parts.bulletin, system, instance, drained=drained, at=AT)
    parts.bulletin.ring()
    return changed


def two() -> Upstream:
    return system_at(address_of(1), address_of(2))


async def drained(upstream: Upstream) -> list[str]:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return [each.url for each in upstream.instances if each.drained]


def follower(parts: Parts, upstream: Upstream) -> DrainFollower:
    return DrainFollower(parts.store, [upstream], asyncio.get_running_loop())


async def test_a_worker_hears_of_it_on_the_bulletin(parts: Parts) -> None:
    upstream = two()
    follows = follower(parts, upstream)
    parts.reader.listen(follows.apply)
    parts.reader.read()
    first, second = (each.url for each in upstream.instances)

    assert change(parts, first, drained=True)
    parts.reader.catch_up()
    assert await drained(upstream) == [first]
    assert change(parts, second, drained=True)
    assert change(parts, first, drained=False)
    parts.reader.catch_up()
    assert await drained(upstream) == [second]


async def test_a_worker_that_starts_later_knows_it(parts: Parts) -> None:
    upstream = two()
    change(parts, upstream.instances[1].url, drained=True)
    change(parts, upstream.instances[0].url, drained=True, system="another")

    follower(parts, upstream).read()

    assert await drained(upstream) == [upstream.instances[1].url]


async def test_other_news_is_none_of_its_business(parts: Parts) -> None:
    upstream = two()
    change(parts, upstream.instances[0].url, drained=True)
    follows = follower(parts, upstream)

    follows.apply(frozenset({"policy"}))
    assert await drained(upstream) == []
    follows.apply(frozenset({"everything"}))
    assert await drained(upstream) == [upstream.instances[0].url]


def test_it_is_kept_since_when_and_nothing_happens_twice(parts: Parts) -> None:
    assert not change(parts, "http://a", drained=False)
    assert change(parts, "http://a", drained=True)
    assert not change(parts, "http://a", drained=True)
    with reading(parts.store) as connection:
        assert drained_instances(connection) == {"ebs": {"http://a": microseconds(AT)}}

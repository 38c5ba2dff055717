"""Where a system's cookies stay: with their session, in every worker, and no longer than that."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, select, text
from typing_extensions import override

from gateway.backoffice.cookie_jar import CookieJar
from gateway.backoffice.kept_cookies import KeptCookies, jar_subject
from gateway.bulletin import Bulletin, BulletinReader
from gateway.identity.sessions.session_ending import Whose
from gateway.store import schema
from gateway.store.engine import StoreUnavailable, reading, writing
from tests.doubles.waiting import until
from tests.gateway.identity.parts import AT, Parts, later, new_parts

EBS = "ebs"


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    with new_parts(tmp_path) as made:
        yield made


def worker(parts: Parts) -> tuple[KeptCookies, BulletinReader]:
    jars = KeptCookies(parts.store, parts.bulletin)
    reader = BulletinReader(parts.store, parts.bulletin)
    reader.listen(jars.apply)
    reader.read()
    return jars, reader


async def keep(jars: KeptCookies, session: str, *values: bytes, system: str = EBS) -> None:
    await jars.keep(session, system, values, path="/", at=AT)


def sent(jars: KeptCookies, session: str, system: str = EBS) -> bytes:
    jar = jars.find((session, system))
    return (jars.load(session, system) if jar is None else jar).header_for("/", AT.timestamp())


async def test_a_cookie_is_there_at_the_next_request_in_whichever_worker(parts: Parts) -> None:
    _, session = parts.sign_in()
    (here, here_reader), (there, there_reader) = worker(parts), worker(parts)
    assert sent(there, session.hash) == b""
    await keep(here, session.hash, b"s=1")
    await keep(here, session.hash, b"t=2")
    assert not there_reader.is_current(0)
    there_reader.read()
    here_reader.read()

    assert sent(here, session.hash) == b"s=1; t=2"
    assert sent(there, session.hash) == b"s=1; t=2"


async def test_jars_belong_to_one_session_and_one_system(parts: Parts) -> None:
    _, mine = parts.sign_in()
    _, theirs = parts.sign_in("bob", "40012")
    jars, _ = worker(parts)
    await keep(jars, mine.hash, b"s=1")

    assert sent(jars, theirs.hash) == b""
    assert sent(jars, mine.hash, "fleet") == b""
    assert sent(jars, mine.hash) == b"s=1"


async def test_what_changes_nothing_costs_nothing(parts: Parts) -> None:
    _, session = parts.sign_in()
    jars, _ = worker(parts)
    await keep(jars, session.hash, b"s=1")
    assert sent(jars, session.hash) == b"s=1"
    rung = parts.bulletin.counter()
    await keep(jars, session.hash, b"s=1")
    jars.apply(frozenset({f"jar:{session.hash}"}))
    await keep(jars, session.hash, b"s=1", b"nonsense")

    assert parts.bulletin.counter() == rung


async def test_of_two_changes_at_a_time_none_is_lost(parts: Parts) -> None:
    """Two answers of one page set cookies at once; the memory must not keep the earlier jar."""
    _, session = parts.sign_in()
    jars, _ = worker(parts)
    sent(jars, session.hash)
    await asyncio.gather(*(keep(jars, session.hash, b"c%d=1" % n) for n in range(8)))

    assert sorted(sent(jars, session.hash).split(b"; ")) == [b"c%d=1" % n for n in range(8)]


async def test_of_two_changes_the_later_one_is_kept_in_whichever_order_they_come_back(
    parts: Parts, tmp_path: Path
) -> None:
    """The store knows which came last; the memory of a worker must not believe otherwise."""

    class HeldBell(Bulletin):
        """A bell that the first to ring it stands at until the second has rung."""

        first = True
        second_is_done = threading.Event()

        @override
        def ring(self) -> None:
            super().ring()
            if self.first:
                self.first = False
                self.second_is_done.wait(5)

    _, session = parts.sign_in()
    bell = HeldBell(tmp_path)
    jars = KeptCookies(parts.store, bell)
    reader = BulletinReader(parts.store, bell)
    reader.listen(jars.apply)
    reader.read()
    first = asyncio.ensure_future(keep(jars, session.hash, b"s=1"))
    await until(lambda: not bell.first)
    await keep(jars, session.hash, b"s=2")
    reader.read()
    assert sent(jars, session.hash) == b"s=2"
    bell.second_is_done.set()
    await first
    bell.close()

    assert sent(jars, session.hash) == b"s=2"


async def test_a_jar_read_while_it_changes_is_used_once_and_not_kept(parts: Parts) -> None:
    _, session = parts.sign_in()
    jars, _ = worker(parts)

    await keep(jars, session.hash, b"s=1")
    event.listen(
        parts.store,
        "after_cursor_execute",
        lambda *_: jars.apply(frozenset({f"jar:{session.hash}"})),
        once=True,
    )
    assert jars.load(session.hash, EBS).header_for("/", 0) == b"s=1"

    assert jars.find((session.hash, EBS)) is None


@pytest.mark.parametrize("subject", ["everything", "jar:{hash}"])
async def test_what_changed_elsewhere_is_forgotten_here(parts: Parts, subject: str) -> None:
    _, session = parts.sign_in()
    jars, _ = worker(parts)
    sent(jars, session.hash)
    jars.apply(frozenset({"person:somebody"}))
    kept = jars.find((session.hash, EBS))
    jars.apply(frozenset({subject.format(hash=session.hash)}))

    assert (kept, jars.find((session.hash, EBS))) == (CookieJar(), None)


@pytest.mark.parametrize("how", ["one", "all"])
async def test_signing_out_empties_the_jars_of_the_session_and_no_others(
    parts: Parts, how: str
) -> None:
    """The back office's own session is in there: it lets somebody in as well."""
    _, session = parts.sign_in()
    _, other = parts.sign_in("bob", "40012")
    jars, _ = worker(parts)
    await keep(jars, session.hash, b"s=1")
    await keep(jars, other.hash, b"t=1")
    if how == "one":
        parts.sessions.end(session.hash, at=AT)
    else:
        parts.sessions.end_all(Whose(person="cheshire-fire/40011"), at=AT, reason="test")
    await keep(jars, session.hash, b"late=1")  # an answer that was on its way

    with reading(parts.store) as connection:
        left = connection.execute(select(schema.upstream_cookie.c.session_hash)).scalars().all()
    assert left == [other.hash]


async def test_a_session_that_is_purged_takes_its_jar_along(parts: Parts) -> None:
    _, session = parts.sign_in()
    jars, _ = worker(parts)
    await keep(jars, session.hash, b"s=1")
    parts.sessions.purge(at=later(hours=11))

    with reading(parts.store) as connection:
        assert connection.execute(text("SELECT count(*) FROM upstream_cookie")).scalar_one() == 0


async def test_the_memory_for_jars_is_bounded(parts: Parts) -> None:
    """The one that was read first goes first, and not all of them."""
    jars = KeptCookies(parts.store, parts.bulletin, capacity=2)
    for name in ("a", "b", "c"):
        jars.load(name, EBS)

    assert [jars.find((name, EBS)) for name in ("a", "b", "c")] == [None, CookieJar(), CookieJar()]


async def test_a_change_leaves_every_system_of_that_session_and_no_other_session(
    parts: Parts,
) -> None:
    jars = KeptCookies(parts.store, parts.bulletin)
    for name in ("a", "b"):
        for system in (EBS, "fleet"):
            jars.load(name, system)
    jars.apply(frozenset({jar_subject("a")}))

    assert [jars.find(("a", system)) for system in (EBS, "fleet")] == [None, None]
    assert [jars.find(("b", system)) for system in (EBS, "fleet")] == [CookieJar(), CookieJar()]


async def test_a_store_that_is_away_is_told(parts: Parts) -> None:
    _, session = parts.sign_in()
    jars, _ = worker(parts)
    with writing(parts.store) as connection:
        connection.execute(text("ALTER TABLE upstream_cookie RENAME TO gone"))

    with pytest.raises(StoreUnavailable):
        await keep(jars, session.hash, b"s=1")
    with pytest.raises(StoreUnavailable):
        jars.load(session.hash, EBS)


async def test_jars_of_sessions_that_are_not_there_any_more_leave_memory(parts: Parts) -> None:
    jars, _ = worker(parts)
    sessions = [parts.sign_in()[1].hash, parts.sign_in("bob", "40012")[1].hash]
    for session in sessions:
        await keep(jars, session, b"s=1")
        sent(jars, session)
    jars.forget_others(frozenset(sessions[1:]))

    assert jars.find((sessions[0], EBS)) is None
    assert jars.find((sessions[1], EBS)) is not None
    assert sent(jars, sessions[0]) == b"s=1"  # the store has it

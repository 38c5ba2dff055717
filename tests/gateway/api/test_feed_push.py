"""Exports that units send: proved before anything else is said, imported as by the command."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.api import feed_push
from gateway.api.feed_push import FeedPush, Imported
from gateway.refused import Refused
from gateway.wire.answers import give, plain
from tests.doubles.raw_client import RawClient
from tests.doubles.waiting import until
from tests.gateway.visits import REFERENCE, new_visit
from tests.gateway.wire.bench import bench

if TYPE_CHECKING:
    from gateway.audit.entry import EntryDraft
    from gateway.audit.recorder import Recorder
    from gateway.visit import Visit
    from gateway.wire.connection import Connection
    from gateway.wire.incoming import Incoming

KEY = Ed25519PrivateKey.generate()
EXPORT = b"# feed=unit ...\n"
REPORT = Imported(code=0, out=b'{"new": 2}', error="")


class Noting:
    """A record that remembers, and an importer that answers what it is told."""

    def __init__(self) -> None:
        self.drafts: list[EntryDraft] = []
        self.asked: list[tuple[str, bytes, bytes, bool]] = []
        self.answers = REPORT
        self.refused: list[Refused] = []
        self.waits: list[int] = []
        self.released = threading.Event()
        self.released.set()

    async def record_async(self, draft: EntryDraft) -> None:
        self.drafts.append(draft)

    def importer(self, feed: str, body: bytes, signature: bytes, dry_run: bool) -> Imported:
        self.asked.append((feed, body, signature, dry_run))
        self.released.wait(10)
        return self.answers


@contextlib.asynccontextmanager
async def gate(folder: Path) -> AsyncIterator[tuple[Noting, Callable[..., Awaitable[bytes]]]]:
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "unit.pem").write_bytes(pem)
    noting = Noting()
    push = FeedPush(
        keys={"unit": folder / "unit.pem"},
        importer=noting.importer,
        recorder=cast("Recorder", noting),
    )

    async def serve(incoming: Incoming, connection: Connection) -> None:
        visit: Visit = new_visit(incoming, connection)
        try:
            await push.act(visit)
        except Refused as refused:
            noting.refused.append(refused)
            noting.waits.append(visit.wait_seconds)
            give(plain(refused.status, refused.code, REFERENCE), incoming, connection)

    async with bench(serve) as opened:

        async def ask(
            path: str = "/-/api/vetting/feed/unit",
            *,
            body: bytes = EXPORT,
            signature: str | None = None,
            method: str = "POST",
            more: str = "",
            sends: bytes | None = None,
        ) -> bytes:
            client: RawClient = await opened.client()
            if sends is not None:
                head = f"{method} {path} HTTP/1.1\r\nHost: gate\r\nContent-Length: 99999\r\n\r\n"
                await client.say(head.encode() + sends)
                return await client.answer()
            signed = base64.b64encode(KEY.sign(body)).decode() if signature is None else signature
            field = f"Feed-Signature: {signed}\r\n" if signed else ""
            head = (
                f"{method} {path} HTTP/1.1\r\nHost: gate\r\n{field}{more}"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            await client.say(head.encode() + body)
            return await client.answer()

        yield noting, ask


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def told(answer: bytes) -> dict[str, object]:
    read: dict[str, object] = orjson.loads(answer.partition(b"\r\n\r\n")[2])
    return read


async def test_a_signed_export_is_imported_and_reported(tmp_path: Path) -> None:
    async with gate(tmp_path) as (noting, ask):
        answer, dry = await ask(), await ask("/-/api/vetting/feed/unit?dry_run=1")

        assert (status(answer), told(answer)) == (200, {"new": 2, "visit": REFERENCE})
        assert status(dry) == 200
        assert [(feed, body, dry) for feed, body, _, dry in noting.asked] == [
            ("unit", EXPORT, False),
            ("unit", EXPORT, True),
        ]
        assert b"Set-Cookie" not in answer


async def test_whoever_has_not_signed_learns_nothing(tmp_path: Path) -> None:
    """No signature, another's, one of another export, and a feed that is none: one answer."""
    other = base64.b64encode(Ed25519PrivateKey.generate().sign(EXPORT)).decode()
    async with gate(tmp_path) as (noting, ask):
        answers = [
            await ask(signature=""),
            await ask(signature="!"),
            await ask(signature=other),
            await ask(signature=base64.b64encode(KEY.sign(EXPORT + b" ")).decode()),
            await ask("/-/api/vetting/feed/no-such-feed"),
            await ask("/-/api/vetting/feed/"),
        ]

        assert {status(answer) for answer in answers} == {401}
        assert len(set(answers)) == 1
        assert {refused.code for refused in noting.refused} == {"feed-not-signed"}
        assert noting.asked == []


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"method": "PUT"}, (405, "feed-method")),
        ({"path": "/-/api/vetting/feed/unit?dry_run=0"}, (400, "feed-request")),
        ({"path": "/-/api/vetting/feed/unit?confirm_drop=1"}, (400, "feed-request")),
        ({"more": "Content-Encoding: gzip\r\n"}, (400, "feed-request")),
    ],
)
async def test_nothing_but_an_export_is_taken(
    tmp_path: Path, asked: dict[str, str], code: tuple[int, str]
) -> None:
    async with gate(tmp_path) as (noting, ask):
        await ask(**asked)

        assert [(each.status, each.code) for each in noting.refused] == [code]
        assert noting.asked == []


async def test_an_export_that_is_too_large_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_push, "MAX_BODY_BYTES", 10)
    async with gate(tmp_path) as (noting, ask):
        assert status(await ask()) == 413
        assert noting.asked == []


@pytest.mark.parametrize(
    ("answers", "answered", "said"),
    [
        (
            Imported(1, b'{"faults": [{"line": 4, "message": "no level"}], "count": 1}', "x"),
            422,
            {"refused": True, "faults": [{"line": 4, "message": "no level"}], "count": 1},
        ),
        (
            Imported(1, b"", "import: only a newer one can be"),
            409,
            {"refused": True, "message": "import: only a newer one can be"},
        ),
        (Imported(-1, b"", ""), 503, {"refused": True}),
        (Imported(2, b"[]", "usage"), 503, {"refused": True}),
    ],
)
async def test_what_is_not_taken_over_is_told_to_the_unit_and_recorded(
    tmp_path: Path, answers: Imported, answered: int, said: dict[str, object]
) -> None:
    async with gate(tmp_path) as (noting, ask):
        noting.answers = answers
        answer = await ask()

        assert (status(answer), told(answer)) == (answered, {**said, "visit": REFERENCE})
        (draft,) = noting.drafts
        assert (draft.code, draft.status, draft.reference) == ("feed-refused", answered, REFERENCE)


async def test_whoever_comes_slowly_gives_the_place_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two strangers who send a byte now and then would keep every unit out."""
    monkeypatch.setattr(feed_push, "LOOK_SECONDS", 0.1)
    async with gate(tmp_path) as (noting, ask):
        slow = [asyncio.ensure_future(ask(sends=b"#")) for _ in range(feed_push.AT_ONCE)]
        answers = await asyncio.wait_for(asyncio.gather(*slow), 10)
        after = await ask()

        assert [status(each) for each in answers] == [408] * feed_push.AT_ONCE
        assert {each.code for each in noting.refused} == {"feed-too-slow"}
        assert status(after) == 200


async def test_a_worker_holds_so_many_exports_and_no_more(tmp_path: Path) -> None:
    async with gate(tmp_path) as (noting, ask):
        noting.released.clear()
        running = [asyncio.ensure_future(ask()) for _ in range(feed_push.AT_ONCE)]
        await until(lambda: len(noting.asked) == feed_push.AT_ONCE)
        third = await ask()
        noting.released.set()

        assert (status(third), noting.waits) == (429, [30])
        assert [status(each) for each in await asyncio.gather(*running)] == [200, 200]

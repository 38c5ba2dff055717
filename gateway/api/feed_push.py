"""`POST /-/api/vetting/feed/<feed>`: a vetting unit sends its export by itself.

The body is the export, as `gateway vetting import` takes it, and `Feed-Signature` the unit's
detached Ed25519 signature of it, in base64. No cookie and no session is looked at. In order:

1. Who has not signed is told nothing but that: an unknown feed, one without a key, no signature and
   a wrong one are a single answer, after the same work.
2. The import is the command's own, in a process of its own: an export of 50,000 rows must not slow
   down anybody who is at work here. The export passes through memory only.
3. The same export once more changes nothing and says so; an older one is refused. An export that
   lacks suspiciously many grants is refused too, and is confirmed at the command line only.

Answers are JSON: the reconciliation report, or every fault with its line.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from gateway.audit.entry import Kind
from gateway.drafts import refusal_draft
from gateway.feed_signature import is_signed
from gateway.refused import Refused
from gateway.wire.answers import document, give

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from gateway.audit.recorder import Recorder
    from gateway.visit import Visit
    from gateway.wire.incoming import Incoming

PREFIX: Final = "/-/api/vetting/feed/"
SIGNATURE_FIELD: Final = b"Feed-Signature"
MAX_BODY_BYTES: Final = 64 * 1024 * 1024  # 50,000 rows are a quarter of it
BODY_SECONDS: Final = 120
LEAST_BYTES_A_SECOND: Final = 64 * 1024  # 50,000 rows in time need twice as much
LOOK_SECONDS: Final = 5.0
IMPORT_SECONDS: Final = 300
AT_ONCE: Final = 2  # exports that a worker holds in memory
_BUSY_SECONDS: Final = 30
_JSON: Final = b"application/json"
_REFUSED: Final = 1
_SHOWN_CHARACTERS: Final = 2_000
_NEITHER_ASKED: Final = frozenset({"", "dry_run=1"})


class Imported(NamedTuple):
    """What came of an import: the exit code, what it wrote, what it complained of."""

    code: int
    out: bytes
    error: str


class FeedPush:
    """Takes exports that units send. One a worker, on its loop."""

    def __init__(
        self,
        *,
        keys: Mapping[str, Path],
        importer: Callable[[str, bytes, bytes, bool], Imported],
        recorder: Recorder,
    ) -> None:
        """Hold the parts.

        Args:
            keys: the unit's public key, by feed; feeds without one cannot be pushed.
            importer: imports: feed, export, signature, whether to change nothing. Blocks.
            recorder: makes refusals durable.
        """
        self._keys = dict(keys)
        self._importer = importer
        self._recorder = recorder
        self._room = asyncio.Semaphore(AT_ONCE)

    @property
    def takes_any(self) -> bool:
        """Whether any unit may send exports."""
        return bool(self._keys)

    async def act(self, visit: Visit) -> None:
        """Take one export; see `gateway.acts.OpenAct`.

        Raises:
            Refused: before anybody has proved who they are.
            RecordUnavailable: a refusal could not be recorded.
        """
        head, target = visit.incoming.head, visit.target
        if head.method != "POST" or target is None:
            visit.told_fields = ((b"Allow", b"POST"),)
            raise Refused(405, "feed-method")
        query = target.sent.partition(b"?")[2].decode("ascii")
        if query not in _NEITHER_ASKED or b"content-encoding" in head.headers:
            raise Refused(400, "feed-request")
        if self._room.locked():
            visit.wait_seconds = _BUSY_SECONDS
            raise Refused(429, "feed-busy")
        async with self._room:
            await self._take(visit, target.path.removeprefix(PREFIX), dry_run=bool(query))

    async def _take(self, visit: Visit, feed: str, *, dry_run: bool) -> None:
        incoming = visit.incoming
        body = await _read(incoming)
        if body is None:
            raise Refused(*(incoming.failure if incoming.failed else (413, "feed-too-large")))
        signature = incoming.head.headers.get(SIGNATURE_FIELD.lower(), b"")
        loop = asyncio.get_running_loop()
        signed = await loop.run_in_executor(None, self._is_signed, feed, body, signature)
        if not signed:
            visit.told_fields = ((b"WWW-Authenticate", SIGNATURE_FIELD),)
            raise Refused(401, "feed-not-signed")
        done = await loop.run_in_executor(None, self._importer, feed, body, signature, dry_run)
        await self._answer(visit, done)

    def _is_signed(self, feed: str, body: bytes, signature: bytes) -> bool:
        """Judge a signature; that there is no such feed takes as long, and is as wrong."""
        key = self._keys.get(feed)
        good = is_signed(body, signature, key or next(iter(self._keys.values())))
        return good and key is not None

    async def _answer(self, visit: Visit, done: Imported) -> None:
        report = _report(done.out)
        if done.code == 0:
            status, told = 200, report
        elif done.code == _REFUSED:
            status = 422 if "faults" in report else 409
            told = {"refused": True, **report}
            if "faults" not in report:
                told["message"] = done.error[:_SHOWN_CHARACTERS]
        else:
            status, told = 503, {"refused": True}
        if status != 200:  # noqa: PLR2004
            draft = refusal_draft(visit, Kind.VETTING_CHANGE, "feed-refused", status)
            await self._recorder.record_async(draft)
        body = orjson.dumps({**told, "visit": visit.reference})
        answer = document(status, _JSON, body, reference=visit.reference)
        give(answer, visit.incoming, visit.client)


async def _read(incoming: Incoming) -> bytes | None:
    """Read an export whole; None when it is too long or has failed.

    Nobody has proved anything yet, so whoever comes slowly gives the place to others.

    Raises:
        Refused: it came too slowly.
    """
    loop = asyncio.get_running_loop()
    begun = loop.time()
    reading = asyncio.ensure_future(incoming.read_body(MAX_BODY_BYTES))
    try:
        while not reading.done():
            await asyncio.wait({reading}, timeout=LOOK_SECONDS)
            gone = loop.time() - begun
            too_few = incoming.received_bytes < LEAST_BYTES_A_SECOND * gone
            if not reading.done() and (too_few or gone > BODY_SECONDS):
                raise Refused(408, "feed-too-slow")
        return reading.result()
    finally:
        reading.cancel()


def importing_by(settings_file: Path) -> Callable[[str, bytes, bytes, bool], Imported]:
    """Give the importer that runs `gateway vetting import` in a process of its own.

    Args:
        settings_file: of this gateway.
    """

    def importer(feed: str, body: bytes, signature: bytes, dry_run: bool) -> Imported:
        words = ["vetting", "import", "/dev/stdin", "--config", str(settings_file), "--json"]
        words += ["--feed", feed, "--operator", f"unit of feed {feed}, over HTTPS"]
        words += ["--dry-run"] if dry_run else []
        with _readable(signature) as descriptor:
            words += ["--signature", f"/dev/fd/{descriptor}"]
            command = "from gateway.cli.main import main; main()"
            try:
                ended = subprocess.run(  # noqa: S603 -- our own command, no shell
                    [sys.executable, "-I", "-c", command, *words],
                    input=body,
                    capture_output=True,
                    pass_fds=(descriptor,),
                    timeout=IMPORT_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return Imported(code=-1, out=b"", error="")
        return Imported(ended.returncode, ended.stdout, _complaint(ended.stderr))

    return importer


@contextmanager
def _readable(content: bytes) -> Iterator[int]:
    """Give a descriptor from which a few bytes are read."""
    reader, writer = os.pipe()
    try:
        os.write(writer, content)
        os.close(writer)
        yield reader
    finally:
        os.close(reader)


def _complaint(text: bytes) -> str:
    """Give what a command complained of, without the progress before it."""
    lines = text.decode("utf-8", "replace").replace("\r", "\n").splitlines()
    return next((line.partition("error: ")[2] for line in lines if "error: " in line), "")


def _report(out: bytes) -> dict[str, object]:
    try:
        report = orjson.loads(out)
    except orjson.JSONDecodeError:
        return {}
    return report if isinstance(report, dict) else {}

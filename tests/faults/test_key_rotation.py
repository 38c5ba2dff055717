"""Assertion keys rotated by command under load: nobody's request fails, and every one is believed.

The back office is a client as any: it keeps the published keys for five minutes. What the waits
between making, publishing and signing are is in `gateway.backoffice.assertion_keys`; here the
files are made older instead, so that minutes go by in a moment.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import Key, KeySet, OKPKey

from gateway.api.keys import JWKS_PATH
from gateway.backoffice.assertion_keys import SIGNS_AFTER_SECONDS
from tests.attacks.target import COOKIE, OWN_PAYSLIP, Target, relayed_target
from tests.journeys.demo_fixture import Demo
from tests.journeys.gateway_commands import gateway
from tests.soak.line import Line

PEOPLE = ("firefighter", "watch-manager", "fire-hr", "constable", "hr-adviser", "detective")
RATE = 300  # requests a second
LEAST_SECONDS = 30.0
MOST_SECONDS = 180.0
PUBLISHED_SECONDS = 15.0
FIELD = "Gateway-Assertion"


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """Give the whole stack, with a relay that sees what its back office is told."""
    with relayed_target() as made:
        yield made


@dataclass(slots=True, kw_only=True)
class Client:
    """Keys as a system keeps them: fetched at moments, and told by when a request came."""

    target: Target
    fetched: list[tuple[int, KeySet]] = field(default_factory=list)

    def published(self) -> set[str]:
        """Give the ids of the keys that one worker publishes now."""
        return {key["kid"] for key in self._fetch()["keys"]}

    def keep(self) -> None:
        """Fetch the keys and go by them until the next time."""
        keys: list[Key] = [OKPKey.import_key(each) for each in self._fetch()["keys"]]
        self.fetched.append((self.target.relay.count, KeySet(keys)))

    def kids_of_all(self) -> Counter[str]:
        """Check what has come under the keys kept at the time; gives how often each signed."""
        seen = self.target.relay.since(0)
        marks = [mark for mark, _ in self.fetched] + [len(seen)]
        believed: Counter[str] = Counter()
        for (start, end), (_, keys) in zip(pairwise(marks), self.fetched, strict=True):
            tokens = Counter(token for each in seen[start:end] for token in each.values(FIELD))
            for token, times in tokens.items():
                believed[jwt.decode(token, keys, algorithms=["EdDSA"]).header["kid"]] += times
        return believed

    def _fetch(self) -> dict[str, Any]:
        url = f"http://localhost:{self.target.port}{JWKS_PATH}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@dataclass(slots=True, kw_only=True)
class Load:
    """People who keep asking, so many requests a second together, and what they were answered."""

    target: Target
    answers: Counter[int] = field(default_factory=Counter)
    ended: bool = False
    _due: float = field(default_factory=time.monotonic)

    async def ask(self, username: str) -> None:
        """Ask until the end, on a connection that is kept."""
        line = Line(port=self.target.port, cookie=f"{COOKIE}={self.target.token(username)}")
        wanted = OWN_PAYSLIP.decode("ascii")
        while not self.ended:
            self._due = max(self._due, time.monotonic() - 1) + 1 / RATE
            await asyncio.sleep(max(0.0, self._due - time.monotonic()))
            answered = await line.ask("GET", wanted, Accept="text/html")
            self.answers[answered.status] += 1
        line.close()


def grow_older(target: Target, seconds: float) -> None:
    """Let so much time go by for the keys of assertions."""
    folder = Path(target.stack.places.keys)
    for file in folder.glob("assertion-*"):
        made_at = file.stat().st_mtime - seconds
        os.utime(file, (made_at, made_at))
    os.utime(folder)  # by which workers see that something has changed


async def rotate(target: Target, client: Client) -> None:
    """Rotate by command, wait until it is published by every worker, and let it sign."""
    before = client.published()
    demo = Demo(stack=target.stack)
    await asyncio.to_thread(gateway, demo, "keys", "rotate", "assertion", "--operator", "p.lyall")
    latest = time.monotonic() + PUBLISHED_SECONDS
    alike = 0
    while alike < 10:  # connections of their own, and so workers of either kind
        assert time.monotonic() < latest, "the new key is not published"
        alike = alike + 1 if await asyncio.to_thread(client.published) > before else 0
        await asyncio.sleep(0.1)
    await asyncio.to_thread(client.keep)
    grow_older(target, SIGNS_AFTER_SECONDS + 1)


@pytest.mark.timeout(300)
async def test_keys_rotate_under_load_and_no_request_fails(target: Target) -> None:
    """Twice, by command; every assertion is believed under the keys that were published before."""
    client, load = Client(target=target), Load(target=target)
    for username in PEOPLE:
        await asyncio.to_thread(target.token, username)
    grow_older(target, 2 * SIGNS_AFTER_SECONDS)
    client.keep()
    begun = time.monotonic()
    asking = [asyncio.create_task(load.ask(username)) for username in PEOPLE * 2]
    for rotation in (2, 3):
        await rotate(target, client)
        while len(await asyncio.to_thread(client.kids_of_all)) < rotation:
            assert time.monotonic() < begun + MOST_SECONDS, "nothing is signed with the new key"
            await asyncio.sleep(1)
    await asyncio.sleep(max(0.0, begun + LEAST_SECONDS - time.monotonic()))
    load.ended = True
    await asyncio.gather(*asking)
    believed = client.kids_of_all()

    assert set(load.answers) == {200}
    assert len(believed) == 3
    assert believed.total() == load.answers[200]
    assert target.relay.unreadable() == []

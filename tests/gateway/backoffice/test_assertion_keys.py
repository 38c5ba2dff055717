"""Keys are rotated under load: whoever keeps what was published as long as they may checks all."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from gateway.backoffice.assertion import LIFETIME_SECONDS, AssertionMint
from gateway.backoffice.assertion_keys import AssertionKeys
from gateway.keys import KeyPurpose, KeyRing
from tests.policies.people import subject

if TYPE_CHECKING:
    from pathlib import Path

BEGAN = 1_800_000_000.0
AT = datetime(2027, 1, 15, tzinfo=UTC)


class Gate:
    """Workers over one key directory, at an instant that a test moves."""

    def __init__(self, directory: Path, workers: int = 2) -> None:
        self.directory = directory
        self.now = BEGAN
        KeyRing.init(directory)
        self.date(1, BEGAN - 10_000)
        self.workers = [self.started() for _ in range(workers)]

    def date(self, serial: int, at: float) -> None:
        os.utime(self.directory / f"assertion-{serial:04d}.pub.pem", (at, at))

    def started(self) -> AssertionMint:
        following = AssertionKeys(self.directory)
        found = following.follow(self.now)
        assert found is not None
        return AssertionMint(
            issuer="http://gate",
            key=found.key,
            public_keys=found.public,
            clock=lambda: self.now,
            follow=following.follow,
        )

    def rotate(self, serial: int) -> None:
        KeyRing.open(self.directory).rotate(KeyPurpose.ASSERTION, at=AT)
        self.date(serial, self.now)

    def published(self) -> list[set[str]]:
        return [
            {str(each.kid) for each in KeySet.import_key_set(worker.jwks()).keys}  # type: ignore[arg-type]
            for worker in self.workers
        ]


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "keys")


def test_rotating_fails_no_request_at_a_system_that_asks_for_keys_every_five_minutes_alone(
    gate: Gate,
) -> None:
    """It never asks again for a key it does not know, and gets assertions late in their life."""
    chance = random.Random(7)
    known, fetched_at = KeySet([]), float("-inf")
    under_way: list[tuple[float, bytes]] = []
    signed_by: list[str] = []
    for second in range(1500):
        gate.now = BEGAN + second
        if second in {265, 800}:  # signs just before the keys are fetched; is made just after
            gate.rotate(2 if second == 265 else 3)
        if second == 400:
            gate.workers[0] = gate.started()  # one is started anew meanwhile
        if gate.now - fetched_at >= 300:
            jwks = chance.choice(gate.workers).jwks()
            known, fetched_at = KeySet.import_key_set(jwks), gate.now  # type: ignore[arg-type]
        worker = chance.choice(gate.workers)
        token = worker.assertion_for(subject(), f"session-{chance.randrange(3)}", "ebs")
        arrives = gate.now + chance.randrange(LIFETIME_SECONDS // 2)
        under_way.append((arrives, token))
        for each in [each for each in under_way if each[0] <= gate.now]:
            under_way.remove(each)
            decoded = jwt.decode(each[1].decode(), known, algorithms=["EdDSA"])
            signed_by.append(str(decoded.header["kid"]))

    assert len(signed_by) > 1400
    assert len(set(signed_by)) == 3
    newest = KeyRing.open(gate.directory).assertion_keys.kid
    assert gate.published() == [{newest}, {newest}]


def test_a_new_key_is_published_at_once_signs_when_it_is_known_and_outlives_the_old_one(
    gate: Gate,
) -> None:
    old = KeyRing.open(gate.directory).assertion_keys.kid
    gate.rotate(2)
    new = KeyRing.open(gate.directory).assertion_keys.kid
    seen = []
    for after in (4, 5, 329, 335, 629, 640):
        gate.now = BEGAN + after
        token = gate.workers[0].bound_assertion(subject(), "ebs", "", "GET", b"/")
        keys = KeySet.import_key_set(gate.workers[0].jwks())  # type: ignore[arg-type]
        signer = jwt.decode(token.decode(), keys, algorithms=["EdDSA"]).header["kid"]
        seen.append((after, signer == new, gate.published()[0] - {new} == {old}))

    assert seen == [
        (4, False, True),
        (5, False, True),
        (329, False, True),
        (335, True, True),
        (629, True, True),
        (640, True, False),
    ]


def test_a_key_alone_signs_however_new_it_is(tmp_path: Path) -> None:
    """The first, or the only one left when the others had to be withdrawn."""
    gate = Gate(tmp_path / "keys", workers=1)
    token = gate.workers[0].assertion_for(subject(), "session", "ebs")
    gate.rotate(2)
    for name in ("assertion-0001.pem", "assertion-0001.pub.pem"):
        (gate.directory / name).unlink()
    gate.now += 5
    new = KeyRing.open(gate.directory).assertion_keys.kid

    assert gate.published() == [{new}]
    assert gate.workers[0].assertion_for(subject(), "session", "ebs") != token


def test_keys_that_cannot_be_read_leave_those_that_were(gate: Gate) -> None:
    before = gate.published()
    (gate.directory / "assertion-0001.pub.pem").write_text("damaged")
    (gate.directory / "other").touch()
    gate.now += 5

    assert gate.published() == before
    assert gate.workers[0].assertion_for(subject(), "session", "ebs")

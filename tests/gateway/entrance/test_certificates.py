"""The certificate in use: right at the start, followed as its files change, never a worse one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from structlog.testing import capture_logs

from gateway.entrance.certificates import CertificateError, ServedCertificate, load
from gateway.errors import ServeError
from tests.doubles.certificates import weak_certificate
from tests.gateway.entrance.entrance import NAME, RULES, Entrance, Issued, entrance, issued
from tests.gateway.stand import status_of

Spoil = Callable[[Issued], object]


def weak(tls: Issued) -> None:
    _, made = weak_certificate("127.0.0.1")
    tls.files.certificate.write_bytes(made.pem)
    tls.files.key.write_bytes(made.key)


def another_key(tls: Issued) -> None:
    certificate = tls.files.certificate.read_bytes()
    tls.issue()
    tls.files.certificate.write_bytes(certificate)


def under_a_password(tls: Issued) -> None:
    key = load_pem_private_key(tls.files.key.read_bytes(), None)
    locked = BestAvailableEncryption(b"secret")
    tls.files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))


def unreadable(tls: Issued) -> None:
    """Have the operating system refuse the key to everybody, root included."""
    tls.files.key.unlink()
    tls.files.key.mkdir(mode=0o700)


SPOILT: list[tuple[Spoil, str]] = [
    (lambda tls: tls.files.certificate.unlink(), "cannot read `.*gate.pem`: No such file"),
    (lambda tls: tls.files.key.unlink(), "cannot read `.*gate.key`: No such file"),
    (lambda tls: tls.files.key.chmod(0o640), "is open to others .mode 0640.; run `chmod 600"),
    (lambda tls: tls.files.certificate.write_text("x"), "holds no certificate that can be read"),
    (lambda tls: tls.files.key.write_text("x"), "cannot be used: "),
    (another_key, "is not the key of"),
    (unreadable, "cannot read `.*gate.key`: .*; give it to the user that serves"),
    (under_a_password, "is under a password"),
    (lambda tls: tls.issue("other.example"), "is not for `gate.example`"),
]


@pytest.mark.parametrize(("spoil", "said"), SPOILT)
def test_a_certificate_that_cannot_be_used_is_named_with_the_remedy(
    tls: Issued, spoil: Spoil, said: str
) -> None:
    spoil(tls)

    with pytest.raises(CertificateError, match=rf"^tls: .*{said}") as refused:
        load(tls.files)
    assert isinstance(refused.value, ServeError)  # at the start nothing is served without one


def test_a_weak_key_is_refused(tls: Issued) -> None:
    weak(tls)

    with pytest.raises(CertificateError, match="of at least 2,048 bits"):
        load(replace(tls.files, host="127.0.0.1"))


@pytest.mark.parametrize(
    ("host", "names"),
    [
        (NAME, ["other.example", NAME]),
        (NAME, ["*.example"]),
        ("192.0.2.1", ["192.0.2.1"]),
    ],
)
def test_a_certificate_may_name_others_too_or_all_of_a_domain(
    tls: Issued, host: str, names: list[str]
) -> None:
    tls.issue(*names)

    assert len(load(replace(tls.files, host=host)).chain) == 1


@pytest.mark.parametrize("names", [["*.gate.example"], ["example"], ["192.0.2.1"]])
def test_a_name_above_or_below_is_another(tls: Issued, names: list[str]) -> None:
    tls.issue(*names)

    with pytest.raises(CertificateError, match="is not for"):
        load(tls.files)


async def shown(gate: Entrance, tls: Issued) -> bytes:
    """Give the certificate that a new connection is shown."""
    client = await gate.client(tls.believer())
    assert status_of(await client.get()) == 200
    seen = client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return ssl.DER_cert_to_PEM_cert(seen).encode()


async def test_a_new_certificate_is_shown_to_new_connections_and_nobody_is_cut(tls: Issued) -> None:
    first = tls.issue()
    served = tls.served()
    async with entrance(RULES, served) as gate:
        old = await gate.client(tls.believer())
        before = await shown(gate, tls)
        second = tls.issue()
        served.refresh()
        after = await shown(gate, tls)

        assert (before, after) == (first, second)
        assert status_of(await old.get()) == 200


async def test_no_request_fails_while_certificates_come_and_go(tls: Issued) -> None:
    """On connections that stay, and on new ones; broken files come and go in between."""
    served = tls.served()
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    answered = [0, 0]

    async def staying(gate: Entrance) -> None:
        client = await gate.client(tls.believer())
        while not stop.is_set():
            assert status_of(await client.get()) == 200
            answered[0] += 1

    async def coming(gate: Entrance) -> None:
        while not stop.is_set():
            client = await gate.client(tls.believer())
            assert status_of(await client.get()) == 200
            client.writer.close()
            answered[1] += 1

    with capture_logs() as logged:
        async with entrance(RULES, served) as gate:
            clients = [asyncio.ensure_future(each(gate)) for each in (staying, staying, coming)]
            for number in range(20):
                tls.issue()
                if number % 4 == 3:
                    tls.files.key.write_text("broken")
                await loop.run_in_executor(None, served.refresh)
                await asyncio.sleep(0.01)
            stop.set()
            await asyncio.gather(*clients)

    assert min(answered) > 10
    assert gate.worker.turned_away == []
    events = [line["event"] for line in logged]
    assert events.count("new certificate in use") == 15
    assert events.count("new certificate refused, the old one stays") == 5


@pytest.mark.parametrize(("spoil", "said"), SPOILT)
def test_a_broken_new_certificate_is_refused_once_with_a_line_and_the_old_one_stays(
    tls: Issued, spoil: Spoil, said: str
) -> None:
    served = tls.served()
    before = served.context
    with capture_logs() as logged:
        served.refresh()
        spoil(tls)
        served.refresh()
        served.refresh()

    del said
    assert served.context is before
    assert [(line["event"], line["log_level"]) for line in logged] == [
        ("new certificate refused, the old one stays", "error")
    ]
    tls.files.certificate.unlink(missing_ok=True)
    if tls.files.key.is_dir():
        tls.files.key.rmdir()
    tls.issue()
    served.refresh()
    assert served.context is not before


@pytest.mark.parametrize(("days", "said"), [(-10_000, "has not begun"), (400_000, "has ended")])
def test_a_new_certificate_has_to_hold_now(tls: Issued, days: int, said: str) -> None:
    at = datetime.now(UTC) + timedelta(days=days)  # noqa: TID251 - certificates hold real time
    served = ServedCertificate(tls.files, lambda: at)
    before = served.context
    tls.issue()
    with capture_logs() as logged:
        served.refresh()

    assert served.context is before
    assert said in logged[0]["detail"]


def test_one_that_was_put_there_early_is_taken_when_it_begins(tls: Issued) -> None:
    now = datetime.now(UTC)  # noqa: TID251 - certificates hold real time
    clock = [now - timedelta(days=10_000)]
    served = ServedCertificate(tls.files, lambda: clock[0])
    before = served.context
    tls.issue()
    served.refresh()
    served.refresh()
    assert served.context is before
    clock[0] = now
    served.refresh()
    taken = served.context
    served.refresh()

    assert taken is not before
    assert served.context is taken


async def test_whoever_asks_for_a_systems_host_is_shown_its_certificate(
    tls: Issued, tmp_path: Path
) -> None:
    """And its new one, when there is one; every other name is shown the gateway's."""
    (tmp_path / "fleet").mkdir()
    fleet = issued(tmp_path / "fleet", authority=tls.authority, host="fleet.example")
    served = ServedCertificate(tls.files, fleet.now, {"fleet.example": fleet.served()})
    tls.issue(NAME, "kit.example")
    served.refresh()
    async with entrance(RULES, served) as gate:

        async def names(asking_for: str) -> set[str]:
            client = await gate.client(tls.believer(), asking_for=asking_for)
            assert status_of(await client.get()) == 200
            seen = client.writer.get_extra_info("ssl_object").getpeercert()
            return {name for _, name in seen["subjectAltName"]}

        assert await names(NAME) == {NAME, "kit.example"}
        assert await names("kit.example") == {NAME, "kit.example"}
        assert await names("Fleet.Example") == {"fleet.example"}
        fleet.issue("fleet.example", "new.example")
        served.refresh()
        assert await names("fleet.example") == {"fleet.example", "new.example"}


def test_a_certificate_must_be_for_every_host_that_is_shown_it(tls: Issued) -> None:
    tls.issue(NAME, "kit.example")

    load(replace(tls.files, others=("kit.example",)))
    said = "is not for `fleet.example`; have one issued for both, or write a `..tls.host_certi"
    with pytest.raises(CertificateError, match=said):
        load(replace(tls.files, others=("kit.example", "fleet.example")))

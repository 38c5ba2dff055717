"""Staff come over TLS, ours or that of a listed front, and nobody else tells addresses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.settings import load_settings
from tests.gateway.test_settings import MINIMAL

HTTPS = MINIMAL.replace("http://localhost:8080", "https://gate.example")
TLS = '[tls]\ncertificate_file = "gate.pem"\nkey_file = "gate.key"\n'
FRONT = '[[front]]\nid = "haproxy"\nnetworks = ["10.1.2.3/32"]\ntells = "proxy-protocol"\n'

Read = Callable[[str], list[str]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "policy").mkdir()
    for name in ("ca.pem", "gate.pem", "gate.key"):
        (tmp_path / name).write_text("something")
    (tmp_path / "gate.key").chmod(0o600)
    return tmp_path / "gateway.toml"


@pytest.fixture
def faults(place: Path) -> Read:
    def read(text: str) -> list[str]:
        place.write_text(text)
        try:
            load_settings(place)
        except SettingsError as error:
            return [str(fault).removeprefix(f"{place}:") for fault in error.faults]
        return []

    return read


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL,
        MINIMAL + FRONT,
        HTTPS + TLS,
        HTTPS + TLS + 'redirect_listen = "0.0.0.0:80"\n' + FRONT,
        HTTPS.replace("[gateway]", '[gateway]\nlisten = "0.0.0.0:8080"') + FRONT,
        HTTPS + FRONT + FRONT.replace("haproxy", "nginx").replace("10.1.2.3", "10.1.2.4"),
        HTTPS.replace("[gateway]", "[gateway]\nhsts_subdomains = true\nhsts_preload = true") + TLS,
    ],
)
def test_staff_come_over_tls_or_on_this_machine(faults: Read, text: str) -> None:
    assert faults(text) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            HTTPS,
            "2: gateway.origin: nothing terminates TLS for `https://gate.example`; add `[tls]`",
        ),
        (MINIMAL + TLS, "28: tls: the origin is plain HTTP; write https://"),
        (HTTPS + TLS + "handshakes = 0\n", "31: tls.handshakes: `0` must be at least 1"),
        (HTTPS + TLS + 'redirect_listen = "127.0.0.1:8080"\n', "31: tls.redirect_listen: is where"),
        (HTTPS + TLS + 'redirect_listen = "0.0.0.0:0"\n', "31: tls.redirect_listen: port `0`"),
        (HTTPS + TLS.replace("gate.pem", "gone.pem"), "29: tls.certificate_file: `"),
        (HTTPS + TLS.replace("gate.key", "gone.key"), "30: tls.key_file: `"),
        (HTTPS + TLS.replace("gate.key", "ca.pem"), "30: tls.key_file: `"),
        (
            HTTPS.replace("[gateway]", "[gateway]\nhsts_preload = true") + TLS,
            "2: gateway.hsts_preload: browsers' lists want more; set `hsts_subdomains = true`",
        ),
        (
            HTTPS + FRONT.replace("10.1.2.3/32", "0.0.0.0/0"),
            "30: front[1].networks[1]: `0.0.0.0/0` is everybody, who could then tell any address",
        ),
        (
            HTTPS + FRONT + FRONT.replace("haproxy", "nginx").replace("proxy-protocol", "header"),
            "34: front[2].networks[1]: overlaps one of `haproxy`",
        ),
        (
            HTTPS + FRONT + FRONT.replace("10.1.2.3", "10.1.2.4"),
            "33: front[2].id: `haproxy` is the",
        ),
        (
            HTTPS + TLS + FRONT.replace("proxy-protocol", "forwarded"),
            "34: front[1].tells: `forwarded`",
        ),
    ],
)
def test_what_would_let_staff_in_otherwise_is_refused_with_its_line(
    faults: Read, text: str, fault: str
) -> None:
    assert [each[: len(fault)] for each in faults(text)] == [fault]


def test_a_front_is_no_proxy_that_asks(faults: Read) -> None:
    assert faults(HTTPS + FRONT + 'secret_file = "x"\n')[0].startswith("32: front[1].secret_file")

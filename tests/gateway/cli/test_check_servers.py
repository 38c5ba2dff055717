"""Certificates that servers show are looked at wherever one is configured."""

from __future__ import annotations

import contextlib
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
import trustme

from gateway.cli.check_servers import servers
from gateway.cli.finding import FAULT, WARNING
from gateway.settings import load_settings
from tests.gateway.cli.place import AT, Place

LDAPS = '"ldaps://127.0.0.1:6362"'
OIDC = (
    '{{ kind = "oidc", id = "own", name = "N", issuer = "https://127.0.0.1:{port}",'
    ' client_id = "g", client_authentication = "none" }},'
)
WAYS: dict[str, Callable[[str, int], str]] = {
    "organisation cheshire-fire, directory cheshire-fire": lambda text, port: text.replace(
        LDAPS, f'"ldaps://127.0.0.1:{port}"'
    ),
    "organisation cheshire-fire, directory own": lambda text, port: text.replace(
        'base = "dc=fire" },', f'base = "dc=fire" }}, {OIDC.format(port=port)}'
    ),
    "the gateway, as staff reach it": lambda text, port: (
        text.replace("http://localhost:8080", f"https://127.0.0.1:{port}")
        + '[[front]]\nid = "f"\nnetworks = ["127.0.0.1/32"]\ntells = "header"\n'
    ),
    "upstream ebs": lambda text, port: text.replace(
        'url = "http://127.0.0.1:9000"',
        f'urls = ["https://127.0.0.1:9", "https://127.0.0.1:{port}"]',
    ),
}


@contextlib.contextmanager
def server(ends: datetime) -> Iterator[int]:
    """Show a certificate that ends then, to whoever connects."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(
        "127.0.0.1", not_before=AT - timedelta(days=400), not_after=ends
    ).configure_cert(context)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), context.wrap_socket(self.request, True) as secured:
                secured.recv(1)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
        yield listening.server_address[1]
        listening.shutdown()


@pytest.mark.parametrize("owner", WAYS)
@pytest.mark.parametrize(("days", "severity"), [(29, WARNING), (-1, FAULT), (31, None)])
def test_a_certificate_that_ends_soon_is_told_whoever_shows_it(
    place: Place, owner: str, days: int, severity: str | None
) -> None:
    with server(AT + timedelta(days=days, hours=1)) as port:
        place.config.write_text(WAYS[owner](place.config.read_text(), port))
        found = list(servers(load_settings(place.config), AT))

    assert [each.severity for each in found] == ([severity] if severity else [])
    assert all(f":{port}: {owner}: the certificate end" in each.message for each in found)


def test_a_server_that_is_away_is_no_finding(place: Place) -> None:
    assert list(servers(load_settings(place.config), AT)) == []

"""Asking a provider: everything bounded, nothing followed, whoever answers."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme

from gateway.errors import DirectoryMisconfigured, DirectoryUnavailable
from gateway.identity.providers.provider_http import ProviderHttp
from tests.doubles.token_issuer import Reply, TokenIssuer

JSON = "application/json"


def ask(issuer: TokenIssuer, *, seconds: float = 5.0, token: str | None = None) -> object:
    http = ProviderHttp(None)
    return http.get_object(f"{issuer.url}/me", time.monotonic() + seconds, token=token)


def test_an_object_is_fetched(issuer: TokenIssuer) -> None:
    issuer.userinfo = {"sub": "id-jo"}

    assert ask(issuer, token="t-1") == {"sub": "id-jo"}


@pytest.mark.parametrize(
    "reply",
    [
        (500, JSON, b"{}"),
        (404, JSON, b"{}"),
        (204, JSON, b""),
        (200, "text/html", b"<html>"),
        (200, "text/html", b"{}"),
        (200, JSON, b"<html>"),
        (200, JSON, b'{"a": 1, "a": 2}'),
        (200, JSON, b"[]"),
        (200, JSON, b'{"a": "' + b"x" * 1_100_000 + b'"}'),
        (200, JSON, b'{"a": "' + b"x" * 10_000_000 + b'"}'),
    ],
    ids=["500", "404", "204", "html", "as-html", "not-json", "twice", "list", "1MB", "10MB"],
)
def test_anything_but_an_object_of_sane_size_is_no_answer(
    issuer: TokenIssuer, reply: Reply
) -> None:
    issuer.replies["/me"] = lambda: reply

    with pytest.raises(DirectoryUnavailable):
        ask(issuer)


def test_a_redirect_is_not_followed(issuer: TokenIssuer) -> None:
    """Where it leads is nobody's whom the settings name."""
    with (
        raw_server(
            b"HTTP/1.1 302 Found\r\nLocation: " + issuer.url.encode() + b"/me\r\n"
            b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        ) as url,
        pytest.raises(DirectoryUnavailable, match="302"),
    ):
        ProviderHttp(None).get_object(url, time.monotonic() + 2)

    assert issuer.asked["/me"] == 0


def test_a_compressed_answer_is_not_read() -> None:
    """A few kilobytes of it may hold gigabytes."""
    with (
        raw_server(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
            b"Content-Length: 2\r\n\r\n{}"
        ) as url,
        pytest.raises(DirectoryUnavailable, match="DecodingError"),
    ):
        ProviderHttp(None).get_object(url, time.monotonic() + 2)


def test_who_sends_a_byte_at_a_time_has_no_more_time_than_others() -> None:
    """Each read by itself is quick; all together must be too."""
    http = ProviderHttp(None)  # on a busy machine it takes a while by itself
    with raw_server(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000, pause=0.05) as url:
        began = time.monotonic()
        with pytest.raises(DirectoryUnavailable):
            http.get_object(url, began + 0.5)
        seconds = time.monotonic() - began

    assert seconds < 2


def test_who_says_nothing_is_not_waited_for(issuer: TokenIssuer) -> None:
    issuer.replies["/me"] = issuer.hang
    began = time.monotonic()
    with pytest.raises(DirectoryUnavailable, match="TransportError"):
        ask(issuer, seconds=0.3)

    assert time.monotonic() - began < 2


def test_a_deadline_that_has_passed_asks_nobody(issuer: TokenIssuer) -> None:
    with pytest.raises(DirectoryUnavailable):
        ask(issuer, seconds=-1)

    assert issuer.asked["/me"] == 0


def test_the_environments_proxy_is_not_used(
    issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    issuer.userinfo = {"sub": "id-jo"}

    assert ask(issuer) == {"sub": "id-jo"}


def test_a_server_that_is_not_certified_is_told_nothing(tmp_path: Path) -> None:
    """No byte of a request leaves before the certificate holds: authority and name."""
    authority, stranger = trustme.CA(), trustme.CA()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    for server in (stranger.issue_cert("127.0.0.1"), authority.issue_cert("other.example")):
        asked = pytest.raises(DirectoryUnavailable, match="TransportError")
        with tls_server(server) as (url, heard), asked:
            ProviderHttp(ca_file).get_object(url, time.monotonic() + 3, token="secret")
        assert heard == []


def test_an_authority_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "gone.pem"):
        with pytest.raises(DirectoryMisconfigured, match=name):
            ProviderHttp(tmp_path / name)


class raw_server:  # noqa: N801  # used as a function
    """Answers the first connection with fixed bytes, then closes."""

    def __init__(self, answer: bytes, *, pause: float = 0.0) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, args=(answer, pause), daemon=True)

    def _serve(self, answer: bytes, pause: float) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # nobody has come
            return
        with connection:
            connection.recv(65_536)
            size = 1 if pause else len(answer)
            try:
                for start in range(0, len(answer), size):
                    connection.sendall(answer[start : start + size])
                    time.sleep(pause)
            except OSError:
                return

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/me"

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._listener.close()


class tls_server:  # noqa: N801  # used as a function
    """Does the handshake with a certificate and notes what it is told afterwards."""

    def __init__(self, certificate: trustme.LeafCert) -> None:

        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._heard: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(3)
            try:
                with self._context.wrap_socket(connection, server_side=True) as secured:
                    if heard := secured.recv(65_536):
                        self._heard.append(heard)
            except OSError:
                return

    def __enter__(self) -> tuple[str, list[bytes]]:
        self._thread.start()
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}/me", self._heard

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._thread.join(5)

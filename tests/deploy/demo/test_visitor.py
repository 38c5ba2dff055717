"""Who visits the demo without being a person: over TLS they believe its authority and no other."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from deploy.demo.certificates import ensure_certificates
from deploy.demo.visitor import Visitor


class Echo(BaseHTTPRequestHandler):
    """Answers with the `Host` and the `Origin` that it was asked with."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.headers['Host']} {self.headers['Origin']}".encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Serve over TLS with a certificate of the authority in `ours`."""
    for name in ("ours", "other"):
        ensure_certificates(tmp_path / name, name, datetime.now(UTC))  # noqa: TID251 - dated from now
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "ours" / "server.pem", tmp_path / "ours" / "server.key")
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_over_tls_a_visitor_believes_the_authority_that_is_given(tmp_path: Path, port: int) -> None:
    page = Visitor(port=port, ca_file=tmp_path / "ours" / "ca.pem").post("/", {})

    assert page.text == f"localhost:{port} https://localhost:{port}"


def test_over_tls_a_visitor_believes_no_other(tmp_path: Path, port: int) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        Visitor(port=port, ca_file=tmp_path / "other" / "ca.pem").post("/", {})

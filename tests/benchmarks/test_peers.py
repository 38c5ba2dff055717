"""A peer that is not installed is told and left out, and the provider is one that is believed."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack, nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from deploy.demo.places import Places
from deploy.demo.visitor import Visitor
from tests.benchmarks import peer_servers
from tests.benchmarks.load import Asked, WrongAnswersError
from tests.benchmarks.peers import demand_refusal, put_if_there
from tests.benchmarks.quick_provider import QuickProvider
from tests.benchmarks.servers import MissingProgramError
from tests.benchmarks.stand import Ground


def test_a_peer_that_is_not_installed_is_told_and_left_out(tmp_path: Path) -> None:
    told: list[str] = []

    def put(_ground: Ground) -> None:
        raise MissingProgramError("`caddy` is not installed")

    with ExitStack() as stack:
        places = Places.choose(tmp_path, None)
        ground = Ground(
            folder=tmp_path, open_folder=tmp_path, places=places, stack=stack, say=told.append
        )
        put_if_there(put, ground)

    assert told == ["left out: `caddy` is not installed"]
    assert ground.contenders == {}


def test_a_module_of_apache_that_is_missing_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_servers, "APACHE_MODULES", tmp_path)

    with pytest.raises(MissingProgramError, match=r"apt-get install.*libapache2-mod-auth-openidc"):
        peer_servers.apache_with_openidc(tmp_path, 1, 2, "http://127.0.0.1:3")


@pytest.mark.parametrize(
    ("status", "body", "guards"),
    [(200, b"the page", False), (200, b"sign in", False), (401, b"", True), (302, b"there", True)],
)
def test_a_peer_that_answers_a_stranger_is_no_peer(
    status: int, body: bytes, *, guards: bool
) -> None:
    proofs: list[str | None] = []

    class Peer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            proofs.extend((self.headers["Cookie"], self.headers["Authorization"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Peer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        headers = {"Host": "localhost", "Cookie": "session=1", "Authorization": "Basic eDp5"}
        port = server.server_address[1]
        asked = Asked(title="peer", port=port, target="/", headers=headers)
        try:
            expected = nullcontext() if guards else pytest.raises(WrongAnswersError, match="peer:")
            with expected:
                demand_refusal(asked, b"the page")
        finally:
            server.shutdown()

    assert proofs == [None, None]


def test_what_the_provider_signs_holds_with_the_keys_that_it_shows() -> None:
    provider = QuickProvider(nonces={"code": "once"})
    with provider.serving():
        shown = Visitor(port=provider.port).get("/jwks")
        told = provider.token("code")

    keys = KeySet.import_key_set(json.loads(shown.body))
    claims = jwt.decode(told["id_token"], keys).claims
    assert (claims["iss"], claims["nonce"]) == (provider.issuer, "once")
    with pytest.raises(KeyError):
        provider.token("code")

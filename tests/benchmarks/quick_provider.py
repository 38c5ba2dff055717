"""An OpenID provider that knows one person and asks nothing, for servers that need one to be there.

It signs what the code flow ends with. Nobody types a password: what is measured begins after it.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.benchmarks.load import WrongAnswersError
from tests.benchmarks.peer_servers import CALLBACK, CLIENT_ID

LIFE_SECONDS = 3600


@dataclass(slots=True, kw_only=True)
class QuickProvider:
    """The provider.

    Attributes:
        port: where it listens.
        nonces: by code, of the sign-ins that are under way.
    """

    port: int = 0
    nonces: dict[str, str] = field(default_factory=dict)
    _key: RSAKey = field(
        default_factory=lambda: RSAKey.generate_key(2048, {"kid": "bench", "use": "sig"})
    )

    @property
    def issuer(self) -> str:
        """Give its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def metadata(self) -> dict[str, Any]:
        """Give what it says of itself (OpenID Connect Discovery 1.0)."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    @contextmanager
    def serving(self) -> Iterator[QuickProvider]:
        """Serve on a free port."""
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                keys = {"keys": [provider._key.as_dict(private=False)]}
                self._give(keys if self.path == "/jwks" else provider.metadata)

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._give(provider.token(parse_qs(sent)["code"][0]))

            def _give(self, told: dict[str, Any]) -> None:
                body = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.port = server.server_address[1]
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield self
            finally:
                server.shutdown()

    def token(self, code: str) -> dict[str, Any]:
        """Give what a code is worth."""
        at = int(time.time())  # noqa: TID251 - a double is its own clock
        claims = {
            "iss": self.issuer,
            "sub": "40011",
            "aud": CLIENT_ID,
            "iat": at,
            "exp": at + LIFE_SECONDS,
            "nonce": self.nonces.pop(code),
        }
        signed = jwt.encode({"alg": "RS256", "kid": "bench"}, claims, self._key)
        return {
            "access_token": "unused",
            "token_type": "Bearer",
            "expires_in": LIFE_SECONDS,
            "id_token": signed,
        }

    def sign_in(self, port: int, target: str) -> str:
        """Go the way of a browser through a server that sends people here; gives its cookie.

        Args:
            port: of the server.
            target: what is asked for first.

        Raises:
            WrongAnswersError: if it sends nobody here, or does not take who comes back.
        """
        status, headers = _ask(port, target, "")
        asked = parse_qs(urlsplit(headers.get("Location", "")).query)
        if "state" not in asked:
            message = f"mod_auth_openidc: answered {status} and sends nobody to the provider"
            raise WrongAnswersError(message)
        self.nonces["code"] = asked["nonce"][0]
        back = f"{CALLBACK}?{urlencode({'code': 'code', 'state': asked['state'][0]})}"
        status, headers = _ask(port, back, _cookies(headers))
        cookie = _cookies(headers)
        if status != http.client.FOUND or "session=" not in cookie:
            message = f"mod_auth_openidc: answered {status} to who came back from the provider"
            raise WrongAnswersError(message)
        return cookie


def _ask(port: int, target: str, cookie: str) -> tuple[int, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {"Host": f"localhost:{port}", "Accept": "text/html"}
        connection.request("GET", target, headers=headers | ({"Cookie": cookie} if cookie else {}))
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers
    finally:
        connection.close()


def _cookies(headers: http.client.HTTPMessage) -> str:
    """Give what a browser would send back."""
    pairs = [each.partition(";")[0] for each in headers.get_all("Set-Cookie") or ()]
    return "; ".join(pair for pair in pairs if pair.partition("=")[2])

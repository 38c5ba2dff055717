"""An issuer whose every answer a test decides: for what no real provider can be made to say.

`TokenIssuer` serves discovery, keys, tokens and userinfo on the loopback and counts who asks;
`mint` signs whatever it is given, in whatever form.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from typing_extensions import override

Reply = tuple[int, str, bytes]
RSA = RSAKey.generate_key(2048, {"kid": "one"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "other"})
EC = ECKey.generate_key("P-256", {"kid": "curve"})


def public_keys(*keys: RSAKey | ECKey) -> dict[str, Any]:
    """Give the JWKS of keys."""
    return {"keys": [{**key.as_dict(private=False), "use": "sig"} for key in keys]}


def part(value: object) -> str:
    """Encode a header or a payload; bytes as they are."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def mint(
    claims: object,
    *,
    key: RSAKey | ECKey = RSA,
    header: Mapping[str, Any] | bytes | None = None,
    algorithm: str = "RS256",
) -> str:
    """Sign a token: a header given replaces the usual one, and need not fit the signature."""
    usual = {"alg": algorithm, "kid": key.kid, "typ": "JWT"}
    shown = part(usual if header is None else header)
    signing_input = f"{shown}.{part(claims)}"
    # The library signs what it is given only under a header of its own: so sign by its algorithm.
    model = jws.JWSRegistry.algorithms[algorithm]
    signature = model.sign(signing_input.encode("ascii"), key)
    return f"{signing_input}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode('ascii')}"


def mint_hmac(claims: object, secret: bytes, *, kid: str = "one") -> str:
    """Sign a token with HS256 under any bytes, such as a public key."""
    signing_input = f"{part({'alg': 'HS256', 'kid': kid, 'typ': 'JWT'})}.{part(claims)}"
    signature = hmac.new(secret, signing_input.encode("ascii"), hashlib.sha256).digest()
    return f"{signing_input}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode('ascii')}"


class TokenIssuer:
    """The issuer."""

    def __init__(self) -> None:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                issuer._answer(self)

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                issuer.posted.append(self.rfile.read(length).decode("ascii"))
                issuer._answer(self)

            @override
            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.asked: Counter[str] = Counter()
        self.posted: list[str] = []
        self.replies: dict[str, Callable[[], Reply]] = {}
        self.let_go = threading.Event()
        self.discovery: dict[str, Any] = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/auth",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/me",
            "end_session_endpoint": f"{self.url}/end",
            "code_challenge_methods_supported": ["S256"],
        }
        self.keys: dict[str, Any] = public_keys(RSA, EC)
        self.tokens: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()

    def hang(self) -> Reply:
        """Say nothing until the test lets go."""
        self.let_go.wait(20)
        return 200, "application/json", b"{}"

    def claims(self, nonce: str, at: datetime, /, **changes: Any) -> dict[str, Any]:
        """Give what an ID token says when all is well; a change to None leaves one out."""
        now = int(at.timestamp())
        usual = {
            "iss": self.url,
            "sub": "id-jo",
            "aud": "gateway",
            "nonce": nonce,
            "iat": now,
            "exp": now + 600,
            "employee_number": "70150",
            "preferred_username": "jo",
            "name": "Jo Hartley",
        }
        return {k: v for k, v in {**usual, **changes}.items() if v is not None}

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0]
        self.asked[path] += 1
        documents: dict[str, Callable[[], object]] = {
            "/.well-known/openid-configuration": lambda: self.discovery,
            "/keys": lambda: self.keys,
            "/token": lambda: self.tokens,
            "/me": lambda: self.userinfo,
        }
        reply = self.replies.get(path)
        if reply is not None:
            status, kind, body = reply()
        else:
            status, kind = 200, "application/json"
            body = json.dumps(documents[path]()).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", kind)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            handler.close_connection = True

"""A stand-in for the gateway towards a back office: signs assertions and publishes the keys."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from deploy.demo.backoffice.assertion import AssertionVerifier

ISSUER = "http://localhost:8080"
AUDIENCE = "cheshire-back-office"
NOW = 1_795_000_000


class Signer:
    """Signs assertions as the gateway does, and publishes the key."""

    def __init__(self) -> None:
        self.keys = [OKPKey.generate_key("Ed25519", {"kid": "one"})]
        self.now = float(NOW)
        self.fetched = 0
        signer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                signer.fetched += 1
                body = json.dumps(KeySet(list(signer.keys)).as_dict(private=False)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.keys_url = f"http://127.0.0.1:{self.server.server_port}/.well-known/jwks.json"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def assertion(self, *, key: OKPKey | None = None, **changed: object) -> str:
        """Sign an assertion for the firefighter; `changed` replaces claims, None removes one."""
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "cheshire-fire/351dd03e",
            "org": "cheshire-fire",
            "employee_number": "40011",
            "name": "Robin Ashdown",
            "iat": int(self.now),
            "nbf": int(self.now),
            "exp": int(self.now) + 60,
            "jti": f"{time.monotonic_ns()}",
            **changed,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        signing = key or self.keys[0]
        header = {"alg": "EdDSA", "kid": signing.kid, "typ": "JWT"}
        return jwt.encode(header, kept, signing, algorithms=["EdDSA"])

    def verifier(self) -> AssertionVerifier:
        return AssertionVerifier(
            keys_url=self.keys_url, issuer=ISSUER, audience=AUDIENCE, clock=lambda: self.now
        )

"""The public keys under which the back office checks who is asking (RFC 7517)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from gateway.wire.answers import Answer, document

if TYPE_CHECKING:
    from collections.abc import Mapping

JWKS_PATH: Final = "/.well-known/jwks.json"
JWKS_KIND: Final = "application/jwk-set+json"


def jwks_answer(jwks: Mapping[str, object]) -> Answer:
    """Give the JSON Web Key Set; it may be kept for five minutes, keys overlap for longer."""
    answer = document(200, JWKS_KIND.encode(), orjson.dumps(jwks))
    fields = tuple(
        (name, b"public, max-age=300" if name == b"Cache-Control" else value)
        for name, value in answer.fields
    )
    return Answer(status=answer.status, fields=fields, body=answer.body)

"""The documents that are open to everybody: how the service is, its public keys, this document."""

from __future__ import annotations

from typing import Final

from gateway.api.health import HEALTH_PATH, READY_PATH
from gateway.api.keys import JWKS_KIND, JWKS_PATH
from gateway.openapi.answers import JSON, Schema, given, record, refusals

OPENAPI_PATH: Final = "/-/openapi.json"
_TAG: Final = "Documents"
_WORDS: Final[Schema] = {"type": "object", "additionalProperties": {"type": "string"}}


def document_paths() -> Schema:
    """Describe each of them."""
    text = {"type": "string"}
    ready = record(
        {"status": {"enum": ["ok", "not-ready"]}, "parts": _WORDS},
        {"withheld": {"type": "array", "items": text}, "systems": _WORDS},
    )
    key = {"kty": {"const": "OKP"}, "crv": {"const": "Ed25519"}, "x": text, "kid": text}
    keys = {"type": "array", "items": {"type": "object", "required": [*key], "properties": key}}
    return {
        HEALTH_PATH: _read(
            "health",
            "Whether the process answers",
            given("It does.", record({"status": {"const": "ok"}})),
        ),
        READY_PATH: _read(
            "ready",
            "Whether anything may be permitted, and what is not well",
            given("Everything that must be working is.", ready),
            unwell=given("Nothing is permitted; `parts` says why.", ready),
        ),
        JWKS_PATH: _read(
            "jwks",
            "The public keys of the signed assertion (RFC 7517)",
            given("The keys.", record({"keys": keys}), kind=JWKS_KIND),
        ),
        OPENAPI_PATH: _read(
            "openapi",
            "This document",
            given("OpenAPI 3.1.", {"type": "object", "required": ["openapi", "paths"]}, kind=JSON),
        ),
    }


def _read(name: str, summary: str, found: Schema, *, unwell: Schema | None = None) -> Schema:
    responses = {"200": found, **refusals(405)}
    if unwell is not None:
        responses["503"] = unwell
    return {
        "get": {
            "tags": [_TAG],
            "operationId": name,
            "summary": summary,
            "security": [],
            "responses": responses,
        }
    }

"""What programs may call among the pages: a provider's back channel, and the record as data."""

from __future__ import annotations

from typing import Final

from gateway.audit.entry import Kind, Outcome
from gateway.cookies import CookiePolicy
from gateway.openapi.answers import JSON, Schema, given, record, ref, refusals
from gateway.pages.audit_filter import AUDIT, FIELDS, PAGE_SIZE
from gateway.pages.provider import BACK_CHANNEL, FORM

SECURITY: Final = "session"
_TEXT: Final[Schema] = {"type": "string"}
_WORDS: Final[Schema] = {
    "kind": {"enum": [str(each) for each in Kind]},
    "outcome": {"enum": [str(each) for each in Outcome]},
}


def page_paths() -> Schema:
    """Describe both."""
    return {
        BACK_CHANNEL.replace("<", "{").replace(">", "}"): {"post": _back_channel()},
        AUDIT: {"get": _audit()},
    }


def page_security() -> Schema:
    """Describe how somebody who is signed in is known."""
    return {
        SECURITY: {
            "type": "apiKey",
            "in": "cookie",
            "name": CookiePolicy.for_origin("https://gate.example").session.name,
            "description": "The session of somebody who may open the page.",
        }
    }


def page_schemas() -> Schema:
    """Give the schemas by name."""
    fields = {"type": "object"}
    required = {
        "index": {"type": "integer", "minimum": 0},
        "id": _TEXT,
        "at": {"type": "string", "format": "date-time"},
        "flag": {"type": "integer"},
        "clear": fields,
        "personal": fields,
        "personal_state": _TEXT,
        "result": {"anyOf": [{"type": "null"}, ref("Entry")]},
    }
    return {"Entry": record(required)}


def _back_channel() -> Schema:
    form = {
        "type": "object",
        "required": ["logout_token"],
        "properties": {"logout_token": {"type": "string"}},
    }
    fault = record({"error": {"const": "invalid_request"}})
    refused = given("It is no logout token for us.", {"anyOf": [fault, ref("Refusal")]})
    refused["content"]["text/html"] = {"schema": _TEXT}
    return {
        "tags": ["Sign-in"],
        "operationId": "back_channel_logout",
        "summary": "End sessions by a provider's logout token (OpenID Back-Channel Logout 1.0)",
        "description": "The token is signed by the provider; nothing else is asked for.",
        "security": [],
        "parameters": [
            {
                "name": "directory",
                "in": "path",
                "required": True,
                "description": "The id of the provider in the settings.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {"required": True, "content": {FORM: {"schema": form}}},
        "responses": {
            "200": {"description": "The sessions are over.", "content": {JSON: {}}},
            **refusals(404, 405, 413, 415),
            "400": refused,
        },
    }


def _audit() -> Schema:
    parameters: list[Schema] = [
        {
            "name": name,
            "in": "query",
            "schema": _WORDS.get(name, _TEXT),
        }
        for name in FIELDS
    ]
    parameters += [
        {
            "name": "before",
            "in": "query",
            "description": "`next_before` of the page before.",
            "schema": {"type": "integer", "minimum": 0},
        },
        {
            "name": "format",
            "in": "query",
            "description": "Without it, the page for people is shown.",
            "schema": {"const": "json"},
        },
    ]
    errors = {"type": "object", "additionalProperties": _TEXT}
    wrong = record({"refused": {"const": True}, "reference": ref("Reference"), "errors": errors})
    refused = given("`errors` says which parameter is wrong.", {"anyOf": [wrong, ref("Refusal")]})
    refused["content"]["text/html"] = {"schema": _TEXT}
    position = {"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 0}]}
    entries = {"type": "array", "maxItems": PAGE_SIZE, "items": ref("Entry")}
    found = given("The newest that match.", record({"entries": entries, "next_before": position}))
    found["content"]["text/html"] = {"schema": _TEXT}
    return {
        "tags": ["Record"],
        "operationId": "search_record",
        "summary": "Search the record",
        "description": "For auditors who are signed in; each search is itself recorded.",
        "security": [{SECURITY: []}],
        "parameters": parameters,
        "responses": {
            "200": found,
            "303": {"description": "Nobody is signed in."},
            **refusals(401, 403, 404, 405),
            "400": refused,
        },
    }

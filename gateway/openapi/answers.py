"""What the descriptions of operations share: schemas, refusals that any address may give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from gateway.audit.entry import CROCKFORD, REFERENCE_LENGTH

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema: TypeAlias = dict[str, Any]
"""A schema, or another object of the document, as JSON."""

JSON: Final = "application/json"
HTML: Final = "text/html; charset=utf-8"

EVERYWHERE: Final = (400, 408, 414, 429, 431, 503, 505)
"""Statuses of refusals that any address may give, before anything is known of the request."""

_MEANINGS: Final = {
    400: "The request cannot be read, or has two readings; nothing was looked at.",
    401: "Whoever asks has not proved who they are. Nothing more is told.",
    403: "It is not permitted; `reasons` says what may be told of why.",
    404: "There is no such address, or none that the caller may know of.",
    405: "The address does not take this method; `Allow` says which it takes.",
    408: "The request came too slowly.",
    413: "The body is too large.",
    414: "The target is too long.",
    415: "The body is of a kind that is not taken.",
    429: "Too many requests, or too much asked, in too short a time.",
    431: "The head of the request is too large, or has too many fields.",
    502: "The system that is asked for is not one of ours.",
    503: "It cannot be recorded, or decided, just now; so nothing was done.",
    505: "HTTP/1.0 and 1.1 are spoken here.",
}
_FIELDS: Final = {
    401: {"WWW-Authenticate": "How to prove who one is."},
    405: {"Allow": "The methods that are taken."},
    429: {"Retry-After": "After how many seconds to try again."},
}


def ref(name: str) -> Schema:
    """Point to a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """Describe an object of ours: what it always has, what it may have, and nothing else."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def header(description: str, *, required: bool = False, **schema: Any) -> Schema:
    """Describe a field of an answer."""
    return {
        "description": description,
        "required": required,
        "schema": {"type": "string", **schema},
    }


def given(
    description: str,
    schema: Schema,
    *,
    kind: str = JSON,
    headers: Mapping[str, Schema] | None = None,
) -> Schema:
    """Describe an answer."""
    told: Schema = {"description": description, "content": {kind: {"schema": schema}}}
    return {**told, "headers": dict(headers)} if headers else told


def refusals(*statuses: int) -> Schema:
    """Point to the refusals that an operation may give, beside those of `EVERYWHERE`."""
    return {
        str(status): {"$ref": f"#/components/responses/Refused{status}"}
        for status in sorted({*statuses, *EVERYWHERE})
    }


def shared_schemas() -> Schema:
    """Give the schemas by name."""
    words = {name: {"type": "string"} for name in ("code", "sentence", "remedy")}
    return {
        "Reference": {
            "type": "string",
            "pattern": f"^[{CROCKFORD}]{{{REFERENCE_LENGTH}}}$",
            "description": "Finds the visit in the record, or in the operational log.",
        },
        "Refusal": record(
            {"refused": {"const": True}, "reference": ref("Reference")},
            {"reasons": {"type": "array", "items": record(words)}},
        ),
    }


def shared_responses() -> Schema:
    """Give the refusals by name; what could not be read is refused with a short plain page."""
    found = {}
    for status, meaning in _MEANINGS.items():
        told = given(meaning, ref("Refusal"))
        told["content"]["text/html"] = {"schema": {"type": "string"}}
        fields = {name: header(text) for name, text in _FIELDS.get(status, {}).items()}
        told["headers"] = {
            "Gateway-Reference": {
                "description": "The reference.",
                "required": True,
                "schema": ref("Reference"),
            },
            **fields,
        }
        found[f"Refused{status}"] = told
    return found

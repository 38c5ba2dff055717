"""The JSON schema of an export of a vetting unit; CSV has the same columns."""

from __future__ import annotations

from vetting.feed_file import COLUMNS, OPTIONAL
from vetting.grants import GrantStatus


def schema_of_export() -> dict[str, object]:
    """Give the schema of a JSON export."""
    day = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
    own: dict[str, object] = {
        "id": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"},
        "status": {"enum": [str(status) for status in GrantStatus]},
        "granted_on": day,
        "expires_on": day | {"description": "last valid day; needed for all but screening"},
        "review_due_on": day,
        "functions": {"type": "array", "items": {"type": "string"}},
        "reference": {
            "type": "string",
            "maxLength": 40,
            "pattern": "^[A-Za-z0-9][A-Za-z0-9/._-]*$",
            "description": "a file number; never a reason or finding",
        },
    }
    grant = {
        "type": "object",
        "properties": {name: own.get(name, {"type": "string"}) for name in COLUMNS},
        "required": [name for name in COLUMNS if name not in OPTIONAL],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Export of a vetting unit",
        "type": "object",
        "properties": {
            "feed": {"type": "string", "description": "id of the feed in the settings"},
            "exported_at": {"type": "string", "format": "date-time"},
            "grants": {"type": "array", "items": grant},
        },
        "required": ["feed", "exported_at", "grants"],
        "additionalProperties": False,
    }

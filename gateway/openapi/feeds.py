"""The push of exports of vetting units, as `gateway.api.feed_push` takes them."""

from __future__ import annotations

from typing import Final

from gateway.api.feed_push import AT_ONCE, BODY_SECONDS, MAX_BODY_BYTES, PREFIX, SIGNATURE_FIELD
from gateway.openapi.answers import JSON, Schema, given, record, ref, refusals
from vetting.feed_schema import schema_of_export

SECURITY: Final = "unit"
_COUNTS: Final = (
    "rows",
    "new",
    "changed",
    "missing",
    "unchanged",
    "tightening",
    "loosening",
    "held_as_an_officer_changed_them",
)


def feed_paths() -> Schema:
    """Describe the one address."""
    export = schema_of_export()
    del export["$schema"]
    return {
        f"{PREFIX}{{feed}}": {
            "post": {
                "tags": ["Vetting"],
                "operationId": "push_vetting_feed",
                "summary": "Send the export of a vetting unit",
                "description": "Only where a `[[vetting.feed]]` of the settings has a public key."
                f" At most {MAX_BODY_BYTES >> 20} MiB in {BODY_SECONDS} seconds, {AT_ONCE} at a"
                " time. The export imported last, once more, changes nothing; an older one, and one"
                " that lacks suspiciously many grants, are refused.",
                "security": [{SECURITY: []}],
                "parameters": [
                    {
                        "name": "feed",
                        "in": "path",
                        "required": True,
                        "description": "The id of the feed in the settings.",
                        "schema": {"type": "string"},
                    },
                    {
                        "name": "dry_run",
                        "in": "query",
                        "description": "Changes nothing, and says what would change.",
                        "schema": {"const": "1"},
                    },
                ],
                "requestBody": {
                    "required": True,
                    "content": {JSON: {"schema": export}, "text/csv": {"schema": _CSV}},
                },
                "responses": {
                    "200": given("What was taken over, or had been before.", _report()),
                    **refusals(401, 404, 405, 413),
                    "409": _not_taken(
                        "It is older than what was imported, or lacks too many grants.",
                        {"message": {"type": "string"}},
                    ),
                    "422": _not_taken(
                        "It has faults; nothing was changed.",
                        {
                            "faults": {"type": "array", "items": ref("ExportFault")},
                            "count": {"type": "integer", "minimum": 1},
                        },
                    ),
                    "503": given(
                        "It could not be imported, or recorded, just now.",
                        {"anyOf": [ref("Refusal"), _refused({})]},
                    ),
                },
            }
        }
    }


_CSV: Final[Schema] = {
    "type": "string",
    "description": "The same columns, after the lines that say feed and instant.",
}


def feed_schemas() -> Schema:
    """Give the schemas by name."""
    fault: Schema = {"line": {"type": "integer", "minimum": 0}, "message": {"type": "string"}}
    return {"ExportFault": record(fault)}


def feed_security() -> Schema:
    """Describe how a unit proves that an export is its own."""
    return {
        SECURITY: {
            "type": "apiKey",
            "in": "header",
            "name": SIGNATURE_FIELD.decode("ascii"),
            "description": "The detached Ed25519 signature of the body by the unit, in base64.",
        }
    }


def _report() -> Schema:
    text: Schema = {"type": "string"}
    number: Schema = {"type": "integer", "minimum": 0}
    visit = {"visit": ref("Reference")}
    done = record(
        {
            **dict.fromkeys(("feed", "exported_at", "sha256", "source"), text),
            **dict.fromkeys(_COUNTS, number),
            **visit,
        },
        {"made": number, "proposed": number, "reference": text, "a_second_officer_runs": text},
    )
    known = {"feed": text, "sha256": text, "already_imported": {"const": True}, **visit}
    return {"anyOf": [done, record(known)]}


def _refused(more: Schema) -> Schema:
    return record({"refused": {"const": True}, "visit": ref("Reference"), **more})


def _not_taken(meaning: str, more: Schema) -> Schema:
    return given(meaning, _refused(more))

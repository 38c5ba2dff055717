"""The Authorization API (OpenID AuthZEN 1.0), as `gateway.api.authzen` serves it."""

from __future__ import annotations

from typing import Any, Final

from gateway.api.authzen import (
    BODY_BYTES,
    ENDPOINTS,
    EVALUATION,
    EVALUATIONS,
    METADATA_PATH,
    PREFIX,
    SEARCHES,
)
from gateway.api.decision_clients import SCHEME
from gateway.api.decision_request import (
    ACTIONS,
    LONGEST,
    MOST_EVALUATIONS,
    SUBJECTS,
    TEXT_PATTERN,
    Semantic,
    Wanted,
)
from gateway.api.decision_search import PEOPLE_A_PAGE
from gateway.openapi.answers import JSON, Schema, given, header, record, ref, refusals

SECURITY: Final = "program"
_TAG: Final = "Decisions"
_TEXT: Final[Schema] = {
    "type": "string",
    "minLength": 1,
    "maxLength": LONGEST,
    "pattern": TEXT_PATTERN,
}
_OBJECT: Final[Schema] = {"type": "object"}
_WORDS: Final = {
    EVALUATION: "Ask whether somebody who is signed in may do something",
    EVALUATIONS: f"Ask up to {MOST_EVALUATIONS} such questions at once",
    f"search/{Wanted.SUBJECT}": "Find those who are signed in and may do something",
    f"search/{Wanted.RESOURCE}": "Find the functions that somebody may open",
    f"search/{Wanted.ACTION}": "Find what somebody may do with a function",
}
_EXAMPLE: Final[Schema] = {
    "subject": {"type": "staff", "id": "cheshire-fire/7d3c"},
    "resource": {"type": "function", "id": "pay.slip"},
    "action": {"name": "read"},
}


def decision_paths() -> Schema:
    """Describe every endpoint, and the metadata."""
    paths: Schema = {f"{PREFIX}{path}": {"post": _operation(path)} for path in ENDPOINTS.values()}
    places = {name: {"type": "string", "format": "uri"} for name in ENDPOINTS}
    metadata = record({"policy_decision_point": {"type": "string", "format": "uri"}, **places})
    paths[METADATA_PATH] = {
        "get": {
            "tags": [_TAG],
            "operationId": "authzen_configuration",
            "summary": "Where the endpoints for decisions are",
            "description": _WHERE_LISTED,
            "security": [],
            "responses": {
                "200": given("The metadata of AuthZEN.", metadata),
                **refusals(401, 404, 405),
            },
        }
    }
    return paths


def decision_schemas() -> Schema:
    """Give the schemas by name."""
    reason = record(
        {"reason": {"type": "string", "description": "A fixed word."}},
        {"reason_user": record({"en": {"type": "string"}})},
    )
    named: Schema = {
        "Subject": _entity(SUBJECTS, {"id": _TEXT}, "Somebody; the `sub` of the signed assertion."),
        "Function": _entity(
            ("function",),
            {"id": _TEXT},
            "A function of the catalogue; `properties.record` is the employee number of whose"
            " record it is.",
            properties={**_OBJECT, "properties": {"record": _TEXT}},
        ),
        "Request": _entity(("request",), {"id": _TEXT}, "A request: its path and query."),
        "Context": {**_OBJECT, "properties": {"purpose": _TEXT}},
        "Page": {
            **_OBJECT,
            "properties": {
                "limit": {"type": "integer", "minimum": 0},
                "token": {
                    "description": "`next_token` of the page before; the rest must be as it was.",
                    "anyOf": [{"const": ""}, _TEXT],
                    "default": "",
                },
                "properties": _OBJECT,
            },
        },
        "Decision": record({"decision": {"type": "boolean"}}, {"context": reason}),
        "Fault": record({"error": {"type": "string"}, "reference": ref("Reference")}),
        "NextPage": record(
            {
                "next_token": {
                    "type": "string",
                    "description": "Empty on the last page.",
                },
                "count": {"type": "integer", "minimum": 0},
            }
        ),
    }
    for kind, actions in ACTIONS.items():
        named[_action(kind)] = {
            **_OBJECT,
            "required": ["name"],
            "properties": {"name": {"enum": list(actions)}, "properties": _OBJECT},
        }
    return named


_WHERE_LISTED: Final = "Only where the settings list a program, as `[[decisions.client]]`."


def _operation(path: str) -> Schema:
    body = _search(SEARCHES[path]) if path in SEARCHES else _question()
    if path == EVALUATIONS:
        body = _several()
    wanted = SEARCHES.get(path)
    said = {name: each for name, each in _EXAMPLE.items() if name != wanted or name != "action"}
    if wanted in {Wanted.SUBJECT, Wanted.RESOURCE}:
        said[wanted] = {"type": said[wanted]["type"]}
    return {
        "tags": [_TAG],
        "operationId": path.replace("/", "_"),
        "summary": _WORDS[path],
        "description": f"{_WHERE_LISTED} A body of {BODY_BYTES // 1024} KiB at the most."
        + (
            f" A page looks at {PEOPLE_A_PAGE} people at the most, and may hold fewer results"
            " than `limit`."
            if wanted is Wanted.SUBJECT
            else ""
        ),
        "security": [{SECURITY: []}],
        "parameters": [
            {
                "name": "X-Request-ID",
                "in": "header",
                "description": "The caller's own id of the call; it is given back.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {"required": True, "content": {JSON: {"schema": body, "example": said}}},
        "responses": {
            "200": given(
                "The answer; a denial too.",
                _answer_of(path),
                headers={
                    "Gateway-Reference": header("Finds the entry.", required=True),
                    "X-Request-ID": header("As it was given."),
                },
            ),
            **refusals(401),
            **{
                str(status): _fault(status, meaning)
                for status, meaning in (
                    (400, "Something in the body cannot be read; `error` says where."),
                    (404, "There is no such endpoint."),
                    (405, "The endpoint takes another method."),
                    (413, "The body is too large."),
                    (415, "The body is not JSON."),
                    (429, "The program has asked for all it may in this minute."),
                )
            },
        },
    }


def _fault(status: int, meaning: str) -> Schema:
    """Describe a refusal that says what is wrong, once the program is known."""
    told = given(meaning, {"anyOf": [ref("Fault"), ref("Refusal")]})
    told["content"]["text/html"] = {"schema": {"type": "string"}}
    fields = {405: ("Allow", "The method."), 429: ("Retry-After", "Seconds to wait.")}
    if status in fields:
        name, text = fields[status]
        told["headers"] = {name: header(text, required=True)}
    return told


def _entity(
    types: tuple[str, ...],
    more: Schema,
    description: str,
    *,
    properties: Schema = _OBJECT,
) -> Schema:
    return {
        "description": description,
        **_OBJECT,
        "required": ["type", *more],
        "properties": {"type": {"enum": list(types)}, **more, "properties": properties},
    }


def _action(kind: str) -> str:
    return f"ActionOn{kind.title()}"


def _without_id(schema: str) -> Schema:
    """Describe an entity of which a search leaves the id open: whatever it says is passed over."""
    entity: Schema = decision_schemas()[schema]
    left = {name: each for name, each in entity["properties"].items() if name != "id"}
    return {**entity, "required": ["type"], "properties": left}


def _question() -> Schema:
    return {
        "anyOf": [
            {
                **_OBJECT,
                "required": ["subject", "resource", "action"],
                "properties": {
                    "subject": ref("Subject"),
                    "resource": ref(kind.title()),
                    "action": ref(_action(kind)),
                    "context": ref("Context"),
                },
            }
            for kind in ACTIONS
        ]
    }


def _several() -> Schema:
    """Describe several questions; what is said beside them stands where one says nothing."""
    each = {
        **_OBJECT,
        "properties": {
            "subject": ref("Subject"),
            "resource": {"anyOf": [ref(kind.title()) for kind in ACTIONS]},
            "action": {"anyOf": [ref(_action(kind)) for kind in ACTIONS]},
            "context": ref("Context"),
        },
    }
    semantic = {"enum": [str(word) for word in Semantic]}
    several = {
        **_OBJECT,
        "required": ["evaluations"],
        "properties": {
            "evaluations": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_EVALUATIONS,
                "items": each,
            },
            "options": {**_OBJECT, "properties": {"evaluations_semantic": semantic}},
            **dict.fromkeys(("subject", "resource", "action", "context"), _OBJECT),
        },
    }
    none = {"properties": {"evaluations": {"type": "array", "maxItems": 0}}}
    return {"anyOf": [several, {"allOf": [none, _question()]}]}


def _search(wanted: Wanted) -> Schema:
    kinds = ACTIONS if wanted is Wanted.SUBJECT else ("function",)
    found: list[Schema] = []
    for kind in kinds:
        entities: dict[str, Any] = {
            Wanted.SUBJECT: ref("Subject"),
            Wanted.RESOURCE: ref(kind.title()),
            Wanted.ACTION: ref(_action(kind)),
        }
        if wanted is Wanted.ACTION:
            del entities[wanted]
        else:
            left_open = {Wanted.SUBJECT: "Subject", Wanted.RESOURCE: kind.title()}
            entities[wanted] = _without_id(left_open[wanted])
        found.append(
            {
                **_OBJECT,
                "required": [str(name) for name in entities],
                "properties": {
                    **{str(name): each for name, each in entities.items()},
                    "context": ref("Context"),
                    "page": ref("Page"),
                },
            }
        )
    return found[0] if len(found) == 1 else {"anyOf": found}


def _answer_of(path: str) -> Schema:
    if path == EVALUATION:
        return ref("Decision")
    if path == EVALUATIONS:
        several = {"type": "array", "maxItems": MOST_EVALUATIONS, "items": ref("Decision")}
        return {"anyOf": [ref("Decision"), record({"evaluations": several})]}
    text = {"type": "string"}
    result = {
        Wanted.SUBJECT: record({"type": {"enum": list(SUBJECTS)}, "id": text}),
        Wanted.RESOURCE: record({"type": {"const": "function"}, "id": text}),
        Wanted.ACTION: record({"name": {"enum": list(ACTIONS["function"])}}),
    }[SEARCHES[path]]
    return record({"page": ref("NextPage"), "results": {"type": "array", "items": result}})


def decision_security() -> Schema:
    """Describe how a program proves which one it is."""
    return {
        SECURITY: {
            "type": "http",
            "scheme": SCHEME.decode("ascii").lower(),
            "description": "The token whose SHA-256 stands in `[[decisions.client]]`.",
        }
    }

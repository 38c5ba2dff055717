"""What the document says of decisions is what is read: what it forbids is refused, and no more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from gateway.api.authzen import ENDPOINTS, EVALUATION, EVALUATIONS, PREFIX, SEARCHES
from gateway.api.decision_request import (
    RequestFault,
    read_evaluation,
    read_evaluations,
    read_search,
)
from gateway.openapi.document import openapi_document

ALICE = {"type": "user", "id": "cheshire-fire/id-alice"}
PAYSLIP = {"type": "function", "id": "pay.slip"}
READ = {"name": "read"}
QUESTION = {"subject": ALICE, "resource": PAYSLIP, "action": READ}
CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"subject": None},
    {"subject": {"type": "user"}},
    {"subject": {"type": "user", "id": ""}},
    {"subject": {"type": "user", "id": "a\n"}},
    {"subject": {"type": "user", "id": "x" * 2001}},
    {"subject": {**ALICE, "properties": 1}},
    {"resource": {"type": "function"}},
    {"resource": {"type": "request", "id": "/"}},
    {"resource": {**PAYSLIP, "properties": {"record": 1}}},
    {"resource": {**PAYSLIP, "properties": {"more": 1}}},
    {"action": {"name": "GET"}},
    {"action": {"name": "write", "properties": {}}},
    {"context": {"purpose": ""}},
    {"context": 7},
    {"later": 7},
    {"page": {"limit": 0, "token": ""}},
    {"page": {"limit": -1}},
    {"page": {"limit": 1.5}},
    {"page": {"limit": None}},
    {"page": {"token": None}},
    {"page": 1},
    {"page": {"token": 1}},
    {"page": {"properties": 1}},
    {"evaluations": []},
    {"evaluations": [{}]},
    {"evaluations": [{"action": {"name": "nothing"}}]},
    {"evaluations": [{}] * 61},
    {"evaluations": [{}], "options": {"evaluations_semantic": "none"}},
    {"evaluations": [{}], "context": 1},
)


def is_read(path: str, body: bytes) -> bool:
    try:
        if path in SEARCHES:
            read_search(body, SEARCHES[path])
        else:
            {EVALUATION: read_evaluation, EVALUATIONS: read_evaluations}[path](body)
    except RequestFault:
        return False
    return True


@pytest.mark.parametrize("path", ENDPOINTS.values())
def test_what_fits_the_document_is_read_and_nothing_else(path: str) -> None:
    document = openapi_document()
    operation = document["paths"][f"{PREFIX}{path}"]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    schema = {**content["schema"], "components": document["components"]}
    validator = Draft202012Validator(schema)

    assert is_read(path, json.dumps(content["example"]).encode())
    assert validator.is_valid(content["example"])
    for change in CHANGES:
        said = {**QUESTION, **change}
        said = {name: each for name, each in said.items() if each is not None}
        assert is_read(path, json.dumps(said).encode()) is validator.is_valid(said), said

"""The document is valid, published as it is printed, and says of this gateway nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.cli.openapi import openapi
from gateway.openapi.document import openapi_document, openapi_text

PUBLISHED = Path(__file__).parents[3] / "deploy" / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document()


def test_the_document_is_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_the_document_is_published_as_it_is_printed() -> None:
    """Run `gateway openapi > deploy/openapi.json` when this fails."""
    assert PUBLISHED.read_text("utf-8") == openapi_text() == CliRunner().invoke(openapi).output


def test_every_operation_has_a_name_of_its_own_and_says_who_may_call_it(
    document: dict[str, Any],
) -> None:
    operations = [
        operation
        for item in document["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    names = [operation["operationId"] for operation in operations]
    schemes = document["components"]["securitySchemes"].keys()

    assert len(set(names)) == len(names)
    for operation in operations:
        assert operation["summary"]
        assert {scheme for each in operation["security"] for scheme in each} <= schemes


def test_every_piece_is_used(document: dict[str, Any]) -> None:
    said = set(references(document))
    kept = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses")
        for name in document["components"][kind]
    }

    assert kept == said


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from references(each)


def test_the_document_is_the_same_for_every_gateway() -> None:
    assert json.loads(openapi_text())["servers"] == [{"url": "/"}]

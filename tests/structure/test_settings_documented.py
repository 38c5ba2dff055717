"""Every setting stands in the schema with a description, and in the example."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from gateway.settings import Settings
from tests.structure.tree import read

SCHEMA = "deploy/gateway.schema.json"
EXAMPLE = "deploy/gateway.example.toml"


def settings_of(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give every setting: the section it is in, its name, what the schema says of it."""
    for section, definition in {"Settings": schema, **schema.get("$defs", {})}.items():
        for name, said in definition.get("properties", {}).items():
            yield section, name, said


def undocumented(schema: dict[str, Any], example: str) -> list[str]:
    """Find settings without a description, or without a line in the example."""
    faults = []
    for section, name, said in settings_of(schema):
        if not re.search(rf"(?m)^#?\s*\[*(?:[\w.]*\.)?{name}\]*\b|[{{,]\s*{name}\s*=", example):
            faults.append(f"{section}.{name}: not in the example")
        if section != "Settings" and not said.get("description"):
            faults.append(f"{section}.{name}: no description")
    return faults


def test_the_published_schema_is_that_of_the_settings() -> None:
    published = json.loads(read(SCHEMA))
    own = Settings.model_json_schema(by_alias=True)

    assert {(s, n) for s, n, _ in settings_of(published)} == {
        (s, n) for s, n, _ in settings_of(own)
    }


def test_every_setting_is_documented() -> None:
    """A setting that nobody can find out about is a trap."""
    schema = json.loads(read(SCHEMA))

    assert len(list(settings_of(schema))) > 30
    assert undocumented(schema, read(EXAMPLE)) == []


def test_the_check_finds_a_planted_fault() -> None:
    schema = json.loads(read(SCHEMA))
    section = next(iter(schema["$defs"].values()))
    section["properties"]["planted_switch"] = {"type": "boolean"}

    assert len(undocumented(schema, read(EXAMPLE))) == 2


def test_the_example_is_valid_toml() -> None:
    assert "gateway" in tomllib.loads(read(EXAMPLE))

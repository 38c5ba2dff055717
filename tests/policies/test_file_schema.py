"""The published schemas: those of the readers, and met by every file that is shipped."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from gateway.cli.policy import policy
from policies.agreements import load_agreements
from policies.catalogue_file import load_catalogue
from policies.errors import PolicyFileError
from policies.file_schema import schemas
from policies.organisations import load_organisations
from policies.policy_set import FILES
from policies.rules import load_rules
from tests.policies.people import cheshire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
NAMES = [name.removesuffix(".toml") for name in FILES]
ODD = "zzz = 1\n"
KINDS = {"string": str, "boolean": bool, "array": list, "object": dict, "integer": int}
# A text with every table there is, each with a key that nobody knows.
EVERY_TABLE = {
    "organisations": f"{ODD}[[organisation]]\n{ODD}",
    "agreements": f"{ODD}[[agreement]]\n{ODD}[[agreement.accepts]]\n{ODD}",
    "rules": f"{ODD}[[rule]]\n{ODD}[rule.when]\n{ODD}[rule.obligations]\n{ODD}"
    f"[rule.obligations.rate]\n{ODD}",
    "catalogue": f"{ODD}[[path]]\n{ODD}[[function]]\n{ODD}[[function.match]]\n{ODD}"
    f"[function.record]\n{ODD}[[transaction]]\n{ODD}[[purpose]]\n{ODD}[[field_set]]\n{ODD}"
    f"[[marking]]\n{ODD}[[marking.levels]]\n{ODD}",
}
LOAD: dict[str, Callable[[Path], object]] = {
    "organisations": load_organisations,
    "agreements": lambda path: load_agreements(path, order=cheshire().levels),
    "rules": lambda path: load_rules(path, functions=None, terms=cheshire().terms),
    "catalogue": lambda path: load_catalogue(path, cheshire().levels),
}
ELSEWHERE = {
    "rules": {frozenset({"days", "from", "until"})},  # read as the value of a criterion
    "catalogue": {
        frozenset(schemas()["catalogue"]["properties"]["change"]["items"]["properties"]),
        frozenset(schemas()["catalogue"]["properties"]),
    },  # both are read whole only where a file is based on another
}


def tables_of(schema: Any) -> Iterator[frozenset[str]]:
    """The keys of every table of a schema."""
    if isinstance(schema, dict):
        if schema.get("additionalProperties") is False:
            yield frozenset(schema["properties"])
        for each in schema.values():
            yield from tables_of(each)


def faults_of(value: Any, schema: dict[str, Any], place: str = "") -> Iterator[str]:
    """What a value is that its schema does not allow, for the words that these schemas use."""
    if isinstance(value, date):
        value = value.isoformat()
    if type(value) is not KINDS.get(schema.get("type", ""), type(value)):
        yield f"{place}: {value!r} is no {schema['type']}"
    elif value not in schema.get("enum", [schema.get("const", value)]):
        yield f"{place}: {value!r} is not what it can be"
    elif not re.search(schema.get("pattern", ""), str(value)):
        yield f"{place}: {value!r} is not like {schema['pattern']}"
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from faults_of(each, schema["items"], f"{place}[{number}]")
    elif isinstance(value, dict):
        missing = set(schema.get("required", ())) - value.keys()
        yield from (f"{place}: {key} is missing" for key in sorted(missing))
        yield from _faults_of_keys(value, schema, place)


def _faults_of_keys(value: dict[str, Any], schema: dict[str, Any], place: str) -> Iterator[str]:
    for key, each in value.items():
        inner = schema.get("properties", {}).get(key) or schema["additionalProperties"]
        if inner is False:
            yield f"{place}: {key} is unknown"
        else:
            yield from faults_of(each, inner, f"{place}.{key}")


@pytest.mark.parametrize("name", NAMES)
def test_the_published_schema_is_the_one_that_is_printed(name: str) -> None:
    published = (ROOT / f"deploy/policy-{name}.schema.json").read_text("utf-8")

    assert CliRunner().invoke(policy, ["schema", name]).output == published
    assert json.loads(published) == schemas()[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_table_of_a_schema_has_the_keys_that_the_reader_asks_for(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / f"{name}.toml"
    path.write_text(EVERY_TABLE[name], encoding="utf-8")
    with pytest.raises(PolicyFileError) as refused:
        LOAD[name](path)

    asked = {
        frozenset(fault.remedy.removeprefix("use one of: ").split(", "))
        for fault in refused.value.faults
        if "unknown key `zzz`" in fault.message
    }
    known = set(tables_of(schemas()[name]))
    elsewhere = ELSEWHERE.get(name, set())
    assert len(asked) == EVERY_TABLE[name].count(ODD)
    assert {each for each in asked if each not in known and name != "catalogue"} == set()
    assert known - elsewhere <= asked


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_file_meets_its_schema(name: str) -> None:
    files = [
        *(ROOT / "policies" / "library").glob(f"*/{name}.toml"),
        *(ROOT / "deploy" / "scenarios").glob(f"*/policy/{name}.toml"),
    ]
    assert len(files) >= 5
    for file in files:
        content = tomllib.loads(file.read_text("utf-8"))
        assert list(faults_of(content, schemas()[name], file.parent.name)) == []


def test_what_does_not_meet_a_schema_is_found() -> None:
    rule = {"id": "a", "effect": "Permit", "functions": ["a"], "actions": ["read"], "when": {}}

    found = list(faults_of({"rule": [{**rule, "x": 1}]}, schemas()["rules"]))

    assert [each.split(": ", 1)[1].split(" ")[0] for each in found] == [
        "owner",
        "reason",
        "'Permit'",
        "x",
    ]

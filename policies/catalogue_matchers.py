"""Reads which requests mean a function: `match`, `record` and `[[path]]` of a catalogue's file.

What a request may bring with it is declared, on a matcher or for all of a path:

    bodies = ["form", "json", "multipart", "other"]

Left out, a POST, PUT or PATCH may have a form and nothing else, a DELETE nothing; a GET never has
a body. Forms and JSON are read and compared with the address. Of an upload (multipart) only the
names of its parts are read, and none may name a function or a person. What is `other` is not read:
say so only where the back office takes neither from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from policies.errors import PolicyError
from policies.function import (
    GATEWAY_SYSTEM,
    OPERATION_OF_METHOD,
    Matcher,
    Operation,
    RecordParameter,
    RecordPlace,
)
from policies.request_body import BodyKind
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from policies.findings import TableReader
    from policies.function import Function

PARAMETER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class DeclaredPath:
    """A `[[path]]`.

    Attributes:
        reader: its place in the file.
        carries: parameters watched beyond those that matchers name.
        reads_form: whether forms tell functions or persons there.
        bodies: what its requests may have, where their matchers do not say; None for the default.
    """

    reader: TableReader
    carries: tuple[str, ...]
    reads_form: bool
    bodies: frozenset[BodyKind] | None


def read_paths(document: TableReader) -> dict[str, DeclaredPath]:
    """Read every `[[path]]`, by the pattern as written."""
    paths: dict[str, DeclaredPath] = {}
    for reader in document.tables("path", required=False):
        written = reader.text("path")
        carries = reader.texts("carries", required=False, pattern=PARAMETER_NAME)
        reads_form = reader.flag("reads_form")
        bodies = _bodies(reader)
        reader.finish()
        if written in paths:
            reader.fault("path", message=f"{quoted(written)} stands twice", remedy="remove one")
        elif written:
            paths[written] = DeclaredPath(reader, carries, reads_form, bodies)
    return paths


def read_matchers(reader: TableReader) -> dict[int, Matcher]:
    """Read the matchers; those with faults are left out, the others keep their position."""
    read = {position: _matcher(entry) for position, entry in enumerate(reader.tables("match"))}
    return {position: matcher for position, matcher in read.items() if matcher is not None}


def _matcher(reader: TableReader) -> Matcher | None:
    methods = reader.texts("methods")
    for place, method in enumerate(methods):
        if method not in OPERATION_OF_METHOD:
            reader.fault(
                "methods",
                place,
                message=f"unknown method {quoted(method)}",
                remedy=f"use {', '.join(OPERATION_OF_METHOD)}; HEAD follows GET",
            )
    path = reader.text("path")
    query = reader.text_map("query", key_pattern=PARAMETER_NAME)
    form = reader.text_map("form", key_pattern=PARAMETER_NAME)
    json = reader.text_map("json", key_pattern=PARAMETER_NAME)
    bodies = _bodies(reader)
    operation = reader.choice("operation", Operation, required=False)
    reader.finish()
    known = frozenset(methods) & OPERATION_OF_METHOD.keys()
    if not known or not path:
        return None
    return reader.parsed(
        read=lambda: Matcher(
            methods=known,
            path=path,
            query=MappingProxyType(query),
            form=MappingProxyType(form),
            json=MappingProxyType(json),
            bodies=bodies,
            operation=operation,
        ),
        error=PolicyError,
        remedy="name a carrier once",
    )


def read_record(reader: TableReader) -> RecordParameter | None:
    """Read which parameter names a person; None where none does, or with a fault."""
    table = reader.table("record")
    if table is None:
        return None
    name = table.text("name", pattern=PARAMETER_NAME)
    where = frozenset(table.choices("where", RecordPlace, required=True))
    table.finish()
    if not name or not where:
        return None
    return table.parsed(
        "where",
        read=lambda: RecordParameter(name=name, where=where),
        error=PolicyError,
        remedy='write where = ["path"], or of query, form and json',
    )


def check_paths(reader: TableReader, system: str, matchers: Mapping[int, Matcher]) -> None:
    """Check that the gateway's own paths and those of the back office are kept apart."""
    for position, matcher in matchers.items():
        own = matcher.path == "/" or matcher.path.startswith("/-/")
        if own != (system == GATEWAY_SYSTEM):
            reader.fault(
                "match",
                position,
                "path",
                message=f"{quoted(matcher.path)} is not a path of {quoted(system)}",
                remedy="`/` and what is under `/-/` is the gateway's, the rest is not",
            )


def check_record(
    reader: TableReader, record: RecordParameter, matchers: Mapping[int, Matcher]
) -> None:
    """Check that a path that names a person does so in every matcher."""
    if RecordPlace.PATH not in record.where:
        return
    for position, matcher in matchers.items():
        if f"/{{{record.name}}}" not in matcher.path:
            reader.fault(
                "match",
                position,
                "path",
                message=f"{quoted(matcher.path)} does not name the person",
                remedy=f"write {{{record.name}}} as one of its segments",
            )


def with_path_bodies(function: Function, paths: Mapping[str, DeclaredPath]) -> Function:
    """Give the function whose matchers have what their `[[path]]` says of bodies."""
    matchers = tuple(_with_bodies(matcher, paths) for matcher in function.matchers)
    return function if matchers == function.matchers else replace(function, matchers=matchers)


def _with_bodies(matcher: Matcher, paths: Mapping[str, DeclaredPath]) -> Matcher:
    declared = paths.get(matcher.path)
    if declared is None or declared.bodies is None or matcher.bodies is not None:
        return matcher
    if not matcher.methods & _WITH_BODY:
        return matcher
    return replace(matcher, bodies=declared.bodies)


def check_bodies(reader: TableReader, function: Function, positions: Sequence[int]) -> None:
    """Check that nothing is to be read from a body that no request of the function has.

    Args:
        reader: the function's table.
        function: the function, with what its paths say.
        positions: the place of each matcher in the file.
    """
    for position, matcher in zip(positions, function.matchers, strict=True):
        kinds = frozenset().union(*(matcher.bodies_of(method) for method in matcher.methods))
        if matcher.bodies is not None and not kinds:
            reader.fault(
                "match",
                position,
                "bodies",
                message="a GET has no body",
                remedy="remove it, or name a method that has one",
            )
        for key, kind in (("form", BodyKind.FORM), ("json", BodyKind.JSON)):
            if getattr(matcher, key) and kind not in kinds:
                reader.fault(
                    "match",
                    position,
                    key,
                    message=f"no {kind} body is declared for {quoted(matcher.path)}",
                    remedy=f'add bodies = ["{kind}"] to the match or its [[path]]',
                )
    record = function.record
    if record is not None and RecordPlace.JSON in record.where:
        taken = (m.bodies_of(method) for m in function.matchers for method in m.methods)
        if not any(BodyKind.JSON in kinds for kinds in taken):
            reader.fault(
                "record",
                "where",
                message="names a person in JSON, but no request of the function may have JSON",
                remedy='add bodies = ["json"] to the match that has it',
            )


def _bodies(reader: TableReader) -> frozenset[BodyKind] | None:
    if not reader.has("bodies"):
        return None
    return frozenset(reader.choices("bodies", BodyKind))

"""Reads the catalogue of a policy set from its TOML file, or refuses it with every fault.

What is refused beyond wrong keys and values, and why:

1. SECRET: nothing so marked may be reachable through the gateway, whatever the caller holds.
2. A requirement `ANY` outside the gateway's own pages: the back office always asks for clearance.
3. A floor that an employer's screening meets on an OFFICIAL-SENSITIVE function of the back office
   that is not about the person's own record, unless `screening_suffices` says why; never for
   records of a police organisation (`policies.policy_set`).
4. Two functions that claim the same request: matching would have to guess.
5. A path of the gateway's own outside `/` and `/-/`, or a path of the back office inside.
6. A tile that does not open its own function.
7. A `[[path]]` that no function uses.
8. Something read from a kind of body that the request is not declared to have
   (`policies.catalogue_matchers`).
9. A system in `own_host` that has no functions, or is the gateway.
10. Addresses of an Oracle suite that leak (`policies.catalogue_ebs`).

A file may stand on another (`based_on`, see `policies.base_file`): its own functions are added to
that file's, `[[change]]` and `without` say what differs (`policies.catalogue_changes`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from policies.answer_rules import read_markings, read_menu
from policies.base_file import base_of
from policies.catalogue import Catalogue
from policies.catalogue_changes import changed_functions
from policies.catalogue_ebs import check_suite_addresses
from policies.catalogue_matchers import (
    DeclaredPath,
    check_bodies,
    check_paths,
    check_record,
    read_matchers,
    read_paths,
    read_record,
    with_path_bodies,
)
from policies.errors import PolicyError, PolicyFileError
from policies.findings import Findings, TableReader, nearest_of
from policies.floors import check_floor, read_floor
from policies.function import (
    GATEWAY_SYSTEM,
    MOST_BODY_MIB,
    MOST_STEP_UP_MINUTES,
    STEP_UP_MINUTES,
    Classification,
    Function,
    Regime,
    Scope,
)
from policies.obligations import FieldSet, Obligation, Purpose
from policies.obligations_file import read_field_sets, read_purposes
from policies.organisations import ORGANISATION_ID
from policies.own_hosts import by_host, read_own_host
from policies.request_index import index_requests
from policies.transactions import read_transaction, read_transactions
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from policies.answer_rules import MarkingRule
    from policies.transactions import TransactionRule
    from vetting.errors import Fault
    from vetting.levels import LevelOrder

FUNCTION_ID = re.compile(r"[a-z]+(\.[a-z]+)+")
SYSTEM_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

# Words of other marking schemes that people may write; each needs more of an answer than "unknown".
_TOO_HIGH = frozenset({"SECRET", "TOP SECRET", "TOP-SECRET"})


def load_catalogue(path: Path, order: LevelOrder) -> Catalogue:
    """Read a catalogue.

    Args:
        path: the file.
        order: the levels that floors may name.

    Raises:
        PolicyFileError: with every fault of the file, each with line and remedy.
    """
    findings = Findings.read(path)
    document = findings.document()
    base = base_of(document, path)
    words = _Words()
    below: tuple[Fault, ...] = ()
    if base is None:
        paths, entries, _ = _written(document, order, required=True)
    else:
        stood_on = Findings.read(base)
        base_document = stood_on.document()
        words = _words(base_document, order, words)
        base_paths, base_entries, rules = _written(base_document, order, required=True)
        base_document.finish()
        paths, entries, _ = _written(document, order, required=False, below=rules)
        below = stood_on.faults
        kept = changed_functions(
            document, {name: entry.function for name, entry in base_entries.items()}, order
        )
        _keep_apart(base_paths, base_entries, paths, entries)
        paths = {**base_paths, **paths}
        entries = {
            **{name: replace(base_entries[name], function=kept[name]) for name in kept},
            **entries,
        }
    words = _words(document, order, words)
    own_host = read_own_host(
        document, {entry.function.system for entry in entries.values()}, SYSTEM_ID
    )
    document.finish()
    if below:
        raise PolicyFileError((*below, *findings.faults))
    entries = {
        name: replace(entry, function=with_path_bodies(entry.function, paths))
        for name, entry in entries.items()
    }
    functions = [entry.function for entry in entries.values()]
    carriers = {written: declared.carries for written, declared in paths.items()}
    form_paths = {written for written, declared in paths.items() if declared.reads_form}
    for reached in by_host(entries, lambda entry: entry.function.system, own_host):
        _check_requests(reached, carriers, form_paths)
    findings.refuse_if_any()
    try:
        catalogue = Catalogue(
            functions,
            carriers=carriers,
            form_paths=form_paths,
            purposes=words.purposes,
            field_sets=words.field_sets,
            markings=words.markings,
            own_host=own_host,
        )
    except PolicyError as error:
        findings.add(
            "path",
            message=str(error),
            remedy="declare each parameter in one spelling and for one purpose",
        )
        raise PolicyFileError(findings.faults) from error
    for entry in entries.values():
        _check_entry(entry.reader, catalogue, entry.function)
        check_suite_addresses(entry.reader, entry.function, entry.positions)
    findings.refuse_if_any()
    return catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What rules may ask for, and what is said of the answers of systems."""

    purposes: Mapping[str, Purpose] = field(default_factory=dict)
    field_sets: Mapping[str, FieldSet] = field(default_factory=dict)
    markings: Mapping[str, MarkingRule] = field(default_factory=dict)


def _words(document: TableReader, order: LevelOrder, below: _Words) -> _Words:
    return _Words(
        purposes=read_purposes(document, below.purposes),
        field_sets=read_field_sets(document, order, below.field_sets),
        markings=read_markings(document, order, below.markings),
    )


def _check_requests(
    entries: Mapping[str, _Entry], carriers: Mapping[str, Collection[str]], form_paths: set[str]
) -> None:
    """Check that no request means two functions, and that bodies are declared that are read."""
    functions = [entry.function for entry in entries.values()]
    _, clashes = index_requests(functions, carriers=carriers, form_paths=form_paths)
    for clash in clashes:
        entry = entries[clash.function_id]
        entry.reader.fault(
            "match",
            entry.positions[clash.matcher],
            message=clash.message,
            remedy="let one request mean one function",
        )
    for entry in entries.values():
        check_bodies(entry.reader, entry.function, entry.positions)


def _written(
    document: TableReader,
    order: LevelOrder,
    *,
    required: bool,
    below: Mapping[str, TransactionRule] = MappingProxyType({}),
) -> tuple[dict[str, DeclaredPath], dict[str, _Entry], dict[str, TransactionRule]]:
    """Read the paths, functions and transactions that one file declares.

    Args:
        document: its outermost table.
        order: the levels that floors may name.
        required: whether there must be functions.
        below: the transactions of the file that it is based on.
    """
    paths = read_paths(document)
    rules = read_transactions(document, below.values())
    entries = _functions(document, order, rules, required=required)
    used = {matcher.path for entry in entries.values() for matcher in entry.function.matchers}
    for written, declared in paths.items():
        if written not in used:
            declared.reader.fault(
                "path",
                message=f"no function matches {quoted(written)}",
                remedy=nearest_of(written, used),
            )
    return paths, entries, rules


def _keep_apart(
    base_paths: Mapping[str, DeclaredPath],
    base_entries: Mapping[str, _Entry],
    paths: Mapping[str, DeclaredPath],
    entries: Mapping[str, _Entry],
) -> None:
    """Refuse what a file declares although the file it is based on has declared it."""
    for written in base_paths.keys() & paths.keys():
        paths[written].reader.fault(
            "path",
            message=f"{quoted(written)} is declared in the file this one is based on",
            remedy="remove it here",
        )
    for name in base_entries.keys() & entries.keys():
        entries[name].reader.fault(
            "id",
            message=f"`{name}` is declared in the file this one is based on",
            remedy="write what differs as a [[change]], or give it another id",
        )


@dataclass(frozen=True, slots=True)
class _Entry:
    """A function with its place in the file; `positions` is that of each of its matchers."""

    reader: TableReader
    function: Function
    positions: tuple[int, ...]


def _functions(
    document: TableReader,
    order: LevelOrder,
    rules: Mapping[str, TransactionRule],
    *,
    required: bool,
) -> dict[str, _Entry]:
    entries: dict[str, _Entry] = {}
    for reader in document.tables("function", required=required):
        entry = _function(reader, order, rules)
        if entry is None:
            continue
        function_id = entry.function.id
        if function_id in entries:
            reader.fault("id", message=f"`{function_id}` stands twice", remedy="rename one")
        else:
            entries[function_id] = entry
    return entries


def _function(
    reader: TableReader, order: LevelOrder, rules: Mapping[str, TransactionRule]
) -> _Entry | None:
    function_id = reader.text("id", pattern=FUNCTION_ID)
    title = reader.text("title")
    area = reader.text("area")
    classification = _classification(reader)
    regime = reader.choice("regime", Regime)
    scope = reader.choice("scope", Scope)
    system = reader.text("system", pattern=SYSTEM_ID)
    floor = read_floor(reader, reader.text("floor"), order, "floor")
    floors = {
        owner: read_floor(reader, text, order, "floor_by_owner", owner)
        for owner, text in reader.text_map("floor_by_owner", key_pattern=ORGANISATION_ID).items()
    }
    matchers = read_matchers(reader)
    entry = reader.text("entry", required=False)
    obligations = _obligations(reader)
    step_up_minutes = _step_up_minutes(reader, obligations)
    record = read_record(reader)
    transaction = read_transaction(reader, system, rules)
    menu = read_menu(reader, matchers.values())
    body_mib = reader.whole("body_mib", least=1, most=MOST_BODY_MIB, default=0)
    note = reader.text("note", required=False)
    screening_suffices = reader.text("screening_suffices", required=False)
    reader.finish()
    check_paths(reader, system, matchers)
    if record is not None:
        check_record(reader, record, matchers)
    if (
        not function_id
        or classification is None
        or regime is None
        or scope is None
        or floor is None
    ):
        return None
    known_floors = {owner: asked for owner, asked in floors.items() if asked is not None}
    function = Function(
        id=function_id,
        title=title,
        area=area,
        classification=classification,
        regime=regime,
        floor=floor,
        floor_by_owner=MappingProxyType(known_floors),
        scope=scope,
        system=system,
        matchers=tuple(matchers.values()),
        entry=entry or None,
        obligations=tuple(obligations),
        step_up_minutes=step_up_minutes,
        record=record,
        transaction=transaction,
        menu=menu,
        body_mib=body_mib,
        note=note,
        screening_suffices=screening_suffices,
    )
    if system != GATEWAY_SYSTEM:
        check_floor(reader, function, floor, "floor")
        for owner, asked in known_floors.items():
            check_floor(reader, function, asked, "floor_by_owner", owner)
    return _Entry(reader, function, tuple(matchers))


def _classification(reader: TableReader) -> Classification | None:
    if reader.raw("classification") in _TOO_HIGH:
        reader.fault(
            "classification",
            message="nothing SECRET may be reachable through the gateway",
            remedy="take the function out of the catalogue",
        )
        return None
    return reader.choice("classification", Classification)


def _obligations(reader: TableReader) -> tuple[Obligation, ...]:
    """Read what a function asks for whatever rule permits; the rest is said by rules."""
    obligations = reader.choices("obligations", Obligation)
    for place, obligation in enumerate(obligations):
        if obligation is not Obligation.STEP_UP:
            reader.fault(
                "obligations",
                place,
                message=f"`{obligation}` is said by rules, not by the catalogue",
                remedy="remove it, and write it among the obligations of the rules that permit",
            )
    return tuple(each for each in obligations if each is Obligation.STEP_UP)


def _step_up_minutes(reader: TableReader, obligations: Collection[Obligation]) -> int:
    if reader.has("step_up_minutes") and Obligation.STEP_UP not in obligations:
        reader.fault(
            "step_up_minutes",
            message="says how old a second factor may be, but none is asked for",
            remedy='add obligations = ["step-up"], or remove it',
        )
    return reader.whole(
        "step_up_minutes", least=1, most=MOST_STEP_UP_MINUTES, default=STEP_UP_MINUTES
    )


def _check_entry(reader: TableReader, catalogue: Catalogue, function: Function) -> None:
    """Check that the tile opens its own function, about the own record."""
    if function.entry is None:
        return
    path, _, query = function.entry.partition("?")
    here = catalogue.at(function.system) if function.system in catalogue.own_host else catalogue
    match = here.match("GET", path, parse_qsl(query, keep_blank_values=True))
    if match is None or match.function.id != function.id or match.record_person is not None:
        found = "nothing" if match is None else f"`{match.function.id}`"
        reader.fault(
            "entry",
            message=f"{quoted(function.entry)} opens {found}",
            remedy="write a path and query that one of its GET matches means, naming no person",
        )

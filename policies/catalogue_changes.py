"""What a catalogue changes of the one it is based on.

    without = ["duty.me", "duty.leave"]              # functions this back office does not have

    [[change]]
    id = "hr.search"
    floor = "N2F"                                    # and whatever else differs
    floor_by_owner = { hampshire-council = "BASE" }

The requests that mean a function cannot be changed: another address is another function.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from policies.findings import nearest_of
from policies.floors import check_floor, read_floor
from policies.function import GATEWAY_SYSTEM
from policies.organisations import ORGANISATION_ID
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.findings import TableReader
    from policies.function import Function
    from vetting.levels import LevelOrder


def changed_functions(
    document: TableReader, functions: Mapping[str, Function], order: LevelOrder
) -> dict[str, Function]:
    """Read `without` and every `[[change]]`; faults are noted where they stand.

    Args:
        document: the outermost table of the file that is based on another.
        functions: the functions of that other file, by id.
        order: the levels that floors may name.

    Returns:
        The functions that are left, in their order, as they are now.
    """
    kept = dict(functions)
    for place, name in enumerate(document.texts("without", required=False)):
        if kept.pop(name, None) is None:
            document.fault("without", place, **_unknown(name, functions))
    seen: set[str] = set()
    for reader in document.tables("change", required=False):
        name = reader.text("id")
        changes = _changes(reader, order)
        reader.finish()
        if name and name not in kept:
            reader.fault("id", **_unknown(name, kept))
        elif name in seen:
            reader.fault("id", message=f"`{name}` is changed twice", remedy="join the two")
        elif name:
            kept[name] = replace(kept[name], **changes)
            _check(reader, kept[name])
        seen.add(name)
    return kept


def _changes(reader: TableReader, order: LevelOrder) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for key in ("title", "entry", "note", "screening_suffices"):
        text = reader.text(key, required=False)
        if text:
            changes[key] = text
    floor = read_floor(reader, reader.text("floor", required=False), order, "floor")
    if floor is not None:
        changes["floor"] = floor
    floors = {
        owner: read_floor(reader, text, order, "floor_by_owner", owner)
        for owner, text in reader.text_map("floor_by_owner", key_pattern=ORGANISATION_ID).items()
    }
    if floors:
        known = {owner: asked for owner, asked in floors.items() if asked is not None}
        changes["floor_by_owner"] = MappingProxyType(known)
    return changes


def _check(reader: TableReader, function: Function) -> None:
    if function.system == GATEWAY_SYSTEM:
        return
    check_floor(reader, function, function.floor, "floor")
    for owner, asked in function.floor_by_owner.items():
        check_floor(reader, function, asked, "floor_by_owner", owner)


def _unknown(name: str, known: Mapping[str, Function]) -> dict[str, str]:
    return {
        "message": f"{quoted(name)} is not a function of the catalogue it is based on",
        "remedy": nearest_of(name, known),
    }

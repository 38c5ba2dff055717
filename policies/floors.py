"""Reads the floors of functions from a catalogue file and refuses those that let in too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vetting.errors import RequirementError, quoted
from vetting.requirement import Requirement

if TYPE_CHECKING:
    from policies.findings import TableReader
    from policies.function import Function
    from vetting.levels import LevelOrder


def read_floor(reader: TableReader, text: str, order: LevelOrder, *keys: str) -> Requirement | None:
    """Read one floor; None where it is missing or wrong, which is noted.

    Args:
        reader: the table it stands in.
        text: what is written.
        order: the levels it may name.
        keys: where it stands in the table.
    """
    if not text:
        return None  # noted already
    return reader.parsed(
        *keys,
        read=lambda: Requirement.parse(text, order),
        error=RequirementError,
        remedy=f"write levels joined by `and` and `or`: {', '.join(order.ids)}, BASE",
    )


def check_floor(reader: TableReader, function: Function, floor: Requirement, *keys: str) -> None:
    """Note a floor of a back-office function that an outsider, or mere screening, would meet."""
    if floor.met_by(0):
        reader.fault(
            *keys,
            message="asks for no clearance at all",
            remedy="write BASE or more; ANY is for the gateway's own pages",
        )
        return
    if (
        is_screening(floor)
        and function.shows_sensitive_records_of_others
        and not function.screening_suffices
    ):
        reader.fault(
            *keys,
            message=f"{quoted(floor.text)} is too little for OFFICIAL-SENSITIVE records of others",
            remedy='raise the floor, write scope = "own" if only the own record is shown, or say '
            "in `screening_suffices` why screening is enough for these records",
        )


def is_screening(floor: Requirement) -> bool:
    """Tell whether an employer's screening meets a floor."""
    return floor.met_by(floor.order.reach(floor.order.base))

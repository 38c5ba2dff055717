"""What the addresses of an Oracle E-Business Suite ask of the functions that are reached by them.

1. Professional forms (`/forms/`) have one address for all of them and send no request that tells
   what is done inside, so nobody is let in below `N2F or RV`.
2. The pages under `/OA_HTML/` are named one by one: a pattern would let the support pages through
   (`OAErrorPage.jsp`, `jsp/fnd/AOLDataStreaming.jsp`), which answer whatever they are asked.
3. Exports and downloads take away what a page shows one screen of, so they are functions of their
   own, never a part of the page's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.floors import is_screening
from policies.path_index import PathPattern
from vetting.errors import quoted
from vetting.requirement import Requirement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policies.findings import TableReader
    from policies.function import Function

_FORMS = "forms"
_PAGES = "OA_HTML"
_TAKES_AWAY = frozenset({"OAExport.jsp", "OADownload.jsp"})
_FORMS_LEVELS = ("N2F", "RV")


def check_suite_addresses(
    reader: TableReader, function: Function, positions: Sequence[int]
) -> None:
    """Note what a function asks too little for, or reaches too much by.

    Args:
        reader: the function's table.
        function: the function; its patterns have been read without fault.
        positions: the place of each matcher in the file.
    """
    patterns = [PathPattern.parse(matcher.path) for matcher in function.matchers]
    firsts = {(pattern.segments or ("",))[0] for pattern in patterns}
    if _FORMS in firsts:
        _check_forms(reader, function)
    taking = [_TAKES_AWAY.intersection(pattern.segments) for pattern in patterns]
    for position, pattern, away in zip(positions, patterns, taking, strict=True):
        if pattern.segments[:1] == (_PAGES,) and not pattern.literal:
            reader.fault(
                "match",
                position,
                "path",
                message=f"{quoted(pattern.text)} meets pages that nobody has named",
                remedy=f"write each page under /{_PAGES}/ that is meant",
            )
        elif away and not all(taking):
            reader.fault(
                "match",
                position,
                "path",
                message=f"{quoted(pattern.text)} takes away what a page of this function shows",
                remedy="make the export or download a function of its own, with its own floor",
            )


def _check_forms(reader: TableReader, function: Function) -> None:
    order = function.floor.order
    levels = [level for level in _FORMS_LEVELS if level in order.ids]
    least = Requirement.parse(" or ".join(levels), order) if levels else None
    for owner, floor in (("", function.floor), *function.floor_by_owner.items()):
        if is_screening(floor) or (least is not None and not floor.at_least_as_strict_as(least)):
            reader.fault(
                *(("floor_by_owner", owner) if owner else ("floor",)),
                message=f"{quoted(floor.text)} is too little for professional forms",
                remedy=f"write {' or '.join(_FORMS_LEVELS)}, or more: the address does not tell "
                "what is done inside",
            )

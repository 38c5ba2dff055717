"""Finds the values of a table that stand beside or below the name of a field.

A name is beside what follows it in its row, and above what is below it where it heads a column: in
a head, in a row of heads, at the end of a row, or where another head comes after it. Cells take as
many columns and rows as browsers give them (HTML Standard, "Forming a table"). What is made of
other elements is a table where it says so by its roles (`role="row"`, `role="columnheader"`).
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from gateway.backoffice.treatment.unfit import UnfitAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gateway.backoffice.treatment.field_mask import MaskedField
    from gateway.backoffice.treatment.html_outline import Part

Beside: TypeAlias = "tuple[Part, MaskedField]"
_Below: TypeAlias = "tuple[Part, MaskedField, Part]"

TABLES: Final = frozenset({"table", "grid", "treegrid"})
_HEADS: Final = frozenset({"th", "columnheader", "rowheader"})
CELLS: Final = _HEADS | {"td", "cell", "gridcell"}
CONTROLS: Final = frozenset(
    {"input", "select", "textarea", "output", "meter", "progress", "button"}
)
NO_COLUMNS: Final[Mapping[int, tuple[MaskedField, Part]]] = MappingProxyType({})
_SHORT: Final = 200
_VALUE: Final = re.compile(r"[\d@]")
_MOST_COLUMNS: Final = 10_000
_MAX_SPAN: Final = 1_000  # HTML Standard section 4.9.11
_MAX_ROWS: Final = 65_534


class _Cell(NamedTuple):
    part: Part
    start: int
    width: int
    field: MaskedField | None
    heads: bool


def made_as(part: Part) -> str:
    """Say what an element is for a table: its tag, or what it has the role of."""
    tag = part.tag
    if tag in {"td", "th", "tr", "table"}:
        return tag
    return (part.attributes.get("role") or "").strip().lower() if part.attributes else ""


def beside_in(
    table: Part,
    named: Callable[[Part], MaskedField | None],
    columns: Mapping[int, tuple[MaskedField, Part]] = NO_COLUMNS,
) -> Iterator[tuple[Part, MaskedField, Part]]:
    """Give each cell that is beside or below a name, with the cell that names it.

    Args:
        table: what holds the rows.
        named: gives the field that a cell names, if any.
        columns: those that something else names.

    Raises:
        UnfitAnswerError: it is wider than any table is.
    """
    reading = _Table(named, columns)
    for number, row in enumerate(_rows(table)):
        yield from reading.beside(row, first=number == 0)


class _Table:
    """A table as far as it has been read."""

    def __init__(
        self,
        named: Callable[[Part], MaskedField | None],
        columns: Mapping[int, tuple[MaskedField, Part]],
    ) -> None:
        self._named = named
        self._columns = dict(columns)
        self._taken: dict[int, int] = {}  # by column, the rows that a cell further up still takes
        # Names beside which the next rows are as well: for how many, and from which column.
        self._over: list[tuple[int, int, tuple[MaskedField, Part]]] = []
        self._section: Part | None = None

    def beside(self, row: Part, *, first: bool) -> Iterator[_Below]:
        """Give the cells of the next row that are beside or below a name."""
        if row.above is not self._section:  # no cell goes beyond its section
            self._section, self._taken, self._over = row.above, {}, []
        in_head = self._section is not None and self._section.tag == "thead"
        parts = list(_cells(row))
        if first or in_head or self._taken or self._over or _is_odd(parts, self._named):
            yield from self._careful(parts, first=first, in_head=in_head)
            return
        # As most rows of a long table are: each cell below its column, no name among them.
        for at, (field, name) in self._columns.items():
            if at < len(parts):
                yield parts[at], field, name

    def _careful(self, parts: list[Part], *, first: bool, in_head: bool) -> Iterator[_Below]:
        cells, spans = _places(parts, self._taken, self._named)
        kinds = {each.heads for each in cells}
        heads = in_head or kinds == {True} or (first and len(kinds) == 1)
        over, self._over = (
            self._over,
            [(rows - 1, at, field) for rows, at, field in self._over if rows > 1],
        )
        beside: tuple[MaskedField, Part] | None = None
        taken = False  # whether that has a value
        for place, each in enumerate(cells):
            beside = next((field for _, at, field in over if at < each.start), None) or beside
            if each.field is not None:
                named = (each.field, each.part)
                below, after = _reach(cells, place, heads=heads)
                reach = range(each.start, each.start + each.width)
                self._columns |= dict.fromkeys(reach, named) if below else {}
                for at in () if below else reach:
                    self._columns.pop(at, None)
                beside, taken = (named, False) if after else (beside, taken)
                if after and each.start in spans:
                    self._over.append((spans[each.start] - 1, each.start, named))
                continue
            if beside is not None and taken and _is_next_name(each):
                beside = None  # as in rows of several names and values
            masked = _below(each, self._columns) or (None if each.heads else beside)
            taken = taken or masked is not None
            if masked is not None and not (in_head and each.heads):
                yield each.part, *masked


def _reach(cells: list[_Cell], place: int, *, heads: bool) -> tuple[bool, bool]:
    """Tell whether what a cell names is below it, and whether it is beside it; or may be both.

    Args:
        cells: the row.
        place: of the cell in it.
        heads: whether it is a row of heads.
    """
    cell = cells[place]
    after = cells[place + 1] if place + 1 < len(cells) else None
    scope = (cell.part.attributes.get("scope") or "").strip().lower()
    kind = made_as(cell.part)
    if scope.startswith("col") or kind == "columnheader":
        return True, False
    if scope.startswith("row") or kind == "rowheader":
        return False, True
    if heads:
        filled = after is not None and looks_filled(after.part)
        return (True, False) if cell.heads else (not filled, True)
    among_heads = (place > 0 and cells[place - 1].heads) or (after is not None and after.heads)
    return after is None or (cell.heads and among_heads), True


def column_of(col: Part, table: Part) -> int:
    """Give the column that a `<col>` is of."""
    at = 0
    for part in table.within():
        if part is col:
            break
        if part.tag == "col":
            at += _span(part.attributes.get("span"), _MAX_SPAN) or 1
    return at


def looks_filled(part: Part) -> bool:
    """Tell whether a short piece of a page looks like a value: digits, or something to fill in."""
    length, valued = 0, False
    for each in part.within():
        if each.tag in CONTROLS:
            return True
        length += len(each.text)
        valued = valued or _VALUE.search(each.text, 0, _SHORT) is not None
        if length > _SHORT:
            return False
    return valued


def _is_next_name(cell: _Cell) -> bool:
    """Tell whether a cell that names no field names what follows it."""
    return cell.heads or (cell.part.says().rstrip().endswith(":") and not looks_filled(cell.part))


def _below(
    cell: _Cell, columns: dict[int, tuple[MaskedField, Part]]
) -> tuple[MaskedField, Part] | None:
    if cell.width == 1:
        return columns.get(cell.start)
    reach = range(cell.start, cell.start + cell.width)
    return next((columns[at] for at in reach if at in columns), None)


def _rows(part: Part) -> Iterator[Part]:
    for each in part.inside:
        kind = made_as(each)
        if kind in {"tr", "row"}:
            yield each
        elif each.inside and kind not in TABLES:
            yield from _rows(each)


def _cells(part: Part) -> Iterator[Part]:
    for each in part.inside:
        kind = each.tag
        if kind not in {"td", "th", ""}:
            kind = made_as(each)
        if kind in CELLS:
            yield each
        elif each.inside and kind not in TABLES:
            yield from _cells(each)


def _is_odd(parts: list[Part], named: Callable[[Part], MaskedField | None]) -> bool:
    """Tell whether a cell names a field, or takes more than its own place."""
    for part in parts:
        held = part.attributes
        if held and ("colspan" in held or "rowspan" in held or "aria-colspan" in held):
            return True
        if named(part) is not None:
            return True
    return False


def _places(
    parts: list[Part], taken: dict[int, int], named: Callable[[Part], MaskedField | None]
) -> tuple[list[_Cell], dict[int, int]]:
    """Give the cells of a row where they stand, and the rows of those that take several."""
    start, cells = 0, []
    spans: dict[int, int] = {}
    wide: list[tuple[int, int, int]] = []
    for part in parts:
        while taken and taken.get(start, 0) > 0:
            start += 1
        held = part.attributes
        width = height = 1
        if "colspan" in held or "rowspan" in held or "aria-colspan" in held:
            width = _span(held.get("colspan") or held.get("aria-colspan"), _MAX_SPAN) or 1
            height = _span(held.get("rowspan"), _MAX_ROWS)
            height = _MAX_ROWS if height == 0 else height
        if start + width > _MOST_COLUMNS:
            raise UnfitAnswerError("answer-table")
        cells.append(_Cell(part, start, width, named(part), made_as(part) in _HEADS))
        if height > 1:
            spans[start] = height
            wide.append((start, width, height))
        start += width
    for at, rows in list(taken.items()):
        if rows > 1:
            taken[at] = rows - 1
        else:
            del taken[at]
    for at, width, height in wide:
        for column in range(at, at + width):
            taken[column] = max(taken.get(column, 0), height - 1)
    return cells, spans


def _span(written: str | None, most: int) -> int:
    text = (written or "").strip()
    return min(int(text), most) if text.isascii() and text.isdigit() else 1

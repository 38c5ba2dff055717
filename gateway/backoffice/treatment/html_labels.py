"""Finds the values that stand beside the name of a field on a page.

1. `<dt>` and the `<dd>` after it.
2. Cells of a table (`html_tables`).
3. `<label>` and its control, and what says by `aria-labelledby` or `headers` what names it.
4. An element that holds nothing but a name, markup within it or not: what comes after it in the
   same place, up to a line break or the next such element; after a heading, all up to the next
   heading. Where nothing comes after it, what comes after the element around it.
5. A row of such elements over rows of as many: what stands in its column.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from gateway.backoffice.treatment.field_mask import BORDER
from gateway.backoffice.treatment.html_tables import (
    CELLS,
    CONTROLS,
    TABLES,
    beside_in,
    column_of,
    looks_filled,
    made_as,
)
from gateway.backoffice.treatment.letters import bare_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.backoffice.treatment.field_mask import FieldMask, MaskedField
    from gateway.backoffice.treatment.html_outline import Outline, Part
    from gateway.backoffice.treatment.html_tables import Beside

HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_CHOSEN: Final = frozenset({"checkbox", "radio", "submit", "reset", "button", "image"})
CHOICES: Final = frozenset({"option", "button", "title", "a", "style"})  # say what can be done
SEEN_TO: Final = CELLS | {"dt", "label", "term"}  # each in a way of its own
_OUTER: Final = frozenset({"", "body", "html", "main", "form"})
_LOOSE: Final = frozenset({"div", "span", "header", "section"})
_SHORT: Final = 200
_VALUE: Final = re.compile(r"[\d@]")
BREAKS: Final = frozenset({"br", "hr"})

MAYBE, TOLD, FOUND, SURE = 1, 2, 3, 4
"""How sure it is that what was found is the value of a name: it may be some text, it is text after
it in its line, it looks like a value, it is said to be it."""


def named_lines(outline: Outline, mask: FieldMask) -> list[list[Part]]:
    """Give the lines of a page in which the name of a field may stand."""
    texts, lines, least = [], [], mask.shortest
    for line in outline.lines:
        text = line[0].text if len(line) == 1 else "".join([part.text for part in line])
        if len(text) >= least:
            texts.append(text.replace("\n", " "))
            lines.append(line)
    bare = bare_lines(texts)
    hinted = mask.hinted.search
    if hinted(bare) is None:
        return []
    return [
        line
        for line, text in zip(lines, bare.split("\n"), strict=True)
        if hinted(text) is not None and line[0].block.tag != "style"
    ]


def is_value(part: Part) -> bool:
    """Tell whether a control holds what somebody writes, not what they choose or press."""
    if part.tag == "input":
        return (part.attributes.get("type") or "").strip().lower() not in _CHOSEN
    return part.tag in CONTROLS and part.tag != "button"


class Labels:
    """The names of fields on a page, and what stands beside them.

    Attributes:
        lines: those in which names may stand.
        found: by the id of what holds a name, how sure its value was found.
    """

    def __init__(
        self,
        outline: Outline,
        mask: FieldMask,
        spoken: Iterable[list[Part]] = (),
        columns: Iterable[Beside] = (),
    ) -> None:
        """Look for lines that may name a field.

        Args:
            outline: the page.
            mask: the fields.
            spoken: lines that name one otherwise than by what stands there.
            columns: `<col>` elements that name one.
        """
        self._columns_of: dict[int, dict[int, tuple[MaskedField, Part]]] = {}
        self._tables: dict[int, Part] = {}
        for part, field in columns:
            table = next((each for each in part.around() if each.tag == "table"), None)
            if table is not None and part.tag == "col":
                own = self._columns_of.setdefault(id(table), {})
                own[column_of(part, table)] = field, part
                self._tables[id(table)] = table
        self._outline, self._mask = outline, mask
        self.lines = named_lines(outline, mask)
        known = {id(line) for line in self.lines}
        self.lines += [line for line in spoken if id(line) not in known]
        around: dict[int, Part] = {}
        for line in self.lines:
            for text in line:
                for part in text.around():
                    if id(part) in around:
                        break  # and so is what that stands in
                    around[id(part)] = part
        self._around, self._held = list(around.values()), around.keys()
        self._ids: dict[str, list[Part]] | None = None  # until one is asked for
        self.found: dict[int, int] = {}
        self._wanted: dict[str, bool] = {}  # by id, whether a label names something else
        self._run: set[int] = set()  # what comes after names that are texts
        self._columns: set[tuple[int, int]] = set()  # rows and places that a column went through
        heading = partial(mask.mentioned, heads=True)
        self._cells = {
            id(part): (heading if made_as(part) != "td" else mask.ended)(part.says())
            for part in self._around
            if made_as(part) in CELLS
        }

    def beside(self) -> Iterator[Beside]:
        """Give every element or text that stands beside the name of a masked field.

        Raises:
            UnfitAnswerError: a table does not tell which cells are below a name.
        """
        tables = self._tables
        for part in self._around:
            if self._cells.get(id(part)) is not None:
                table = _table_of(part)
                tables[id(table)] = table
            elif part.tag == "dt" or made_as(part) == "term":
                yield from self._of_term(part)
            elif part.tag == "label":
                yield from self._of_label(part)
        for table in tables.values():
            known = self._columns_of.get(id(table), {})
            named = lambda cell: self._cells.get(id(cell))  # noqa: E731
            for part, field, name in beside_in(table, named, known):
                heads = made_as(name) not in {"td", "cell", "gridcell"}
                if not heads or made_as(part) not in {"th", "columnheader", "rowheader"}:
                    self.note(name, FOUND if heads or looks_filled(part) else MAYBE)
                yield part, field
        yield from self._referring()
        for line in self.lines:
            yield from self._of_line(line)

    def _of_term(self, term: Part) -> Iterator[Beside]:
        field = self._mask.mentioned(term.says())
        if field is None:
            return
        found = False
        for part in term.after():
            if part.tag == "dt" or made_as(part) == "term":
                if found:
                    break
                continue  # several terms of one definition
            if part.tag in HEADINGS or (found and part.tag == "hr"):
                break
            found = found or bool(part.tag)
            yield part, field
        self.note(term, FOUND if found else 0)
        if not found and term.above is not None and term.above.tag == "div":
            for part in term.above.after():
                if any(each.tag == "dt" for each in part.within()):
                    return
                self.note(term, FOUND)
                yield part, field

    def _of_label(self, label: Part) -> Iterator[Beside]:
        said = label.says()
        field = self._mask.mentioned(said)
        if field is None:
            return
        wanted = label.attributes.get("for")
        if wanted:
            parts = self.by_id(wanted)
        else:
            parts = [each for each in label.within() if each.tag in CONTROLS]
        exact = self._mask.named(said) is not None
        yield from ((part, field) for part in parts if exact or is_value(part) or part.inside)
        self.note(label, SURE if parts else 0)
        if not parts and exact:
            yield from ((part, field) for part in self._after_name(label, of_label=True))

    def _referring(self) -> Iterator[Beside]:
        """Give what says by the id of an element that this is its name."""
        named: dict[str, MaskedField] = {}
        names: dict[str, Part] = {}
        for part in self._around:
            wanted = part.attributes.get("id")
            field = self._mask.mentioned(part.says()) if wanted else None
            if wanted and field is not None:
                named[wanted], names[wanted] = field, part
        for part in self._outline.parts if named else ():
            for attribute in ("aria-labelledby", "headers"):
                told = part.attributes.get(attribute) if part.attributes else None
                for wanted in told.split() if told else ():
                    if wanted in named and wanted != part.attributes.get("id"):
                        self.note(names[wanted], SURE)
                        yield part, named[wanted]

    def is_sure(self, name: Part) -> bool:
        """Tell whether a label around a name has said what its value is."""
        label = next((each for each in name.around() if each.tag == "label"), None)
        return label is not None and self.found.get(id(label)) == SURE

    def by_id(self, wanted: str) -> list[Part]:
        """Give the elements of an id."""
        if self._ids is None:
            self._ids = {}
            for part in self._outline.parts:
                if part.attributes and (name := part.attributes.get("id")):
                    self._ids.setdefault(name, []).append(part)
        return self._ids.get(wanted, [])

    def names(self, part: Part) -> MaskedField | None:
        """Give the field that a part is nothing but the name of, if a name stands there."""
        return self._mask.named(part.says()) if id(part) in self._held else None

    def is_labelled(self, control: Part) -> bool:
        """Tell whether a control has a name that is no field's."""
        if not self._wanted:
            self._wanted = {"": True}
            for part in self._outline.parts:
                if part.tag == "label" and (wanted := part.attributes.get("for")):
                    self._wanted[wanted] = self._mask.mentioned(part.says()) is None
        held = control.attributes
        names = (held.get("aria-label"), held.get("title"), held.get("placeholder"))
        said = next((each for each in names if each), None)
        if said is not None:
            return self._mask.mentioned(said) is None
        label = next((each for each in control.around() if each.tag == "label"), None)
        if label is not None and says_something(label):
            return self._mask.mentioned(label.says()) is None
        return self._wanted.get(held.get("id") or "-", False)

    def _of_line(self, line: list[Part]) -> Iterator[Beside]:
        text = BORDER.join([part.says() for part in line])
        stops = list(accumulate(len(part.says()) + 1 for part in line))
        for begin, end, field in self._mask.names_in(text):
            first, last = bisect_right(stops, begin), bisect_right(stops, end - 1)
            whole = around_both(line[first], line[last])
            if whole is not None and self._mask.named(whole.says()) is not None:
                yield from ((part, field) for part in self._after_name(whole))

    def _after_name(self, name: Part, *, of_label: bool = False) -> Iterator[Part]:
        """Give what comes after an element or a text that holds nothing but a name."""
        if any(part.tag in CONTROLS for part in name.within()):
            return
        outer = _outermost(name, of_label=of_label)
        if outer is None:
            return
        name = outer
        if name.tag in CHOICES or any(above.tag in CHOICES for above in name.around()):
            return
        found = filled = False
        for part in _after(name):
            if not name.tag and id(part) in self._run:
                return  # seen to with a name before
            if not name.tag:
                self._run.add(id(part))
            found = found or says_something(part)
            filled = filled or looks_filled(part)
            yield part
        self.note(name, FOUND if filled else MAYBE if found else 0)
        for part in self._beyond(name, found=found, filled=filled):
            self.note(name, FOUND if looks_filled(part) else MAYBE if says_something(part) else 0)
            yield part

    def note(self, name: Part, found: int) -> None:
        """Note how sure it is that the value of a name was found."""
        self.found[id(name)] = max(found, self.found.get(id(name), 0))

    def _beyond(self, name: Part, *, found: bool, filled: bool) -> Iterator[Part]:
        """Give what is below a name, or after what it stands in.

        Args:
            name: what holds the name.
            found: whether something comes after it in the same.
            filled: whether that looks like a value.
        """
        row = name.above
        if row is None or row.tag in _OUTER or made_as(row) in SEEN_TO:
            return
        column = list(self._column(name, row))
        yield from column
        if not filled and not column and row.tag in _LOOSE and len(row.says()) <= _SHORT:
            # What there is beside it may be a hint; then only what looks like a value is it.
            after = next((part for part in row.after() if not part.is_blank), None)
            if (
                after is not None
                and after.tag not in HEADINGS
                and (not found or (row.inside[0] is name and looks_filled(after)))
            ):
                yield after

    def _column(self, name: Part, row: Part) -> Iterator[Part]:
        """Give what is below a name in rows that are made alike, if its row holds names alone."""
        said = row.says()
        if _VALUE.search(said) or len(said) > _SHORT or len(row.inside) > _SHORT:
            return
        elements = [part for part in row.inside if part.tag]
        if len(elements) < 2 or name not in elements:  # noqa: PLR2004
            return
        at = elements.index(name)
        if (id(row), at) in self._columns:
            return  # a row further up has the name there too
        cells = []
        for other in row.after():
            if other.tag == "hr" or other.tag in HEADINGS:
                break
            inside = [part for part in other.inside if part.tag]
            if other.tag == row.tag and len(inside) == len(elements):
                cells.append(inside[at])
                self._columns.add((id(other), at))
        if any(looks_filled(cell) for cell in cells):
            yield from cells


def _outermost(name: Part, *, of_label: bool) -> Part | None:
    """Give the outermost element that holds a name alone; None where it is seen to otherwise."""
    while True:
        kind = made_as(name) or name.tag
        if kind in SEEN_TO and not (of_label and kind == "label"):
            return None
        above = name.above
        if above is None or above.tag in _OUTER or not is_alone(name):
            return name
        name = above


def says_something(part: Part) -> bool:
    """Tell whether a part is more than what stands between a name and its value."""
    return any(
        each.tag in CONTROLS or each.tag == "img" or (not each.tag and not each.is_blank)
        for each in part.within()
    )


def _table_of(cell: Part) -> Part:
    """Give what holds the rows of a table; where none says that it is one, what holds the row."""
    table = next((each for each in cell.around() if made_as(each) in TABLES), None)
    if table is None:
        row = next((each for each in cell.around() if made_as(each) in {"tr", "row"}), cell)
        table = row.above or row
    return table


def _after(name: Part) -> Iterator[Part]:
    """Give what follows up to a line break or a heading, or the next that is like the name."""
    heading, seen = name.tag in HEADINGS, False
    for part in name.after():
        if part.tag in (HEADINGS if heading else BREAKS):
            if heading or seen or part.tag == "hr":
                return
            continue  # what it names is on the next line
        if part.is_blank:
            continue
        if seen and name.tag and part.tag == name.tag and not heading:
            return
        seen = seen or says_something(part)
        yield part


def is_alone(part: Part) -> bool:
    """Tell whether there is nothing beside something in what it stands in."""
    above = part.above
    return above is not None and all(
        each is part or (not each.tag and not each.text.strip()) for each in above.inside
    )


def around_both(first: Part, last: Part) -> Part | None:
    """Give the innermost that holds both."""
    if first is last:
        return first
    around = {id(part) for part in first.around()}
    return next((part for part in last.around() if id(part) in around), None)

"""Finds the values that stand beside the name of a field on a page.

1. `<dt>` and the `<dd>` after it.
2. A cell of a table: the cells after it in its row; below it, where it heads a column.
3. `<label>` and its control, and what says by `aria-labelledby` that something is its label.
4. An element that holds nothing else: what comes after it in the same place, up to a line break or
   the next such element; after a heading, all up to the next heading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.backoffice.treatment.html_page import ancestors, own_text
from gateway.backoffice.treatment.unfit import UnfitAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectolax.lexbor import LexborNode

    from gateway.backoffice.treatment.field_mask import FieldMask, MaskedField
    from gateway.backoffice.treatment.html_page import Page

Beside = tuple["LexborNode", "MaskedField"]

_CELLS: Final = frozenset({"td", "th"})
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_CONTROLS: Final = "input, select, textarea, output, meter, progress, button"
_MAX_SPAN: Final = 1000  # HTML Standard section 4.9.11


def beside_names(page: Page, mask: FieldMask) -> Iterator[Beside]:
    """Give every element or text that stands beside the name of a masked field.

    Raises:
        UnfitAnswerError: a table does not tell which cells are below a name.
    """
    for table in page.find("table"):
        yield from _of_table(table, mask)
    for term in page.find("dt"):
        field = mask.named(own_text(term))
        if field is not None:
            yield from ((node, field) for node in _after(term, until=frozenset({"dt"})))
    for label in page.find("label"):
        field = mask.named(own_text(label))
        if field is not None:
            yield from ((node, field) for node in _of_label(page, label))
    yield from _labelled(page, mask)
    for text in page.texts():
        field = mask.named(text.text_content or "")
        if field is not None:
            yield from ((node, field) for node in _after_name(text))


def _of_table(table: LexborNode, mask: FieldMask) -> Iterator[Beside]:
    columns: dict[int, MaskedField] = {}
    for number, row in enumerate(_rows(table)):
        cells = list(_places(row))
        named = [mask.named(own_text(cell)) for cell, _, _ in cells]
        tags = {cell.tag for cell, _, _ in cells}
        heads = tags == {"th"} or (number == 0 and len(tags) == 1)
        beside: MaskedField | None = None
        for (cell, start, width), field in zip(cells, named, strict=True):
            below = next((columns[at] for at in range(start, start + width) if at in columns), None)
            if below is not None and field is None:
                yield cell, below
            elif field is not None:
                # With nothing beside it, what it names is below.
                if heads or (cell.mem_id == cells[-1][0].mem_id and len(cells) > 1):
                    columns |= dict.fromkeys(range(start, start + width), field)
                beside = field
            elif beside is not None and cell.tag == "td":
                yield cell, beside
    if columns and any("rowspan" in cell.attributes for cell in table.css("td, th")):
        raise UnfitAnswerError("answer-table")


def _rows(table: LexborNode) -> Iterator[LexborNode]:
    for row in table.css("tr"):
        nearest = next((above for above in ancestors(row) if above.tag == "table"), None)
        if nearest is not None and nearest.mem_id == table.mem_id:
            yield row


def _places(row: LexborNode) -> Iterator[tuple[LexborNode, int, int]]:
    """Give each cell of a row with the column where it begins, and how many it takes."""
    start = 0
    for cell in row.iter():
        if cell.tag in _CELLS:
            span = (cell.attributes.get("colspan") or "").strip()
            width = min(int(span), _MAX_SPAN) if span.isascii() and span.isdigit() else 1
            yield cell, start, max(width, 1)
            start += max(width, 1)


def _of_label(page: Page, label: LexborNode) -> Iterator[LexborNode]:
    wanted = label.attributes.get("for")
    if wanted:
        yield from (node for node in page.elements() if node.attributes.get("id") == wanted)
    else:
        yield from label.css(_CONTROLS)


def _labelled(page: Page, mask: FieldMask) -> Iterator[Beside]:
    """Give what says by `aria-labelledby` which elements name it."""
    labelled = page.find("[aria-labelledby]")
    named: dict[str, MaskedField] = {}
    for each in page.find("[id]") if labelled else ():
        field = mask.named(own_text(each))
        if field is not None:
            named[each.attributes.get("id") or ""] = field
    for node in labelled:
        for wanted in (node.attributes.get("aria-labelledby") or "").split():
            if wanted in named and wanted != node.attributes.get("id"):
                yield node, named[wanted]


def _after_name(text: LexborNode) -> Iterator[LexborNode]:
    """Give what comes after an element that holds nothing but a name."""
    name = text
    while _is_alone(name) and name.parent is not None and name.parent.tag not in {"body", "html"}:
        name = name.parent
        if name.tag in _CELLS | {"dt", "label"}:
            return  # looked at by themselves
    if name.tag in {"option", "button", "title", "a"}:
        return  # says what can be chosen, not what was
    yield from _after(name, until=_HEADINGS if name.tag in _HEADINGS else frozenset({"br", "hr"}))


def _is_alone(node: LexborNode) -> bool:
    parent = node.parent
    if parent is None:
        return False
    held = [
        each
        for each in parent.iter(include_text=True)
        if not each.is_text_node or (each.text_content or "").strip()
    ]
    return len(held) == 1


def _after(name: LexborNode, *, until: frozenset[str]) -> Iterator[LexborNode]:
    """Give what follows up to an element of some tags, or the next that is like the name."""
    node, seen = name.next, False
    while node is not None and node.tag not in until:
        if node.is_text_node:
            blank = not (node.text_content or "").strip(" \t\r\n:=-\xa0")
        else:
            blank = False
            if (
                seen
                and node.tag == name.tag
                and name.tag not in _HEADINGS
                and not name.is_text_node
            ):
                return
        if not blank:
            seen = True
            yield node
        node = node.next

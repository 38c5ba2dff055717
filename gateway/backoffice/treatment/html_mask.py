"""Masks the fields of a page.

A field is found as an element whose `name`, `id`, `class`, `data-field`, `itemprop` or label is its
name or that is bound to it, as an attribute of its name, as one that a selector of the catalogue
means, as what stands beside its name (`html_labels`), and as `Sort code: ...` in a line, whatever
markup is in it, or in an attribute. A name whose value none of this finds takes the smallest thing
around it that holds what may be one (`html_unplaced`). What was masked is then not shown elsewhere
on the page either, and a page in which it would still stand once written is refused.

What a page runs by itself (scripts in it, event handlers, templates) is left out where something is
masked: whether it holds the field cannot be read.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from gateway.backoffice.treatment.field_mask import BORDER, Told, bare, values_in
from gateway.backoffice.treatment.found import Found
from gateway.backoffice.treatment.html_attributes import ADDRESSES, KEPT, Attributes
from gateway.backoffice.treatment.html_controls import more_controls
from gateway.backoffice.treatment.html_labels import SURE, TOLD, Labels, says_something
from gateway.backoffice.treatment.html_outline import Outline
from gateway.backoffice.treatment.html_page import Page
from gateway.backoffice.treatment.html_spoken import say_names
from gateway.backoffice.treatment.html_tables import CELLS, looks_filled, made_as
from gateway.backoffice.treatment.html_texts import cut_texts
from gateway.backoffice.treatment.html_unplaced import Unplaced
from gateway.backoffice.treatment.letters import seen
from gateway.backoffice.treatment.unfit import UnfitAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.backoffice.treatment.field_mask import FieldMask, MaskedField
    from gateway.backoffice.treatment.html_outline import Part

_CONTROLS: Final = frozenset({"input", "meta", "img", "link", "data", "meter", "progress", "param"})
_SENT: Final = frozenset({"input", "select", "textarea", "button"})
# Left empty where others are left out: without them what is beside would move, or there is no page.
_STAY: Final = frozenset({"td", "th", "dd", "html", "body"})
_MARKUP: Final = re.compile(r"<[a-zA-Z!/]")
_HOLDERS: Final = frozenset({"select", "table", "tbody", "tr", "ul", "ol", "dl"})
_OUTER: Final = frozenset({"body", "html", "main", "form"})
_BORDERED: Final = re.compile(rf"(?:e?s)?[^\w{BORDER}]*{BORDER}\W*")
_SHORT: Final = 300
_VALUE: Final = re.compile(r"[\d@]")
_LEADS: Final = re.compile(r"\s*(?:/|#|\?|https?:)", re.IGNORECASE)


def mask_page(page: Page, mask: FieldMask, found: Found) -> None:
    """Take the masked fields out of a page; what was masked is noted.

    Raises:
        UnfitAnswerError: it cannot be told what a field is.
    """
    outline = Outline(page)
    masking = _Masking(outline, mask, found)
    try:
        masking.mask_parts()
        masking.mask_attributes()
        masking.sweep()
    finally:
        outline.forget()


def demand_masked(written: bytes, found: Found) -> None:
    """Refuse a page in which something still stands that was masked.

    Raises:
        UnfitAnswerError: always then.
    """
    if found.stays_in(html.unescape(written.decode("utf-8"))):
        raise UnfitAnswerError("answer-mask")


def shows_field(text: str, mask: FieldMask) -> MaskedField | None:
    """Give a masked field that a piece of a page shows, if any; it is not changed."""
    if not _MARKUP.search(text):
        return None
    try:
        # A browser takes rows for rows only inside a table.
        for each in (Page(text), Page(f"<table>{text}</table>")):
            outline = Outline(each)
            field = _Masking(outline, mask, Found()).first()
            outline.forget()
            if field is not None:
                return field
    except UnfitAnswerError:
        return next(iter(mask.by_name.values()))
    return None


class _Masking:
    """Masks one page."""

    def __init__(self, outline: Outline, mask: FieldMask, found: Found) -> None:
        self._outline, self._mask, self._found = outline, mask, found
        self._attributes = Attributes(outline, mask)
        spoken = say_names(outline, self._attributes.naming(), mask)
        columns = [each for each in self._attributes.named() if each[0].tag == "col"]
        self._labels = Labels(outline, mask, spoken, columns)
        self._told_beside: list[tuple[Part, str, MaskedField, list[str]]] = []

    def first(self) -> MaskedField | None:
        """Give a field that the page shows, if any; the page is masked then."""
        for _, field in self._fields():
            return field
        for _, _, field, _ in self._attributes.telling():
            return field
        self.mask_parts()
        self.mask_attributes()
        words = min(self._found.fields, default="")
        known = (*self._mask.by_name.values(), *(field for _, field in self._mask.elements))
        return next((field for field in known if field.words == words), None)

    def mask_parts(self) -> None:
        """Take out elements and texts that hold a field, and what follows a name in a line."""
        cut_texts(self._outline, self._labels, self._mask, self._found)
        listed = {id(part): (part, field) for part, field in self._fields()}
        for line in self._labels.lines:
            self._list_told(line, listed)
        self._list_unplaced(listed)
        outer = []
        for part, field in listed.values():
            self._found.take(field, _held(part))
            above = part.above
            while above is not None and id(above) not in listed:
                above = above.above
            if above is None:
                outer.append((part, field))
        for part, field in outer:
            _blank(part, field)

    def mask_attributes(self) -> None:
        """Take out attributes that tell one."""
        for part, name, field, values in [*self._attributes.telling(), *self._told_beside]:
            if name in part.attributes and not part.gone:
                self._found.take(field, values)
                _leave_out(part, name)

    def sweep(self) -> None:
        """Take out what was masked wherever else it stands."""
        for part, name in [*self._attributes.leading(), *self._attributes.holding(self._found)]:
            if name in part.attributes and not part.gone:
                _leave_out(part, name)
        lines = [
            shown
            for line in self._outline.lines
            if (shown := [part for part in line if not part.gone])
        ]
        said = [
            line[0].text if len(line) == 1 else "".join([seen(part.text) for part in line])
            for line in lines
        ]
        for at in self._found.those_holding(said):
            line = lines[at]
            holding = self._found.those_holding([part.text for part in line])
            parts = [line[place] for place in holding]
            left = [part.text for place, part in enumerate(line) if place not in holding]
            if self._found.holds("".join(left)) or not parts:
                parts = line
            for part in parts:
                style = next((above for above in part.around() if above.tag == "style"), None)
                if style is None:
                    part.node.replace_with("")
                    part.gone = True
                elif not style.gone:
                    style.node.decompose()
                    style.lose()

    # ---- inside ---------------------------------------------------------------------------

    def _fields(self) -> Iterator[tuple[Part, MaskedField]]:
        for selector, field in self._mask.elements:
            yield from ((part, field) for part in self._outline.find(selector))
        yield from self._attributes.named()
        yield from self._labels.beside()

    def _list_told(self, line: list[Part], listed: dict[int, tuple[Part, MaskedField]]) -> None:
        """List what follows the names in a line, and cut short texts in which it does."""
        text = _read(line)
        stops = list(accumulate(len(part.says()) + 1 for part in line))
        for told, sure in (*self._led(text), *((each, True) for each in self._mask.all_told(text))):
            name = line[bisect_right(stops, told.name_end - 1)]
            if not sure and self._labels.is_sure(name):
                continue  # what follows is another's
            if told.values:
                self._found.take(told.field, told.values)
                filled = _VALUE.search("".join(told.values)) is not None
                self._labels.note(name, SURE if filled else TOLD)
            if any(id(part) in listed for part in (name, *name.around())):
                continue
            at = min(bisect_right(stops, told.end), len(line) - 1)
            own = told.end - (stops[at - 1] if at else 0)
            for part in self._told_of(name, line[at], own, told.field, sure=sure):
                listed.setdefault(id(part), (part, told.field))

    def _list_unplaced(self, listed: dict[int, tuple[Part, MaskedField]]) -> None:
        """List what else may be the value of a name."""
        said = self._attributes.said()
        masked = list(listed.values())
        for part, field in more_controls(self._outline, self._labels, masked, said):
            listed.setdefault(id(part), (part, field))
        unplaced = Unplaced(self._labels, self._mask, listed)
        for part, field in unplaced.beside():
            listed.setdefault(id(part), (part, field))
        for part, field in unplaced.names:
            self._told_beside += self._attributes.beside_name(part, field)

    def _led(self, text: str) -> Iterator[tuple[Told, bool]]:
        """Give the name that a line begins with and that markup ends: all after it is its value."""
        first = next(iter(self._mask.names_in(text)), None)
        if first is not None:
            begin, end, field = first
            between = _BORDERED.match(text, end)
            if between is not None and not bare(text[:begin]):
                values = values_in(text[between.end() :][:_SHORT])
                yield Told(field, end, between.end(), values), False

    def _told_of(
        self, name: Part, first: Part, own: int, field: MaskedField, *, sure: bool
    ) -> Iterator[Part]:
        """Give what is the value of a name that stands in a line, after cutting a text short.

        Args:
            name: the text in which the name ends.
            first: the text in which the value begins.
            own: where it begins there.
            field: which field.
            sure: whether what follows there is the value, and no hint before it.
        """
        text, before = first.says(), {id(part) for part in name.around()}
        part, seen_one = first, bool(text[own:].strip())
        if seen_one and first is not name and not text[:own].strip():
            while part.above is not None and id(part.above) not in before:
                part = part.above
            yield part
        elif seen_one:
            first.text = text[:own]
            first.node.replace_with(first.text + field.shown_as)
        label, filled = self._label_of(name, field), _VALUE.search(text[own:]) is not None
        while True:
            for after in part.after():
                alike = label is not None and after.tag == label.tag and after.above is label.above
                if after.tag == "hr" or (seen_one and (alike or after.tag == "br")):
                    return
                if not after.is_blank and after.tag != "br":
                    seen_one = seen_one or says_something(after)
                    filled = filled or looks_filled(after)
                    yield after
            above = part.above
            if above is None or above.block is above:
                break
            part = above
        if not (filled or (sure and seen_one)) and part.above is not None:
            yield from self._next_block(part.above)

    def _next_block(self, block: Part) -> Iterator[Part]:
        """Give what comes after a short block that says a name and no value, if it may be that."""
        if block.tag in _OUTER or made_as(block) in CELLS:
            return
        if self._mask.mentioned(block.says()) is not None:
            after = next((part for part in block.after() if not part.is_blank), None)
            if after is not None and looks_filled(after) and after.tag not in _OUTER:
                yield after

    def _label_of(self, name: Part, field: MaskedField) -> Part | None:
        """Give the outermost element of its line that holds nothing but the name."""
        label = None
        for above in name.around():
            if above.block is above or self._mask.named(above.says()) is not field:
                break
            label = above
        return label


def _read(line: list[Part]) -> str:
    return BORDER.join([part.says() for part in line])


def _held(part: Part) -> Iterator[str]:
    """Give what an element or a text holds that could be the field's value."""
    if not part.tag:
        yield part.text
        return
    if len(part.inside) == 1 and not part.inside[0].tag and part.attributes.keys() <= KEPT:
        yield part.inside[0].text
        return
    whole = []
    for each in part.within():
        if not each.tag:
            whole.append(each.text)
            continue
        for name, value in each.attributes.items():
            if value and name not in KEPT and not (name in ADDRESSES and _LEADS.match(value)):
                yield value
    yield from whole
    yield "".join(whole)


def _leave_out(part: Part, name: str) -> None:
    del part.node.attrs[name]
    del part.attributes[name]


def _blank(part: Part, field: MaskedField) -> None:
    node = part.node
    if not part.tag:
        node.replace_with(field.shown_as)
        part.gone = True
        return
    if not field.shown_as and part.tag not in _STAY:
        node.decompose()
        part.lose()
        return
    if part.tag == "html":
        raise UnfitAnswerError("answer-masked-whole")
    for name in [name for name in part.attributes if name not in KEPT]:
        _leave_out(part, name)
    if part.tag in _SENT:
        node.attrs["disabled"] = ""  # what is shown instead must not be sent back and stored
    if part.tag in _CONTROLS:
        if part.tag == "input":
            node.attrs["value"] = field.shown_as if part.attributes.get("type") != "hidden" else ""
        return
    for each in part.inside:
        each.lose()
    filled = field.shown_as and part.tag not in _HOLDERS
    node.inner_html = html.escape(field.shown_as, quote=False) if filled else ""

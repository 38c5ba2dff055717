"""What the attributes of a page say of masked fields: which elements hold one, and which tell one.

Most values of attributes stand on a page many times, and hardly any names a field: each is looked
at once, and all of them in one go for whether there is anything to look for.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from gateway.backoffice.treatment.field_mask import bare, values_in
from gateway.backoffice.treatment.html_labels import is_value
from gateway.backoffice.treatment.html_tables import looks_filled
from gateway.backoffice.treatment.letters import bare_lines, unpacked
from gateway.backoffice.treatment.text_places import around_names, below_names

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from gateway.backoffice.treatment.field_mask import FieldMask, MaskedField
    from gateway.backoffice.treatment.found import Found
    from gateway.backoffice.treatment.html_outline import Outline, Part

KEPT: Final = frozenset(
    {"class", "id", "name", "type", "for", "role", "colspan", "rowspan", "scope", "headers", "lang"}
)
"""What an element may keep that holds a field: how it looks and where it stands."""

ADDRESSES: Final = frozenset(
    {"href", "src", "action", "formaction", "cite", "poster", "srcset", "xlink:href"}
)
_NAMES: Final = frozenset(
    {"name", "id", "class", "data-field", "data-name", "itemprop", "property"}
)
# What says to readers what an element holds, unless it holds nothing but that name.
_LABELS: Final = frozenset(
    {"aria-label", "title", "placeholder", "data-label", "data-th", "data-title", "alt", "label"}
    | {"caption", "prompt", "heading", "legend", "abbr", "summary"}
)
# Say what somebody would send, not what it is called.
_SAID: Final = frozenset({"value", "content", "data-value"})
# What binds an element to a field: `text: bank.sortCode`.
_BINDING: Final = re.compile(r"[\w$(][\w\s.$:()\[\]|!-]{0,79}")
_CALLS: Final = re.compile(r"\s*(?:tel|sms|mailto|callto|fax|skype|whatsapp|sip):", re.IGNORECASE)
_TELLING: Final = re.compile(r"(?=.*[\d@]).{4}", re.DOTALL)
_LONG: Final = re.compile(r"(?=.*[\d@]).{6}", re.DOTALL)
# These hold whole pages: what their names have in them is not what they are.
_WHOLE: Final = frozenset({"html", "body", "head", "main", "form", "nav", "header", "footer"})
# Elements of pages and pictures whose tags are words by which a field may be called.
_STANDARD: Final = frozenset(
    {"abbr", "address", "area", "article", "aside", "audio", "base", "body", "button"}
    | {"canvas", "caption", "center", "cite", "code", "data", "desc", "details", "dialog"}
    | {"dir", "embed", "figure", "filter", "font", "footer", "form", "frame", "head"}
    | {"header", "image", "input", "ins", "label", "legend", "line", "link", "main", "map"}
    | {"mark", "marker", "mask", "menu", "meta", "meter", "nav", "object", "option", "output"}
    | {"param", "path", "pattern", "picture", "progress", "script", "search", "section"}
    | {"select", "set", "slot", "source", "span", "stop", "style", "sub", "summary", "switch"}
    | {"symbol", "table", "template", "text", "time", "title", "track", "use", "video"}
    | {"view"}
)
_NEVER_NAMED: Final = frozenset({"type", "for", "role", "colspan", "rowspan", "scope", "lang"})
_DOCUMENT: Final = frozenset("{[")
_DATA: Final = "data-"  # `data-key="sort_code" data-value="12-34-56"`
_VALUE: Final = re.compile(r"[\d@]")
_HEX: Final = "[0-9a-fA-F]"
_ESCAPED: Final = re.compile(rf"\\u({_HEX}{{4}})|\\x({_HEX}{{2}})|\\u\{{({_HEX}{{1,6}})\}}")
_PARTED: Final = re.compile("[?&=;#]")
_ROUNDS: Final = 3  # of what is encoded in what is encoded
_PARTS: Final = re.compile(r"[.:/$|#\[\](){}]+|__|--")


def names_field(address: str, mask: FieldMask) -> bool:
    """Tell whether an address has a parameter that is a masked field."""
    try:
        split = urlsplit(address)
    except ValueError:
        return True
    pairs = parse_qsl(split.query) + parse_qsl(split.fragment)
    return any(mask.identified(name) is not None for name, _ in pairs)


class Attributes:
    """The attributes of a page."""

    def __init__(self, outline: Outline, mask: FieldMask) -> None:
        """Look for those that may name a field.

        Args:
            outline: the page.
            mask: the fields.
        """
        self._mask, self._outline = mask, outline
        values: set[str | None] = set()
        names: set[str] = set()
        for part in outline.parts:
            if part.attributes:
                names.update(part.attributes)
                values.update(part.attributes.values())
        self._all_names = sorted(names)
        self._names = {name for name in names if self._hints(name)}
        self._readings = {value: _readings(value) for value in values if value}
        self._hinted = self._places(self._hinting())

    def named(self) -> Iterator[tuple[Part, MaskedField]]:
        """Give every element that is called as a field is."""
        mask = self._mask
        identified, labelled = cache(mask.identified), cache(mask.mentioned)
        for part in self._outline.parts:
            tag = part.tag
            if tag and tag not in _STANDARD and (field := identified(tag)) is not None:
                yield part, field
        for part, name, value in self._hinted:
            field = None
            if name in _NAMES:
                words = value.split() if name == "class" else (value,)
                known = identified if part.tag not in _WHOLE else self._exactly
                field = next((each for word in words if (each := known(word))), None)
            elif name in _LABELS:
                holds = is_value(part) or "-" in part.tag
                field = labelled(value) if holds else mask.named(value)
                if field is None and part.inside and looks_filled(part):
                    field = mask.ended(value)
                if field is not None and mask.named(part.says()) is not None:
                    field = None
            elif _binds(part, name, value) and (is_value(part) or looks_filled(part)):
                field = mask.named(value) or identified(value)
            if field is not None:
                yield part, field

    def telling(self) -> Iterator[tuple[Part, str, MaskedField, list[str]]]:
        """Give attributes that are a field, or tell one, with what they tell of it."""
        named = {name: self._mask.identified(name.removeprefix("data-")) for name in self._names}
        for part in self._outline.parts if named else ():
            for name in named.keys() & part.attributes.keys() - KEPT:
                field, value = named[name], part.attributes[name]
                if field is not None and value:
                    yield part, name, field, [value]
        for part, name, value in self._hinted:
            field = self._mask.named(value) if name.startswith(_DATA) else None
            if field is not None:
                yield from _data_within(part, field, name)
                continue
            kept = name in ADDRESSES or (name in KEPT and "-" not in part.tag)
            field = None if kept else self._mask.mentioned(value)
            if field is not None:
                yield from self.beside_name(part, field, {name})
            told = None if name in KEPT or name in _NAMES else self._told(name, value)
            if told is not None:
                yield part, name, *told

    def beside_name(
        self, part: Part, field: MaskedField, but: Container[str] = ()
    ) -> Iterator[tuple[Part, str, MaskedField, list[str]]]:
        """Give the attributes of an element that says a name which look like its value."""
        for name, value in part.attributes.items():
            if not value or name in but or name in KEPT:
                continue
            telling = _LONG if name == "value" and part.tag in {"option", "button"} else _TELLING
            tells = _CALLS if name in ADDRESSES else telling
            if tells.match(value):
                yield part, name, field, [value, value.partition(":")[2]]

    def naming(self) -> Iterator[tuple[Part, str, MaskedField]]:
        """Give elements with an attribute that names a field, for what else they may name."""
        mask = self._mask
        for part, name, value in self._hinted:
            if name in ADDRESSES:  # `?order=sort_code`
                calls = _PARTED.split(value)
                field = next((found for each in calls if (found := mask.identified(each))), None)
            elif name in _NAMES or name == "for" or name.startswith(_DATA):
                words = value.split() if name == "class" else (value,)
                field = next((found for each in words if (found := mask.identified(each))), None)
            else:
                field = None if _VALUE.search(value) else mask.mentioned(value)
            if field is not None:
                yield part, name, field

    def said(self) -> Iterator[tuple[Part, MaskedField]]:
        """Give controls, and what else has a value, whose value is the name of a field."""
        for part, name, value in self._hinted:
            if name in _SAID and (is_value(part) or {"itemprop", "selected"} & {*part.attributes}):
                field = self._mask.named(value)
                if field is not None:
                    yield part, field

    def holding(self, found: Found) -> Iterator[tuple[Part, str]]:
        """Give attributes in which something stands that was masked."""
        written, of = self._all_readings()
        values = {of[place] for place in found.those_holding(written)}
        for part, name, _ in self._places(values):
            yield part, name
        names = {self._all_names[place] for place in found.those_holding(self._all_names)}
        for part in self._outline.parts if names else ():
            yield from ((part, name) for name in names & part.attributes.keys())

    def leading(self) -> Iterator[tuple[Part, str]]:
        """Give addresses with a parameter that is a field."""
        for part, name, value in self._hinted:
            if name in ADDRESSES and any(
                names_field(each, self._mask) for each in _readings(value)
            ):
                yield part, name

    # ---- inside ---------------------------------------------------------------------------

    def _exactly(self, name: str) -> MaskedField | None:
        known = (self._mask.named(each) for each in (name, *_PARTS.split(name)))
        return next((field for field in known if field is not None), None)

    def _told(self, name: str, value: str) -> tuple[MaskedField, list[str]] | None:
        for text in _readings(value):
            told = self._mask.told_in(text)
            if told is None and name in ADDRESSES:
                told = self._mask.told_in(text.replace("/", ": "))
            if told is not None and told.values:
                return told.field, told.values[1:]
            if name not in _LABELS and text.lstrip()[:1] in _DOCUMENT:
                # A document for a script: what in it is the value is not asked.
                field = next((field for _, _, field in self._mask.names_in(text)), None)
                field = field or self._mask.by_name[self._hint(text)]
                return field, []
            for begin, end, field in (
                *around_names(text, self._mask),
                *below_names(text, self._mask, plain=True),
            ):
                if name not in ADDRESSES:
                    return field, values_in(text[begin:end])
        return None

    def _hint(self, text: str) -> str:
        found = self._mask.hinted.search(bare(text))
        return next(iter(self._mask.by_name)) if found is None else found[0]

    def _hints(self, text: str) -> bool:
        return self._mask.hinted.search(bare(text)) is not None

    def _hinting(self) -> set[str]:
        """Give the values in which a name may stand, however they are encoded."""
        written, of = self._all_readings()
        written_bare = bare_lines([each.replace("\n", " ") for each in written])
        hinted = self._mask.hinted.search
        if hinted(written_bare) is None:
            return set()
        return {
            value for value, line in zip(of, written_bare.split("\n"), strict=True) if hinted(line)
        }

    def _all_readings(self) -> tuple[list[str], list[str]]:
        """Give all values in every way that they can be read, and whose each reading is."""
        written = [each for readings in self._readings.values() for each in readings]
        of = [value for value, readings in self._readings.items() for _ in readings]
        return written, of

    def _places(self, values: set[str]) -> list[tuple[Part, str, str]]:
        """Give where some values stand."""
        return [
            (part, name, value)
            for part in (self._outline.parts if values else ())
            for name, value in part.attributes.items()
            if value in values
        ]


def _data_within(
    part: Part, field: MaskedField, but: str
) -> Iterator[tuple[Part, str, MaskedField, list[str]]]:
    """Give what elements hold in attributes where one of these is nothing but a name."""
    for each in part.within():
        for name, held in each.attributes.items():
            if held and name not in KEPT | ADDRESSES | {but} and _VALUE.search(held):
                yield each, name, field, [held]


def _binds(part: Part, name: str, value: str) -> bool:
    """Tell whether an attribute may bind an element to a field: `ng-bind="bank.sortCode"`."""
    if name in ADDRESSES | _SAID or (name in _NEVER_NAMED and part.tag != "output"):
        return False
    return _BINDING.fullmatch(value) is not None


def _readings(value: str) -> list[str]:
    """Give a value, and what it is where it is encoded for an address or for a script."""
    readings = [value]
    if "%" in value or "+" in value:
        for _ in range(_ROUNDS):
            again = unquote_plus(readings[-1])
            if again == readings[-1]:
                break
            readings.append(again)
    if (plain := unpacked(value)) is not None:
        readings.append(plain)
    if "\\" in value:
        readings += [_ESCAPED.sub(_escaped, each) for each in readings]
    return readings


def _escaped(found: re.Match[str]) -> str:
    code = int(found[1] or found[2] or found[3], 16)
    return chr(code) if code <= sys.maxunicode else ""

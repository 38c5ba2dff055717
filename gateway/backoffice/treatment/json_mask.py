"""Masks the fields of a JSON answer, whatever is nested in what.

A field is found as

1. a member of its name: `{"sort_code": ...}`; all that it holds goes;
2. what stands beside its name: `{"label": "Sort code", "value": ...}`;
3. a column: rows under a list of names, or under a first row of names;
4. a member that the answer says is called so: `{"id": "c7", "title": "Sort code"}` makes every
   `c7` one, and so does `{"c7": "Sort code"}`;
5. `Sort code: ...` in a text;
6. JSON or a page inside a text.

What was masked is then not shown elsewhere in the answer either (`field_mask`).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.backoffice.treatment.field_mask import bare
from gateway.backoffice.treatment.html_mask import shows_field
from gateway.backoffice.treatment.json_text import Json, read_json, write_json
from gateway.backoffice.treatment.unfit import UnfitAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.backoffice.treatment.field_mask import FieldMask, MaskedField
    from gateway.backoffice.treatment.found import Found

_NAMING: Final = frozenset(
    {"field", "key", "header", "id", "code", "prompt", "attribute", "property", "column", "type"}
    | {"parameter", "text", "kind", "term"}
)
_NAMING_ENDS: Final = ("name", "label", "title", "caption", "heading")
"""Members that say what another member of the same object is."""

_CALLING: Final = frozenset(
    {"id", "key", "field", "data", "name", "column", "attribute", "property", "accessor", "code"}
    | {"dataindex", "datafield", "dataindx", "path", "prop", "index", "valuefield", "ref"}
)
"""Members that say by which name the rows of an answer hold what the object is about."""

_CALLED: Final = re.compile(r"[\w.-]{1,64}")
_PAIR: Final = 2  # a name and its value
_CELL: Final = 3  # members of what may be a cell
_MAX_INSIDE: Final = 3  # documents inside texts inside documents


def mask_json(value: Json, mask: FieldMask, found: Found) -> Json:
    """Give a document without the masked fields; what was masked is noted."""
    masking = _Masking(mask, found)
    masking.learn(value)
    return _swept(masking.masked(value), found)


class _Columns(NamedTuple):
    """Names of columns: which of them are fields, and how many there are."""

    fields: dict[int, MaskedField]
    width: int


class _Masking:
    def __init__(self, mask: FieldMask, found: Found, inside: int = 0) -> None:
        self._mask, self._found, self._inside = mask, found, inside
        self._identified, self._ended = cache(mask.identified), cache(mask.ended)
        self._called: dict[str, MaskedField] = {}

    def learn(self, value: Json) -> None:
        """Note by which other names the answer says that it calls fields."""
        level = [value]
        while level:
            objects = [each for each in level if isinstance(each, dict)]
            for each in objects:
                self._learn_from(each)
            held = [member for each in objects for member in each.values()]
            held += [member for each in level if isinstance(each, list) for member in each]
            level = [each for each in held if isinstance(each, dict | list)]

    def _learn_from(self, value: dict[str, Json]) -> None:
        named = self._named_by(value)
        for name, member in value.items():
            if named is not None and bare(name) in _CALLING:
                if isinstance(member, str | int) and not isinstance(member, bool):
                    self._call(str(member), named)
            elif isinstance(member, str) and not _is_naming(name):
                field = self._mask.named(member)
                if field is not None:
                    self._call(name, field)

    def _call(self, name: str, field: MaskedField) -> None:
        if _CALLED.fullmatch(name) and self._identified(name) is None:
            self._called.setdefault(name, field)

    def masked(self, value: Json, columns: _Columns | None = None) -> Json:
        if isinstance(value, dict):
            return self._object(value, columns)
        if isinstance(value, list):
            return self._list(value) if columns is None else self._below(value, columns)
        return self._text(value) if isinstance(value, str) else value

    def _object(self, value: dict[str, Json], columns: _Columns | None) -> dict[str, Json]:
        beside = self._named_by(value)
        columns = self._columns_of(value) or columns
        kept: dict[str, Json] = {}
        for name, member in value.items():
            field = self._identified(name) or self._called.get(name)
            if field is None and beside is not None and not _is_naming(name):
                field = beside
            if field is None:
                kept[name] = self.masked(member, columns)
            else:
                self._take(field, member)
                if field.shown_as:
                    kept[name] = field.shown_as
        return kept

    def _list(self, value: list[Json]) -> list[Json]:
        if len(value) > 1 and _is_rows(value):
            columns = self._columns(value[0])
            if columns is not None:
                return [self.masked(value[0]), *(self._row(row, columns) for row in value[1:])]
        if len(value) == _PAIR and isinstance(value[0], str):
            field = self._said(value[0])
            if field is not None and not self._is_name(value[1]):
                self._take(field, value[1])
                return [value[0], field.shown_as]
        return [self.masked(each) for each in value]

    def _below(self, value: list[Json], columns: _Columns) -> list[Json]:
        """Give a list that stands below names of columns, near them or further inside."""
        if self._columns(value) is not None:
            return self._list(value)
        cells = all(isinstance(each, dict) and len(each) <= _CELL for each in value)
        if _is_row(value) or (cells and len(value) == columns.width > 1):
            return self._row(value, columns)
        return [self.masked(each, columns) for each in value]

    def _row(self, row: list[Json], columns: _Columns) -> list[Json]:
        kept = []
        for place, cell in enumerate(row):
            field = columns.fields.get(place)
            if field is None:
                kept.append(self.masked(cell))
            else:
                self._take(field, cell)
                kept.append(field.shown_as)  # never left out: the others would move
        return kept

    def _text(self, text: str) -> str:
        held = _document(text)
        if held is not None:
            if self._inside == _MAX_INSIDE:
                raise UnfitAnswerError("answer-json")
            inner = _Masking(self._mask, self._found, self._inside + 1)
            inner.learn(held)
            return write_json(inner.masked(held)).decode("utf-8")
        if "<" in text and (field := shows_field(text, self._mask)) is not None:
            self._found.take(field, [text])
            return field.shown_as
        return mask_text(text, self._mask, self._found)

    def _named_by(self, value: dict[str, Json]) -> MaskedField | None:
        for name, member in value.items():
            if isinstance(member, str) and _is_naming(name):
                field = self._said(member)
                if field is not None:
                    return field
        return None

    def _said(self, name: str) -> MaskedField | None:
        """Give the field that a text names, as programs or as people write it."""
        return self._ended(name) if " " in name else self._identified(name)

    def _is_name(self, value: Json) -> bool:
        return isinstance(value, str) and self._said(value) is not None

    def _columns_of(self, value: dict[str, Json]) -> _Columns | None:
        found = [self._columns(each) for each in value.values() if isinstance(each, list)]
        known = [each for each in found if each is not None]
        fields = {place: field for each in known for place, field in each.fields.items()}
        return _Columns(fields, max(each.width for each in known)) if known else None

    def _columns(self, names: list[Json]) -> _Columns | None:
        fields = {}
        for place, each in enumerate(names):
            if isinstance(each, dict):
                field = self._named_by(each)
            else:
                field = self._said(each) if isinstance(each, str) else None
            if field is not None:
                fields[place] = field
        return _Columns(fields, len(names)) if fields else None

    def _take(self, field: MaskedField, value: Json) -> None:
        self._found.take(field, _scalars(value))


def mask_text(text: str, mask: FieldMask, found: Found) -> str:
    """Give a text without what follows the name of a masked field, as in `Sort code: 12-34-56`."""
    told = mask.told_in(text)
    if told is None or not told.values:
        return text
    found.take(told.field, told.values)
    return text[: told.end] + told.field.shown_as


def _document(text: str) -> Json:
    """Give the document that a text is, if it is one; None for an ordinary text."""
    if text.lstrip()[:1] not in {"{", "[", '"'}:
        return None
    try:
        return read_json(text)
    except UnfitAnswerError:
        return None


def _is_naming(name: str) -> bool:
    written = bare(name)
    return written in _NAMING or written.endswith(_NAMING_ENDS)


def _is_row(value: Json) -> bool:
    return isinstance(value, list) and not any(isinstance(each, dict | list) for each in value)


def _is_rows(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, list) for row in value)


def _scalars(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _scalars(each)
    elif isinstance(value, list):
        for each in value:
            yield from _scalars(each)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def _swept(value: Json, found: Found) -> Json:
    """Leave out what was masked elsewhere."""
    said = sorted(set(_said(value)))
    holding = {said[place] for place in found.those_holding(said)}
    return _without(value, holding, found) if holding or _has_documents(said) else value


def _said(value: Json) -> Iterator[str]:
    """Give every name and every value."""
    if isinstance(value, dict):
        yield from value
        for each in value.values():
            yield from _said(each)
    elif isinstance(value, list):
        for each in value:
            yield from _said(each)
    else:
        yield from _scalars(value)


def _has_documents(texts: list[str]) -> bool:
    return any(text.lstrip()[:1] in {"{", "[", '"'} for text in texts)


def _without(value: Json, holding: set[str], found: Found) -> Json:
    if isinstance(value, dict):
        return {
            name: _without(member, holding, found)
            for name, member in value.items()
            if name not in holding
        }
    if isinstance(value, list):
        return [_without(each, holding, found) for each in value]
    if isinstance(value, str):
        held = _document(value)
        if held is not None:
            return write_json(_swept(held, found)).decode("utf-8")
        return "" if value in holding else value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return None if str(value) in holding else value
    return value

"""Masks the fields of a JSON answer, whatever is nested in what.

A field is found as

1. a member of its name: `{"sort_code": ...}`; all that it holds goes;
2. what stands beside its name: `{"label": "Sort code", "value": ...}`;
3. a column: rows under a list of names, or under a first row of names;
4. `Sort code: ...` in a text;
5. JSON or a page inside a text.

What was masked is then not shown elsewhere in the answer either (`field_mask`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.backoffice.treatment.field_mask import bare
from gateway.backoffice.treatment.html_mask import shows_field
from gateway.backoffice.treatment.json_text import Json, read_json, write_json
from gateway.backoffice.treatment.unfit import UnfitAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.backoffice.treatment.field_mask import FieldMask, Found, MaskedField

_NAMING: Final = frozenset(
    {"field", "key", "header", "id", "code", "prompt", "attribute", "property", "column", "type"}
    | {"parameter", "text", "kind", "term"}
)
_NAMING_ENDS: Final = ("name", "label", "title", "caption", "heading")
"""Members that say what another member of the same object is."""

_PAIR: Final = 2  # a name and its value
_MAX_INSIDE: Final = 3  # documents inside texts inside documents


def mask_json(value: Json, mask: FieldMask, found: Found) -> Json:
    """Give a document without the masked fields; what was masked is noted."""
    return _swept(_Masking(mask, found).masked(value), found)


class _Masking:
    def __init__(self, mask: FieldMask, found: Found, inside: int = 0) -> None:
        self._mask, self._found, self._inside = mask, found, inside

    def masked(self, value: Json) -> Json:
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list):
            return self._list(value)
        return self._text(value) if isinstance(value, str) else value

    def _object(self, value: dict[str, Json]) -> dict[str, Json]:
        beside = self._named_by(value)
        columns = self._columns_of(value)
        kept: dict[str, Json] = {}
        for name, member in value.items():
            field = self._mask.identified(name)
            if field is None and beside is not None and not _is_naming(name):
                field = beside
            if field is not None:
                self._take(field, member)
                if field.shown_as:
                    kept[name] = field.shown_as
            elif columns and _is_row(member) and not self._columns(member):
                kept[name] = self._row(member, columns)
            elif columns and _is_rows(member):
                kept[name] = [self._row(row, columns) for row in member]
            else:
                kept[name] = self.masked(member)
        return kept

    def _list(self, value: list[Json]) -> list[Json]:
        if len(value) > 1 and _is_rows(value):
            columns = self._columns(value[0])
            if columns:
                return [self.masked(value[0]), *(self._row(row, columns) for row in value[1:])]
        if len(value) == _PAIR and isinstance(value[0], str):
            field = self._mask.identified(value[0])
            if field is not None and not _could_be_name(value[1]):
                self._take(field, value[1])
                return [value[0], field.shown_as]
        return [self.masked(each) for each in value]

    def _row(self, row: list[Json], columns: Mapping[int, MaskedField]) -> list[Json]:
        kept = []
        for place, cell in enumerate(row):
            field = columns.get(place)
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
            return write_json(inner.masked(held)).decode("utf-8")
        if "<" in text and (field := shows_field(text, self._mask)) is not None:
            self._found.take(field, [text])
            return field.shown_as
        return mask_text(text, self._mask, self._found)

    def _named_by(self, value: dict[str, Json]) -> MaskedField | None:
        for name, member in value.items():
            if isinstance(member, str) and _is_naming(name):
                field = self._mask.identified(member)
                if field is not None:
                    return field
        return None

    def _columns_of(self, value: dict[str, Json]) -> dict[int, MaskedField]:
        columns: dict[int, MaskedField] = {}
        for member in value.values():
            if isinstance(member, list):
                columns |= self._columns(member)
        return columns

    def _columns(self, names: list[Json]) -> dict[int, MaskedField]:
        columns = {}
        for place, each in enumerate(names):
            if isinstance(each, dict):
                field = self._named_by(each)
            else:
                field = self._mask.named(each) if isinstance(each, str) else None
            if field is not None:
                columns[place] = field
        return columns

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


def _could_be_name(value: Json) -> bool:
    return isinstance(value, str) and not any(each.isdigit() or each == "@" for each in value)


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
    if isinstance(value, dict):
        return {
            name: _swept(member, found) for name, member in value.items() if not found.holds(name)
        }
    if isinstance(value, list):
        return [_swept(each, found) for each in value]
    if isinstance(value, str):
        held = _document(value)
        if held is not None:
            return write_json(_swept(held, found)).decode("utf-8")
        return "" if found.holds(value) else value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return None if found.holds(str(value)) else value
    return value

"""Masks the fields of a JSON answer, whatever is nested in what.

A field is found as

1. a member of its name: `{"sort_code": ...}`, `{"sort": {"code": ...}}`; all that it holds goes;
2. what stands beside its name: `{"label": "Sort code", "value": ...}`; where nothing says that
   `k` names something, as in `{"k": "Sort code", "v": ...}`, the one other member, and of several
   those that look like a value;
3. a column: rows under a list of names, or under a first row of names;
4. a member that the answer says is called so (`json_names`): `{"id": "c7", "title": "Sort code"}`
   makes every `c7` one, and so do `{"c7": "Sort code"}` and `["c7", "Sort code"]`;
5. `Sort code: ...` in a text, `12-34-56 (sort code)`, a column of plain text, encoded or not;
6. JSON or a page inside a text;
7. where a name stands as a value and none of this finds what is its own, what may be it in the
   smallest object or list around it (`json_unplaced`).

What was masked is then not shown elsewhere in the answer either (`field_mask`).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote_plus

from gateway.backoffice.treatment.field_mask import bare, values_in
from gateway.backoffice.treatment.html_mask import shows_field
from gateway.backoffice.treatment.json_names import Called, is_naming, looks_told, scalars
from gateway.backoffice.treatment.json_text import Json, read_json, write_json
from gateway.backoffice.treatment.json_unplaced import Shown, Unplaced
from gateway.backoffice.treatment.letters import unpacked
from gateway.backoffice.treatment.text_places import around_names, below_names
from gateway.backoffice.treatment.unfit import UnfitAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.backoffice.treatment.field_mask import FieldMask, MaskedField
    from gateway.backoffice.treatment.found import Found

_PAIR: Final = 2  # a name and its value
_CELL: Final = 3  # members of what may be a cell
_PLACE_DIGITS: Final = 4
_NUMBERED: Final = re.compile(r"\d+")
_MAX_INSIDE: Final = 3  # documents inside texts inside documents


def mask_json(value: Json, mask: FieldMask, found: Found) -> Json:
    """Give a document without the masked fields; what was masked is noted."""
    masked = _swept(_Masking(mask, found).whole(value), found)
    return masked if mask.always_shown else _written(masked)


class _Columns(NamedTuple):
    """Names of columns: which of them are fields, and how many there are."""

    fields: dict[int, MaskedField]
    width: int

    def at(self, place: str, member: Json) -> MaskedField | None:
        """Give the field of a cell that is a member of its row by its place."""
        if len(place) > _PLACE_DIGITS or isinstance(member, dict | list):
            return None
        return self.fields.get(int(place))


class _Masking:
    def __init__(self, mask: FieldMask, found: Found, inside: int = 0) -> None:
        self._mask, self._found, self._inside = mask, found, inside
        self._identified, self._ended = cache(mask.identified), cache(mask.ended)
        self._called = Called(mask, self._said)
        self._named_by = self._called.named_by

    def whole(self, value: Json) -> Json:
        """Give a document without the masked fields; what is left out stays marked."""
        self._called.learn(value)
        masked = self.masked(value)
        if self._called.hinted:
            Unplaced(self._said, self._mask.mentioned, self._found).settle(masked)
        return masked

    def masked(self, value: Json, columns: _Columns | None = None, under: str = "") -> Json:
        """Give a value without the masked fields.

        Args:
            value: what stands in the answer.
            columns: the names of columns above it.
            under: the name of the member that it is, or is listed in; empty for none.
        """
        if isinstance(value, dict):
            return self._object(value, columns, under)
        if isinstance(value, list):
            if columns is not None:
                return self._below(value, columns, under)
            return self._list(value, under)
        return self._text(value) if isinstance(value, str) else value

    def _object(
        self, value: dict[str, Json], columns: _Columns | None, under: str
    ) -> dict[str, Json]:
        beside = self._named_by(value, under)
        told = None if beside is not None else self._called.told.get(id(value))
        columns = self._columns_of(value) or columns
        kept: dict[str, Json] = {}
        hinted = self._called.hinted
        for name, member in value.items():
            field = self._identified(name) or self._called_so(name, member)
            if field is None and under:
                field = self._identified(f"{under}.{name}")
            if field is None and beside is not None and not is_naming(name):
                field = beside
            if field is None and told is not None and _is_paired(value, name):
                field = told
            if field is None and columns is not None and name.isdecimal():
                field = columns.at(name, member)
            if hinted and (own := self._keyed(name, member)) is not None:
                self._found.take(own, [name])
            elif field is None:
                kept[name] = self.masked(member, columns, self._called.title_of(value, name, under))
            else:
                kept[name] = self._take(field, member)
        return kept

    def _keyed(self, name: str, member: Json) -> MaskedField | None:
        """Give the field that a member says its own name is the value of."""
        if not looks_told(name) or not any(map(str.isdigit, name)):
            return None
        if isinstance(member, dict):
            return self._named_by(member) if len(member) <= _PAIR else None
        return self._said(member) if isinstance(member, str) else None

    def _called_so(self, name: str, member: Json) -> MaskedField | None:
        """Give the field that the answer calls so; what says that it does is none itself."""
        field = self._called.names.get(name)
        describes = field is not None and isinstance(member, dict) and self._named_by(member)
        return None if describes else field

    def _list(self, value: list[Json], under: str = "") -> list[Json]:
        if _is_rows(value) and (len(value) > 1 or self._called.places):
            columns = self._columns(value[0])
            if columns is None and self._called.places:
                columns = _Columns(self._called.places, 0)
                return [self._row(row, columns) for row in value]
            if columns is not None:
                return [self.masked(value[0]), *(self._row(row, columns) for row in value[1:])]
        if len(value) == _PAIR and isinstance(value[0], str):
            named = self._said(value[0])
            if named is not None and not self._is_name(value[1]):
                return [value[0], self._take(named, value[1])]
        kept: list[Json] = []
        before: Json = None
        field: MaskedField | None = None  # whose values follow its name
        for each in value:
            told = looks_told(each) or (type(each) in {int, float} and field is not None)
            if not told or self._is_name(each):
                field = None
            elif isinstance(before, str):
                field = self._mask.named(before) or field
            if field is not None:
                kept.append(self._take(field, each))
            else:
                kept.append(self.masked(each, None, under))
            before = each
        return kept

    def _below(self, value: list[Json], columns: _Columns, under: str) -> list[Json]:
        """Give a list that stands below names of columns, near them or further inside."""
        if self._columns(value) is not None:
            return self._list(value, under)
        cells = all(isinstance(each, dict) and len(each) <= _CELL for each in value)
        if _is_row(value) or (cells and len(value) == columns.width > 1):
            return self._row(value, columns)
        return [self.masked(each, columns, under) for each in value]

    def _row(self, row: list[Json], columns: _Columns) -> list[Json]:
        kept: list[Json] = []
        if row and all(isinstance(cell, list) for cell in row):
            return [self._row(cell, columns) for cell in row]
        for place, cell in enumerate(row):
            field = columns.fields.get(place)
            if field is None:
                kept.append(self.masked(cell))
            else:
                kept.append(self._take(field, cell))
        return kept

    def _text(self, text: str) -> str:
        held = _document(text)
        if held is not None:
            if self._inside == _MAX_INSIDE:
                raise UnfitAnswerError("answer-json")
            inner = _Masking(self._mask, self._found, self._inside + 1).whole(held)
            shown = inner if self._mask.always_shown else _written(inner)
            return write_json(shown).decode("utf-8")
        if "<" in text and (field := shows_field(text, self._mask)) is not None:
            self._found.take(field, [text])
            return field.shown_as
        packed = unpacked(text)
        if packed is not None and self._mask.hinted.search(bare(packed)) is not None:
            return next(iter(self._mask.by_name.values())).shown_as
        masked = mask_text(text, self._mask, self._found)
        if masked is text and "%" in text and (plain := unquote_plus(text)) != text:
            told = self._mask.told_in(plain)
            if told is not None and told.values:
                self._found.take(told.field, told.values)
                return told.field.shown_as
        return masked

    def _said(self, name: str) -> MaskedField | None:
        """Give the field that a text names, as programs or as people write it."""
        return self._ended(name) if " " in name else self._identified(name)

    def _is_name(self, value: Json) -> bool:
        return isinstance(value, str) and self._said(value) is not None

    def _columns_of(self, value: dict[str, Json]) -> _Columns | None:
        found = [self._columns(each) for each in value.values() if isinstance(each, list)]
        known = [each for each in found if each is not None]
        fields = {place: field for each in known for place, field in each.fields.items()}
        if self._called.places and found:
            return _Columns(fields | self._called.places, 0)
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

    def _take(self, field: MaskedField, value: Json) -> Shown:
        self._found.take(field, scalars(value))
        shown = Shown.of(field, value)
        if not shown.valued and any(self._said(each) for each in scalars(value)):
            return Shown.of(field, value, named=True)
        return shown


def mask_text(text: str, mask: FieldMask, found: Found) -> str:
    """Give a text without values beside, before and below the names of masked fields."""
    if mask.hinted.search(bare(text)) is None:
        return text
    places = [*around_names(text, mask), *below_names(text, mask, plain=False)]
    for begin, end, field in sorted(places, reverse=True):
        found.take(field, values_in(text[begin:end]))
        text = text[:begin] + field.shown_as + text[end:]
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


def _is_paired(value: dict[str, Json], name: str) -> bool:
    """Tell whether a member may be the value of the field that another one names.

    Two of one kind, such as `c7` and `c8`, are names of columns both.
    """
    member = value[name]
    kinds = {_NUMBERED.sub("", each) for each in value}
    if len(value) != _PAIR or len(kinds) < _PAIR:
        return looks_told(member)
    inside = member.values() if isinstance(member, dict) else member
    return not isinstance(member, dict | list) or not any(
        isinstance(each, dict | list) for each in inside or ()
    )


def _is_row(value: Json) -> bool:
    return isinstance(value, list) and not any(isinstance(each, dict | list) for each in value)


def _is_rows(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, list) for row in value)


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
        yield from scalars(value)


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


def _written(value: Json) -> Json:
    """Give a document as it is sent: what is shown as nothing stays in lists alone."""
    if isinstance(value, dict):
        return {
            name: _written(member)
            for name, member in value.items()
            if member or not isinstance(member, Shown)
        }
    return [_written(each) for each in value] if isinstance(value, list) else value

"""Masks the fields of a JSON answer, whatever is nested in what.

A field is found as

1. a member of its name: `{"sort_code": ...}`, `{"sort": {"code": ...}}`; all that it holds goes;
2. what stands beside its name: `{"label": "Sort code", "value": ...}`; where nothing says that
   `k` names something, as in `{"k": "Sort code", "v": ...}`, the one other member, and of several
   those that look like a value;
3. a column: rows under a list of names, or under a first row of names;
4. a member that the answer says is called so: `{"id": "c7", "title": "Sort code"}` makes every
   `c7` one, and so do `{"c7": "Sort code"}` and `{"c7": {"title": "Sort code"}}`;
5. `Sort code: ...` in a text, encoded for an address or not;
6. JSON or a page inside a text.

What was masked is then not shown elsewhere in the answer either (`field_mask`).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote_plus

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
    | {"parameter", "text", "kind", "term", "question"}
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
_PLACE_DIGITS: Final = 4
_NUMBERED: Final = re.compile(r"\d+")
_LANGUAGE: Final = re.compile(r"[a-z]{2}(?:[-_][A-Za-z]{2})?")
_TELLS: Final = re.compile(r"(?=.*[\d@]).{4}", re.DOTALL)  # what a value has, and a title has not
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

    def at(self, place: str, member: Json) -> MaskedField | None:
        """Give the field of a cell that is a member of its row by its place."""
        if len(place) > _PLACE_DIGITS or isinstance(member, dict | list):
            return None
        return self.fields.get(int(place))


class _Masking:
    def __init__(self, mask: FieldMask, found: Found, inside: int = 0) -> None:
        self._mask, self._found, self._inside = mask, found, inside
        self._identified, self._ended = cache(mask.identified), cache(mask.ended)
        self._called: dict[str, MaskedField] = {}
        # By id of an object: the field that a member names which may name something else as well.
        self._told: dict[int, MaskedField] = {}

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
                    self._told[id(value)] = field
            elif isinstance(member, dict) and not _is_naming(name) and not _has_value(member):
                field = self._named_by(member)
                if field is not None:
                    self._call(name, field)

    def _call(self, name: str, field: MaskedField) -> None:
        if _CALLED.fullmatch(name) and self._identified(name) is None:
            self._called.setdefault(name, field)

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
            return self._list(value, under) if columns is None else self._below(value, columns)
        return self._text(value) if isinstance(value, str) else value

    def _object(
        self, value: dict[str, Json], columns: _Columns | None, under: str
    ) -> dict[str, Json]:
        beside = self._named_by(value)
        told = None if beside is not None else self._told.get(id(value))
        columns = self._columns_of(value) or columns
        kept: dict[str, Json] = {}
        for name, member in value.items():
            field = self._identified(name) or self._called_so(name, member)
            if field is None and under:
                field = self._identified(f"{under}.{name}")
            if field is None and beside is not None and not _is_naming(name):
                field = beside
            if field is None and told is not None and _is_paired(value, name):
                field = told
            if field is None and columns is not None and name.isdecimal():
                field = columns.at(name, member)
            if field is None:
                kept[name] = self.masked(member, columns, name)
            else:
                self._take(field, member)
                if field.shown_as:
                    kept[name] = field.shown_as
        return kept

    def _called_so(self, name: str, member: Json) -> MaskedField | None:
        """Give the field that the answer calls so; what says that it does is none itself."""
        field = self._called.get(name)
        describes = field is not None and isinstance(member, dict) and self._named_by(member)
        return None if describes else field

    def _list(self, value: list[Json], under: str = "") -> list[Json]:
        if len(value) > 1 and _is_rows(value):
            columns = self._columns(value[0])
            if columns is not None:
                return [self.masked(value[0]), *(self._row(row, columns) for row in value[1:])]
        if len(value) == _PAIR and isinstance(value[0], str):
            field = self._said(value[0])
            if field is not None and not self._is_name(value[1]):
                self._take(field, value[1])
                return [value[0], field.shown_as]
        kept: list[Json] = []
        before: Json = None
        for each in value:
            field = None
            if isinstance(before, str) and _looks_told(each) and not self._is_name(each):
                field = self._mask.named(before)
            if field is not None:
                self._take(field, each)
                kept.append(field.shown_as)
            else:
                kept.append(self.masked(each, None, under))
            before = each
        return kept

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
        masked = mask_text(text, self._mask, self._found)
        if masked is text and "%" in text and (plain := unquote_plus(text)) != text:
            told = self._mask.told_in(plain)
            if told is not None and told.values:
                self._found.take(told.field, told.values)
                return told.field.shown_as
        return masked

    def _named_by(self, value: dict[str, Json]) -> MaskedField | None:
        for name, member in value.items():
            if not (_is_naming(name) or (name == "path" and "op" in value)):  # RFC 6902
                continue
            for said in (member,) if isinstance(member, str) else _worded(member):
                field = self._said(said)
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


def _worded(value: Json) -> list[str]:
    """Give the texts of one that is written in several languages, or stands alone in something."""
    if isinstance(value, list):
        return [each for each in value if isinstance(each, str)] if len(value) == 1 else []
    if not isinstance(value, dict) or not (len(value) == 1 or all(map(_LANGUAGE.fullmatch, value))):
        return []
    return [each for each in value.values() if isinstance(each, str)]


def _has_value(described: dict[str, Json]) -> bool:
    """Tell whether an object holds what it describes."""
    return any(bare(name).endswith(("value", "values")) for name in described) or any(
        isinstance(member, str) and _looks_told(member) for member in described.values()
    )


def _is_paired(value: dict[str, Json], name: str) -> bool:
    """Tell whether a member may be the value of the field that another one names.

    Two of one kind, such as `c7` and `c8`, are names of columns both.
    """
    member = value[name]
    kinds = {_NUMBERED.sub("", each) for each in value}
    if len(value) != _PAIR or len(kinds) < _PAIR:
        return _looks_told(member)
    inside = member.values() if isinstance(member, dict) else member
    return not isinstance(member, dict | list) or not any(
        isinstance(each, dict | list) for each in inside or ()
    )


def _looks_told(value: Json) -> bool:
    return next((_TELLS.match(each) is not None for each in _plain(value)), False)


def _plain(value: Json) -> Iterator[str]:
    return iter(()) if isinstance(value, dict | list) else _scalars(value)


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

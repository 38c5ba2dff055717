"""What names what in a JSON answer: members that say what is beside them, and other names.

An answer may say once what it calls a field, and from then on use that: `{"id": "c7", "title":
"Sort code"}`, `["c7", "Sort code"]`, `"c7=Sort code"`, a list of names beside a list of labels.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Final

from gateway.backoffice.treatment.field_mask import bare
from gateway.backoffice.treatment.letters import bare_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.backoffice.treatment.field_mask import FieldMask, MaskedField
    from gateway.backoffice.treatment.json_text import Json

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

_PLACING: Final = frozenset(
    {"data", "targets", "target", "index", "idx", "col", "colindex", "columnindex", "ordinal"}
)
"""Members that say at which place of a row it stands."""

_ROWS: Final = frozenset({"rows", "data", "items", "records", "results", "values", "value"})
_CALLED: Final = re.compile(r"[\w.-]{1,64}")
_STEPS: Final = re.compile("[/.#:]")
_THROUGH: Final = frozenset(
    {"fields", "details", "data", "items", "attributes", "values", "properties", "list", "parts"}
)
"""Members that say nothing of what is in them."""

_CODE: Final = re.compile(r"(?=.*\d)[\w.-]{1,64}|\w{1,3}|\w*_\w*")
_SAID_SO: Final = re.compile(r"\s*([\w.-]{1,64})\s*(?:[=:|]|->|=>)\s*([^=:|]+)")
_PIECES: Final = re.compile(r"[,;&\n]")
_LANGUAGE: Final = re.compile(r"[a-z]{2}(?:[-_][A-Za-z]{2})?")
_TELLS: Final = re.compile(r"(?=.*[\d@]).{4}", re.DOTALL)  # what a value has, and a title has not
_SHORT: Final = 200
_FEW: Final = 6  # members of what may be a legend
_MOST_PLACES: Final = 1_000


class Called:
    """By which other names an answer calls fields.

    Attributes:
        names: by name of a member.
        places: by place in a row.
        told: by id of an object, the field that a member names which may name something else.
        hinted: whether a name of a field may stand as a value.
        halved: whether one may stand in two pieces.
    """

    def __init__(self, mask: FieldMask, said: Callable[[str], MaskedField | None]) -> None:
        """Set out.

        Args:
            mask: the fields.
            said: gives the field that a text names.
        """
        self._mask, self._said = mask, said
        self._is_naming = cache(is_naming)
        self._begins = {begin for begins in mask.halves.values() for begin, _ in begins}
        self.names: dict[str, MaskedField] = {}
        self.places: dict[int, MaskedField] = {}
        self.told: dict[int, MaskedField] = {}
        self.hinted = self.halved = False
        self._uses: Counter[str] = Counter()

    def learn(self, value: Json) -> None:
        """Read what an answer says of itself."""
        containers: list[dict[str, Json] | list[Json]] = []
        level = [value] if isinstance(value, dict | list) else []
        texts: list[str] = []
        while level:
            containers += level
            held: list[Json] = []
            for each in level:
                held += each.values() if isinstance(each, dict) else each
            texts += [each for each in held if isinstance(each, str) and len(each) <= _SHORT]
            level = [each for each in held if isinstance(each, dict | list)]
        written = bare_lines([text.replace("\n", " ") for text in texts])
        self.hinted = self._mask.hinted.search(written) is not None
        objects = [each for each in containers if isinstance(each, dict)]
        names: set[str] = set()
        for each in objects:
            names.update(each)
        listed = sorted(names)
        named = bare_lines([name.replace("\n", " ") for name in listed])
        keys = {
            name
            for name, line in zip(listed, named.split("\n"), strict=bool(listed))
            if self._mask.hinted.search(line) is not None
        }
        ends, begins = self._mask.hinted_halves
        said = f"{named}\n{written}"
        self.halved = begins.search(said) is not None and ends.search(said) is not None
        for each in objects if keys else ():
            for name in keys & each.keys():
                self._learn_code(name, each[name], names)
        if self.hinted:
            self._uses.update(name for each in objects for name in each)
            for each in objects:
                self._learn_from(each)
            self._learn_legends(containers)
        for each in objects if keys else ():
            self._learn_places(each)

    def named_by(self, value: dict[str, Json], under: str = "") -> MaskedField | None:
        """Give the field that a member of an object says that it is about.

        Args:
            value: the object.
            under: what it stands under, which may say the beginning of the name.
        """
        for name, member in value.items():
            if not (self._is_naming(name) or (name == "path" and "op" in value)):  # RFC 6902
                continue
            for said in (member,) if isinstance(member, str) else worded(member):
                field = self._said(said)
                if field is None and under and self.halved:
                    begins = self._mask.halves.get(bare(said), ())
                    field = next((own for each, own in begins if bare(under) == each), None)
                if field is not None:
                    return field
        return None

    def title_of(self, value: dict[str, Json], name: str, under: str) -> str:
        """Give what stands over what is in a member: a title of the object, or its own name."""
        if self.halved:
            for other, member in value.items():
                if is_naming(other) and isinstance(member, str) and bare(member) in self._begins:
                    return member
            if bare(under) in self._begins and bare(name) in _THROUGH:
                return under
        return name

    # ---- inside ---------------------------------------------------------------------------

    def _learn_from(self, value: dict[str, Json]) -> None:
        named = self.named_by(value)
        for name, member in value.items():
            if named is not None and bare(name) in _CALLING:
                if isinstance(member, str | int) and not isinstance(member, bool):
                    self._call(str(member), named)
            elif not self._is_naming(name):
                self._learn_of(value, name, member)
        for name, member in value.items():
            if named is not None and bare(name) in _PLACING:
                for place in member if isinstance(member, list) else [member]:
                    self._put(place, named)

    def _learn_of(self, value: dict[str, Json], name: str, member: Json) -> None:
        """Learn from `{"c7": "Sort code"}` and `{"c7": {"title": "Sort code"}}`."""
        if isinstance(member, str):
            field = self._mask.named(member)
            if field is not None:
                self._call(name, field)
                self._call_used(name, field)
                self.told[id(value)] = field
        elif isinstance(member, dict) and not has_value(member):
            field = self.named_by(member)
            if field is not None:
                self._call(name, field)

    def _learn_legends(self, containers: list[dict[str, Json] | list[Json]]) -> None:
        by_width: dict[int, list[list[Json]]] = {}
        named: list[tuple[list[Json], int, MaskedField]] = []
        for each in containers:
            members = list(each.values() if isinstance(each, dict) else each)
            fields = [self._said(text) if isinstance(text, str) else None for text in members]
            self._learn_codes(members, fields)
            if isinstance(each, dict):
                for name, member in each.items():
                    self._learn_member(name, member)
            elif all(isinstance(text, str) for text in each):
                by_width.setdefault(len(each), []).append(each)
                named += [(each, at, own) for at, own in enumerate(fields) if own is not None]
        for names, place, field in named[:_MOST_PLACES]:
            for other in by_width[len(names)][:_FEW]:
                if other is not names:
                    self._call_used(other[place], field)

    def _learn_codes(self, members: list[Json], fields: list[MaskedField | None]) -> None:
        """Learn from `["c7", "Sort code"]` and `["c7=Sort code"]`."""
        field = next((known for known in fields if known is not None), None)
        if field is None:
            return
        for member, own in zip(members, fields, strict=True):
            if not isinstance(member, str):
                continue
            if own is None and len(members) <= _FEW:
                self._call_used(member, field)
            for piece in _PIECES.split(member) if len(member) <= _SHORT else ():
                self._call_said(piece)

    def _learn_member(self, name: str, member: Json) -> None:
        """Learn from `{"c7": ["Sort code", "text"]}`."""
        if self._is_naming(name) or self._uses[name] <= 1:
            return
        if isinstance(member, dict | list) and len(member) <= _FEW:
            inside = member.values() if isinstance(member, dict) else member
            texts = [each for each in inside if isinstance(each, str)]
            field = next((own for each in texts if (own := self._said(each)) is not None), None)
            if field is not None and not any(looks_told(each) for each in texts):
                self._call(name, field)

    def _learn_code(self, name: str, member: Json, names: set[str]) -> None:
        """Learn from `{"Sort code": "c7"}`."""
        field = self._said(name) if isinstance(member, str | dict) else None
        if field is not None:
            for code in [member] if isinstance(member, str) else member.values():
                if isinstance(code, str) and code in names and _CODE.fullmatch(code):
                    self._call(code, field)

    def _learn_places(self, value: dict[str, Json]) -> None:
        """Learn from `{"name": 0, "sort_code": 1}`: at which place of a row each stands."""
        places = [each for each in value.values() if type(each) is int]
        if len(places) < 2 or len({*places}) < len(places) or min(places) != 0:  # noqa: PLR2004
            return
        for name, place in value.items():
            if type(place) is int and (field := self._mask.identified(name)) is not None:
                self._put(place, field)

    def _call_said(self, text: str) -> None:
        said = _SAID_SO.match(text)
        field = self._said(said[2].strip()) if said is not None else None
        if said is not None and field is not None:
            self._call_used(said[1], field)

    def _call_used(self, name: str, field: MaskedField) -> None:
        last = _STEPS.split(name)[-1]  # `#/properties/c7`
        for each in (name, last) if last != name else (name,):
            if each in self._uses and _CODE.fullmatch(each):
                self._call(each, field)

    def _call(self, name: str, field: MaskedField) -> None:
        if _CALLED.fullmatch(name) and self._mask.identified(name) is None:
            self.names.setdefault(name, field)

    def _put(self, place: Json, field: MaskedField) -> None:
        if type(place) is int and 0 <= place < _MOST_PLACES:
            self.places.setdefault(place, field)


def is_naming(name: str) -> bool:
    """Tell whether a member of this name says what another one is."""
    written = bare(name)
    return written in _NAMING or written.endswith(_NAMING_ENDS)


def is_name_of_rows(name: str) -> bool:
    """Tell whether a member of this name holds what an answer lists."""
    return bare(name) in _ROWS


def worded(value: Json) -> list[str]:
    """Give the texts of one that is written in several languages, or stands alone in something."""
    if isinstance(value, list):
        return [each for each in value if isinstance(each, str)] if len(value) == 1 else []
    if not isinstance(value, dict) or not (len(value) == 1 or all(map(_LANGUAGE.fullmatch, value))):
        return []
    return [each for each in value.values() if isinstance(each, str)]


def has_value(described: dict[str, Json]) -> bool:
    """Tell whether an object holds what it describes."""
    return any(bare(name).endswith(("value", "values")) for name in described) or any(
        isinstance(member, str) and looks_told(member) for member in described.values()
    )


def looks_told(value: Json) -> bool:
    """Tell whether something looks like a value rather than a title."""
    if isinstance(value, dict | list):
        return False
    return next((_TELLS.match(each) is not None for each in scalars(value)), False)


def scalars(value: Json) -> Iterator[str]:
    """Give every value in something, as a text."""
    if isinstance(value, dict):
        for each in value.values():
            yield from scalars(each)
    elif isinstance(value, list):
        for each in value:
            yield from scalars(each)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)

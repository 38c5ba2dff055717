"""Which fields are masked, as answers name them, and what was found of them.

A field is the same field however its name is written: `sort_code`, `sortCode` and `Sort code:` are
one. What was masked is not shown elsewhere in the same answer either, where it tells by itself: a
value of four characters or more with a digit or an `@`, or of twelve or more.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policies.obligations import FieldSet

_LEAST: Final = 4
_TELLING: Final = 12
_FEW: Final = 16  # values that are looked for one by one
_WORDS: Final = re.compile(r"[^\W_]+")
_NAME_CHARACTERS: Final = 200  # of what may be the name of a field; longer is text
# `Sort code (6 digits)` is the sort code, and so is `bank[sort_code]` where programs write it.
_ADDED: Final = re.compile(r"\s*\([^()]*\)\W*$")
_PARTS: Final = re.compile(r"[.:/$|#\[\](){}]+|__|--")
# Between a name and its value, in running text and as JSON has it; else a blank before a number.
_NUMBER: Final = r"\W{0,2}\d(?:[\s,./-]?\d){3}"
_BETWEEN: Final = (
    r"""["'\u2019\u201d)\]]*+\s*+"""
    r"(?:[:=]\s*+|(?:(?<=\s)|[\u2013\u2014-]\s*+)(?:[\u2013\u2014-]\s*+)?(?:is\s++)?"
    rf"(?={_NUMBER}))"
)
_SIGNS: Final = ".,;:!?\"'()[]{}"  # that may stand around a value, and are none of it
_FIRST: Final = re.compile(r"""["']([^"']*)|[^\s"',;&<>{}\[\]]+""")


@dataclass(frozen=True, slots=True)
class MaskedField:
    """One field.

    Attributes:
        words: how the record says that it was masked, `<set>.<field>`.
        shown_as: what stands in its place; empty where it is left out.
    """

    words: str
    shown_as: str


class Told(NamedTuple):
    """A field that is named in a text.

    Attributes:
        field: which.
        end: where its name ends.
        values: what follows it, and what of that may be its value; none where it is shown already.
    """

    field: MaskedField
    end: int
    values: list[str]


@dataclass(frozen=True, slots=True)
class FieldMask:
    """What is masked.

    Attributes:
        by_name: by bare name.
        elements: selectors of elements of pages.
        in_text: finds `name: value` in running text; its group is the name.
    """

    by_name: Mapping[str, MaskedField]
    elements: tuple[tuple[str, MaskedField], ...]
    in_text: re.Pattern[str]

    @classmethod
    def of(cls, sets: Iterable[FieldSet]) -> FieldMask:
        """Compile sets of fields; where two name the same, what leaves it out wins."""
        by_name: dict[str, MaskedField] = {}
        elements: list[tuple[str, MaskedField]] = []
        names: list[str] = []
        for each in sorted(sets, key=lambda known: (known.shown_as != "", known.id)):
            for name in sorted(each.fields):
                masked = MaskedField(f"{each.id}.{name}", each.shown_as)
                by_name.setdefault(bare(name), masked)
                names.append(name)
            elements += [
                (selector, MaskedField(f"{each.id}.{selector}", each.shown_as))
                for selector in each.elements
            ]
        # Longest first, so that `Account number` is not taken for `Account`.
        written = sorted((_as_written(name) for name in names), key=len, reverse=True)
        in_text = re.compile(rf"(?<![^\W_])({'|'.join(written)}){_BETWEEN}", re.IGNORECASE)
        return cls(by_name, tuple(elements), in_text)

    def named(self, name: str) -> MaskedField | None:
        """Give the field of a name, if it is one."""
        if len(name) > _NAME_CHARACTERS:
            return None
        return self.by_name.get(bare(name)) or self.by_name.get(bare(_ADDED.sub("", name)))

    def identified(self, name: str) -> MaskedField | None:
        """Give the field of a name as programs write it, if any part of its path is one."""
        found = self.named(name)
        if found is None and len(name) <= _NAME_CHARACTERS and " " not in name:
            known = (self.by_name.get(bare(part)) for part in _PARTS.split(name) if part)
            found = next((each for each in known if each is not None), None)
        return found

    def told_in(self, text: str) -> Told | None:
        """Give the first field whose value follows its name in a text, if any."""
        for found in self.in_text.finditer(text):
            known, rest = self.named(found[1]), text[found.end() :]
            if known is not None and rest.strip() and rest != known.shown_as:
                words = [word.strip(_SIGNS) for word in rest.split()]
                return Told(known, found.end(), [rest, *words, *_first(rest)])
            if known is not None:
                return Told(known, found.end(), [])
        return None


@dataclass(slots=True)
class Found:
    """What was masked in one answer.

    Attributes:
        fields: the words of each field.
    """

    fields: set[str] = field(default_factory=set)
    _values: set[str] = field(default_factory=set)
    _lengths: dict[str, set[int]] = field(default_factory=dict)  # of values, by how they begin

    def take(self, masked: MaskedField, values: Iterable[str]) -> None:
        """Note that a field was masked, and what it held."""
        self.fields.add(masked.words)
        for value in values:
            plain = _plain(value)
            if plain != _plain(masked.shown_as) and _tells(plain):
                self._values.add(plain)
                self._lengths.setdefault(plain[:_LEAST], set()).add(len(plain))

    def holds(self, text: str) -> bool:
        """Tell whether something that was masked stands in a text.

        It takes time by the length of the text, however many values there are.
        """
        if not self._values:
            return False
        plain = _plain(text)
        if len(self._values) <= _FEW:
            return any(value in plain for value in self._values)
        for start in range(len(plain) - _LEAST + 1):
            for length in self._lengths.get(plain[start : start + _LEAST], ()):
                if plain[start : start + length] in self._values:
                    return True
        return False


@lru_cache(maxsize=8_192)
def bare(name: str) -> str:
    """Give a name without case, blanks and signs."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in folded if character.isalnum())


def _as_written(name: str) -> str:
    return r"[\W_]*".join(re.escape(word) for word in _WORDS.findall(name))


def _first(rest: str) -> list[str]:
    found = _FIRST.match(rest)
    return [(found[1] or found[0]).strip(_SIGNS)] if found else []


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _tells(value: str) -> bool:
    marked = any(character.isdigit() or character == "@" for character in value)
    return len(value) >= (_LEAST if marked else _TELLING)

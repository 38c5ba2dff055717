"""Which fields are masked, and which names mean them: one rule, that officers are told.

The name of a field is its letters and digits: `sort_code`, `sortCode` and `Sort code:` are one.

1. What a program calls a field (a member of JSON, `name`, `id`, `class`) means it where the words
   of its name stand in it side by side (`P_SORT_CODE`, `bank.sortCode2`), or, from eight letters
   on, without anything between (`txtsortcode`).
2. What a page writes for people means it where it is its name, beside signs, a number in front
   (`1. Sort code`) or brackets behind (`Sort code (6 digits)`); what is made to name something (the
   head of a column, a label) where the name stands anywhere in it (`New sort code`).
3. In running text a name counts where its value seems to follow: `Sort code: 12-34-56`.

What a set of fields lists as other fields is none of its own, whatever it is like.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.backoffice.treatment.letters import folded, seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from policies.obligations import FieldSet

BORDER: Final = "\x1f"
"""Stands between the pieces of a text that markup cuts, even inside a word."""

_WORDS: Final = re.compile(r"[^\W_]+")
_PROGRAM_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_NAME_CHARACTERS: Final = 200  # of what may be the name of a field; longer is text
_LABEL_CHARACTERS: Final = 80
_GLUED: Final = 8  # letters and digits from which a name is known inside other letters
_LED_BY: Final = 4  # words before a name, where it ends a text that may be its label
# `Sort code (6 digits)` is the sort code.
_ADDED: Final = re.compile(r"\s*\([^()]*\)\W*$")
_COUNTED: Final = re.compile(r"^\W*\d{1,3}[.)]\s*")
# Between a name and its value, in running text and as JSON has it; else a blank before a number,
# or before a word with a digit in it.
_NUMBER: Final = r"\W{0,2}\d(?:[\s,./-]?\d){3}"
_CODE: Final = rf"[^\s{BORDER}\d]{{0,30}}\d(?<=[^\s]{{4}})|[^\s\d]{{0,3}}\d[^\s{BORDER}]{{3}}"
_BETWEEN: Final = (
    # what a program adds to it, brackets, what closes round it
    rf"""(?:(?=[^\W\d_]*\d)|\w{{0,12}}+(?:\s*+\([^()\n]{{0,40}}+\))?["'\u2019\u201d)\]{BORDER}]*+\s*+"""
    r"(?:(?:[^\W\d_]{1,12}+\s*+){0,3}+[:=]\s*+"
    rf"|(?:(?<=[\s{BORDER}])|[,;|.*#\u2026\u2013\u2014-])[\s.*#\u2026\u2013\u2014-]{{0,80}}+"
    r"(?:(?:is|no|number)(?:[.:]\s*+|\s++)|(?:[^\W\d_]{1,15}+\s++){0,8}?(?:is|was|to|from|as)\s++)?"
    rf"(?={_NUMBER}|{_CODE})))[{BORDER}]*+"
)
_SAYS: Final = re.compile(rf"[^ \t\r\n{BORDER}]")
_MOST_VALUE: Final = 300  # characters after a name in which its value is looked for
_SIGNS: Final = ".,;:!?\"'()[]{}" + BORDER  # that may stand around a value, and are none of it
_FIRST: Final = re.compile(r"""["']([^"']*)|[^\s"',;&<>{}\[\]]+""")
_LEADING: Final = re.compile(r"\W*(\d(?:[\s,./-]?\d)+)")
_MARKED: Final = re.compile(r"(?=.*[\d@]).{6,}", re.DOTALL)


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
        name_end: where its name ends.
        end: where what stands between it and a value ends.
        values: what follows it, and what of that may be its value; none where it is shown already.
    """

    field: MaskedField
    name_end: int
    end: int
    values: list[str]


@dataclass(frozen=True, slots=True)
class FieldMask:
    """What is masked.

    Attributes:
        by_name: by bare name.
        others: bare names that mean none.
        elements: selectors of elements of pages.
        required: the words of fields of which one has to be found in every answer, each.
        hinted: finds in a text that is bare whether there may be a name in it.
        shortest: how many letters the shortest name has.
        halves: by how names of several words end, how they begin.
        hinted_halves: find in lines that are bare whether there may be either.
    """

    by_name: Mapping[str, MaskedField]
    others: frozenset[str]
    elements: tuple[tuple[str, MaskedField], ...]
    required: frozenset[str]
    hinted: re.Pattern[str]
    shortest: int
    halves: Mapping[str, tuple[tuple[str, MaskedField], ...]]
    hinted_halves: tuple[re.Pattern[str], re.Pattern[str]]
    _glued: re.Pattern[str]
    _mentioned: re.Pattern[str]
    _ends: re.Pattern[str]
    _in_text: re.Pattern[str]
    _else: re.Pattern[str] | None
    _longest: int

    @classmethod
    def of(cls, sets: Iterable[FieldSet]) -> FieldMask:
        """Compile sets of fields; where two name the same, what leaves it out wins."""
        by_name: dict[str, MaskedField] = {}
        elements: list[tuple[str, MaskedField]] = []
        names: set[str] = set()
        required: set[str] = set()
        others: dict[str, str] = {}
        for each in sorted(sets, key=lambda known: (known.shown_as != "", known.id)):
            for name in sorted(each.fields):
                masked = by_name.setdefault(
                    bare(name), MaskedField(f"{each.id}.{name}", each.shown_as)
                )
                names.add(name)
                if name in each.required:
                    required.add(masked.words)
            others |= {bare(name): name for name in each.other_fields}
            elements += [
                (selector, MaskedField(f"{each.id}.{selector}", each.shown_as))
                for selector in each.elements
            ]
            required |= {f"{each.id}.{name}" for name in each.required if name in each.elements}
        # Longest first, so that `Account number` is not taken for `Account`.
        known = sorted(by_name, key=len, reverse=True)
        long = [re.escape(name) for name in known if len(name) >= _GLUED]
        written = sorted((_as_written(name) for name in names), key=len, reverse=True)
        either, never = "|".join(written), "(?!)"
        halves = _halves(names, by_name)
        unlike = {written: name for written, name in others.items() if written not in by_name}
        names_else = "|".join(sorted(map(_as_written, unlike.values()), key=len, reverse=True))
        return cls(
            by_name=by_name,
            others=frozenset(unlike),
            elements=tuple(elements),
            required=frozenset(required),
            hinted=re.compile("|".join(map(re.escape, known)) or never),
            shortest=min(map(len, known), default=0),
            halves=halves,
            hinted_halves=(
                _lines_of(f"{end}" for end in halves),
                _lines_of(f"{begin}$" for begins in halves.values() for begin, _ in begins),
            ),
            _glued=re.compile("|".join(long) or never),
            _mentioned=re.compile(rf"(?<![^\W_])({either})(?:e?s)?(?![^\W_])", re.IGNORECASE),
            _ends=re.compile(rf"(?<![^\W_])({either})(?:e?s)?[\W_]*$", re.IGNORECASE),
            _in_text=re.compile(rf"(?<![^\W_])({either}){_BETWEEN}", re.IGNORECASE),
            _else=re.compile(names_else, re.IGNORECASE) if names_else else None,
            _longest=max(map(len, (*known, *unlike)), default=0),
        )

    @property
    def always_shown(self) -> bool:
        """Whether something stands in the place of every field."""
        return all(field.shown_as for field in self.by_name.values())

    def named(self, text: str) -> MaskedField | None:
        """Give the field that a text for people names, and nothing beside it."""
        if not text or len(text) > _NAME_CHARACTERS:
            return None
        written = bare(text)
        if written in self.others:
            return None
        return self.by_name.get(written) or self.by_name.get(
            bare(_COUNTED.sub("", _ADDED.sub("", text)))
        )

    def ended(self, text: str) -> MaskedField | None:
        """Give the field with whose name a short text for people ends: `Her sort code:`."""
        found = self.named(text)
        if found is not None or len(text) > _LABEL_CHARACTERS or bare(text) in self.others:
            return found
        plain = _ADDED.sub("", text)
        ending = next(self._standing(self._ends, plain), None)
        if ending is None or len(_WORDS.findall(plain[: ending.start()])) > _LED_BY:
            return None
        return self._of(ending)

    def mentioned(self, text: str, *, heads: bool = False) -> MaskedField | None:
        """Give the field that a label names, whatever else it says.

        Args:
            text: what it says.
            heads: whether it is there for nothing else, so that it may be long.
        """
        found = self.named(text)
        most = _NAME_CHARACTERS if heads or text.rstrip().endswith(":") else _LABEL_CHARACTERS
        if found is not None or len(text) > most or bare(text) in self.others:
            return found
        standing = next(self._standing(self._mentioned, text), None)
        return None if standing is None else self._of(standing)

    def identified(self, name: str) -> MaskedField | None:
        """Give the field that a program calls so."""
        whole = bare(name)
        if len(name) > _NAME_CHARACTERS:
            inside = self._glued.search(whole)
            return None if inside is None else self.by_name[inside[0]]
        if whole in self.others:
            return None
        found = self.by_name.get(whole)
        if found is not None or self.hinted.search(whole) is None:
            return found
        words = [word.casefold() for word in _PROGRAM_WORDS.findall(seen(name))]
        if self.others:
            words = self._without_others(words)
            whole = "".join(words)
        for _, _, joined in self._side_by_side(words):
            if joined in self.by_name:
                return self.by_name[joined]
        inside = self._glued.search(whole)
        return None if inside is None else self.by_name[inside[0]]

    def told_in(self, text: str) -> Told | None:
        """Give the first field whose value follows its name in a text, if any."""
        return next(self.all_told(text), None)

    def all_told(self, text: str) -> Iterator[Told]:
        """Give every field whose value follows its name in a text."""
        for found in self._standing(self._in_text, text):
            known, end = self._of(found), found.end()
            values: list[str] = []
            shown = known.shown_as
            is_shown = len(text) - end == len(shown) and text.endswith(shown)
            if _SAYS.search(text, end) is not None and not is_shown:
                values = values_in(text[end : end + _MOST_VALUE])
            yield Told(known, found.end(1), end, values)

    def names_in(self, text: str) -> Iterable[tuple[int, int, MaskedField]]:
        """Give where in a text for people names stand."""
        for found in self._standing(self._mentioned, text):
            yield found.start(1), found.end(), self._of(found)

    def _standing(self, pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
        """Give what a pattern finds outside the names of other fields."""
        spans = [] if self._else is None else [each.span() for each in self._else.finditer(text)]
        for found in pattern.finditer(text):
            begin, end = found.span(1)
            if not any(start <= begin and end <= stop for start, stop in spans):
                yield found

    def _without_others(self, words: list[str]) -> list[str]:
        for first, last, joined in self._side_by_side(words):
            if joined in self.others:
                return self._without_others([*words[:first], *words[last:]])
        return words

    def _side_by_side(self, words: list[str]) -> Iterator[tuple[int, int, str]]:
        """Give the words that stand side by side, from which to which, and joined."""
        for first in range(len(words)):
            joined = ""
            for last in range(first, len(words)):
                joined += words[last]
                if len(joined) > self._longest:
                    break
                yield first, last + 1, joined

    def _of(self, found: re.Match[str]) -> MaskedField:
        # Whether two letters are one without case, patterns and folding do not always agree.
        return self.by_name.get(bare(found[1])) or next(iter(self.by_name.values()))


def bare(name: str) -> str:
    """Give a name without case, blanks and signs."""
    written = folded(name)
    return written if written.isalnum() else "".join(filter(str.isalnum, written))


def _lines_of(patterns: Iterable[str]) -> re.Pattern[str]:
    known = "|".join(sorted(set(patterns)))
    return re.compile(f"^(?:{known})" if known else "(?!)", re.MULTILINE)


def _halves(
    names: set[str], by_name: Mapping[str, MaskedField]
) -> dict[str, tuple[tuple[str, MaskedField], ...]]:
    halves: dict[str, list[tuple[str, MaskedField]]] = {}
    for name in sorted(names):
        words = [word.casefold() for word in _PROGRAM_WORDS.findall(seen(name))]
        for at in range(1, len(words)):
            begin, end = "".join(words[:at]), "".join(words[at:])
            if end not in by_name:
                halves.setdefault(end, []).append((begin, by_name[bare(name)]))
    return {end: tuple(begins) for end, begins in halves.items()}


def _as_written(name: str) -> str:
    words = _WORDS.findall(seen(name))
    return r"[\W_]*".join(f"{BORDER}?".join(map(re.escape, word)) for word in words)


def values_in(rest: str) -> list[str]:
    """Give what follows the name of a field, and what of that may be its value."""
    words = [word.strip(_SIGNS) for word in rest.split()]
    first, number = _FIRST.match(rest), _LEADING.match(rest)
    values = [
        rest,
        rest.strip(_SIGNS + " \t\r\n"),
        *(word for word in words if _MARKED.fullmatch(word)),
        *([(first[1] or first[0]).strip(_SIGNS)] if first else []),
        *([number[1]] if number else []),
    ]
    return [value.replace(BORDER, "") for value in values]

"""What was masked in one answer, and where else in it the same values stand.

A value that tells by itself (four characters or more with a digit or an `@`, or twelve or more) is
looked for wherever it may stand inside something longer, and a number of six digits or more however
its digits are grouped: `12-34-56` is `123456` and `12 34 56`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from gateway.backoffice.treatment.letters import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gateway.backoffice.treatment.field_mask import MaskedField

_LEAST: Final = 4
_TELLING: Final = 12
_MOST: Final = 64
_FEW: Final = 16  # values that are looked for one by one
_GROUPED: Final = re.compile(r"(\d)[ ./\u2010-\u2015-]+(?=\d)")
_NUMBER: Final = re.compile(r"\d{6,}")
_TELLS: Final = re.compile(r"[\d@]")


class _Values:
    """Values to look for, in time by the length of a text however many they are."""

    __slots__ = ("_all", "_beginnings", "_lengths")

    def __init__(self, values: set[str]) -> None:
        self._all = values
        self._lengths: dict[str, set[int]] = {}  # by how they begin
        self._beginnings: list[re.Pattern[str]] = []
        if len(values) <= _FEW:
            return
        for value in values:
            begin = value[:_LEAST]
            if begin in self._lengths:
                self._lengths[begin].add(len(value))
            else:
                self._lengths[begin] = {len(value)}
        numbers = {begin for begin in self._lengths if begin[0].isdigit()}
        kinds = (numbers, self._lengths.keys() - numbers)
        self._beginnings = [_beginning(begins) for begins in kinds if begins]

    def places(self, text: str) -> Iterator[int]:
        """Give where in a text one begins, in no order."""
        known, lengths = self._all, self._lengths
        if not lengths:
            for value in known:
                place = text.find(value)
                while place >= 0:
                    yield place
                    place = text.find(value, place + 1)
        for beginning in self._beginnings:
            for found in beginning.finditer(text):
                place = found.start()
                for length in lengths.get(text[place : place + _LEAST], ()):
                    if text[place : place + length] in known:
                        yield place


_NONE: Final = _Values(set())


@dataclass(slots=True)
class Found:
    """What was masked in one answer.

    Attributes:
        fields: the words of each field.
    """

    fields: set[str] = field(default_factory=set)
    _taken: set[str] = field(default_factory=set)
    _looked_for: int = 0  # how many of what was taken
    _values: _Values = _NONE
    _numbers: _Values = _NONE

    def take(self, masked: MaskedField, values: Iterable[str]) -> None:
        """Note that a field was masked, and what it held."""
        self.fields.add(masked.words)
        self._taken.update(values)
        self._taken.discard(masked.shown_as)

    def holds(self, text: str) -> bool:
        """Tell whether something that was masked stands in a text."""
        return bool(self.those_holding([text]))

    def stays_in(self, text: str) -> bool:
        """Tell whether something that was masked stands in a text in the same form."""
        self._settle()
        return any(True for _ in self._values.places(_plain([text])))

    def those_holding(self, texts: Sequence[str]) -> set[int]:
        """Tell in which of several texts something stands that was masked, by their places."""
        self._settle()
        if not self._taken or not texts:
            return set()
        # Each once, if it is long enough.
        places: dict[str, int] = {}
        again: list[tuple[int, int]] = []
        for place, text in enumerate(texts):
            if len(text) >= _LEAST:
                first = places.setdefault(text, place)
                if first != place:
                    again.append((first, place))
        joined = _plain(places)
        lines = _lines_of(joined, self._values)
        if self._numbers is not _NONE:
            lines |= _lines_of(_GROUPED.sub(r"\1", joined), self._numbers)
        if not lines:
            return lines
        firsts = list(places.values())
        holding = {firsts[line] for line in lines}
        return holding | {place for first, place in again if first in holding}

    def _settle(self) -> None:
        if self._looked_for == len(self._taken):
            return
        self._looked_for = len(self._taken)
        plain = _plain(self._taken)
        # Of a long one its beginning is enough, and its end need not be compared each time.
        self._values = _Values({value[:_MOST] for value in plain.split("\n") if _tells(value)})
        joined = _GROUPED.sub(r"\1", plain).split("\n")
        numbers = {digits for digits in joined if _NUMBER.fullmatch(digits)}
        self._numbers = _Values(numbers) if numbers else _NONE


def _lines_of(joined: str, values: _Values) -> set[int]:
    places = list(values.places(joined))
    if not places:
        return set()
    starts = list(accumulate((len(line) + 1 for line in joined.split("\n")), initial=0))
    return {bisect_right(starts, place) - 1 for place in places}


def _beginning(begins: Iterable[str]) -> re.Pattern[str]:
    """Give what finds places at which a value may begin; it may find one inside another."""
    letters = (sorted(set(each)) for each in zip(*begins, strict=True))
    sets = ("".join(map(re.escape, each)) for each in letters)
    return re.compile("(?=" + "".join(f"[{each}]" for each in sets) + ")")


def _plain(texts: Iterable[str]) -> str:
    """Write texts as lines, without case; a blank of any kind is one space in each."""
    return folded("\n".join([" ".join(text.split()) for text in texts]))


def _tells(value: str) -> bool:
    return len(value) >= (_TELLING if _TELLS.search(value) is None else _LEAST)

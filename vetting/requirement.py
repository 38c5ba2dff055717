"""What a function asks: a requirement over levels of vetting.

    requirement := term ("or" term)*
    term        := factor ("and" factor)*
    factor      := level | "BASE" | "ANY" | "(" requirement ")"

`and` binds tighter than `or`. `BASE` asks for the base level of the order (an employer's DBS Basic
or anything above it); `ANY` asks for nothing and is met by everyone. Words are written exactly so.

A requirement is compiled when it is read: to the masks of its alternatives, of which one must be
held whole. Alternatives that another one makes superfluous are dropped, so asking is a few integer
operations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from typing_extensions import override

from vetting.errors import RequirementError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vetting.levels import LevelId, LevelOrder

# People write a handful of words. The bounds keep a hostile file from costing minutes or the stack.
MAX_TEXT_CHARACTERS = 500
MAX_DEPTH = 20  # parentheses within parentheses
MAX_ALTERNATIVES = 64  # after what is superfluous was dropped

_WORD = re.compile(r"[A-Za-z0-9_-]+")
_JOINERS = ("and", "or")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A requirement over levels, compiled.

    Attributes:
        text: as written, with single blanks and without needless parentheses; `parse` reads it back
            to an equal requirement.
        order: the levels it was read against.
    """

    text: str
    order: LevelOrder
    # One entry an alternative: every level that holding it brings along. No entry: never met.
    _masks: tuple[int, ...] = field(repr=False)

    @classmethod
    def parse(cls, text: str, order: LevelOrder) -> Requirement:
        """Read a requirement.

        Args:
            text: e.g. `RV or (N3 and SC)`.
            order: the levels it may name.

        Raises:
            RequirementError: it is empty, too long, not well formed or names an unknown level; the
                message and `position` (1-based) say where.
        """
        if len(text) > MAX_TEXT_CHARACTERS:
            raise _refused(
                text, MAX_TEXT_CHARACTERS, f"longer than {MAX_TEXT_CHARACTERS} characters"
            )
        parsed = _Parser(text, order).read()
        return cls(text=parsed.text, order=order, _masks=parsed.masks)

    def met_by(self, reach: int) -> bool:
        """Tell whether what a person reaches meets the requirement.

        Args:
            reach: the masks of `LevelOrder.reach` of all usable grants, joined; 0 for none.
        """
        for mask in self._masks:  # noqa: SIM110 - a generator would cost three times as much
            if reach & mask == mask:
                return True
        return False

    def missing(self, reach: int) -> tuple[tuple[LevelId, ...], ...]:
        """Tell what would meet the requirement.

        Args:
            reach: as for `met_by`.

        Returns:
            For each alternative the levels still lacking, the shortest first; empty when it is met.
        """
        if self.met_by(reach):
            return ()
        lacking = {self._named(mask & ~reach) for mask in self._masks}
        gained = {way: self._reached(way) for way in lacking}
        # With what is held already, one alternative may need no more than a part of another.
        needed = [
            way
            for way in lacking
            if not any(
                other != way and gained[other] & gained[way] == gained[other] for other in lacking
            )
        ]
        return tuple(sorted(needed, key=lambda levels: (len(levels), levels)))

    def at_least_as_strict_as(self, other: Requirement) -> bool:
        """Tell whether everyone who meets this requirement also meets the other (same order)."""
        same = self.order.means_the_same_as(other.order)
        return same and all(other.met_by(mask) for mask in self._masks)

    @property
    def always_met(self) -> bool:
        """Whether it asks for nothing, as `ANY` does."""
        return self.met_by(0)

    @override
    def __str__(self) -> str:
        """Write the canonical text."""
        return self.text

    def _reached(self, levels: tuple[LevelId, ...]) -> int:
        reach = 0
        for level in levels:
            reach |= self.order.reach(level)
        return reach

    def _named(self, mask: int) -> tuple[LevelId, ...]:
        """Name the levels of a mask, without those that another of them brings along."""
        order = self.order
        levels = [level for level in order.ids if order.bit(level) & mask]
        return tuple(
            level
            for level in levels
            if not any(other != level and order.dominates(other, level) for other in levels)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parsed:
    text: str
    masks: tuple[int, ...]
    joiner: str = ""  # the word that joins its parts at the top: "or", "and" or none

    def within(self, joiner: str) -> str:
        """Write it as a part of something joined by a word."""
        return f"({self.text})" if joiner == "and" and self.joiner == "or" else self.text


class _Parser:
    """Reads a requirement by recursive descent."""

    def __init__(self, text: str, order: LevelOrder) -> None:
        self._text = text
        self._order = order
        self._at = 0
        self._depth = 0

    def read(self) -> _Parsed:
        parsed = self._joined("or")
        if self._next():
            raise self._unexpected("`and`, `or` or the end")
        return parsed

    def _joined(self, joiner: str) -> _Parsed:
        parts = [self._part(joiner)]
        while self._next() == joiner:
            self._at += len(joiner)
            parts.append(self._part(joiner))
        if len(parts) == 1:
            return parts[0]
        masks = parts[0].masks
        for part in parts[1:]:
            if joiner == "or":
                masks = self._needed((*masks, *part.masks))
            else:
                masks = self._needed(one | other for one in masks for other in part.masks)
        text = f" {joiner} ".join(part.within(joiner) for part in parts)
        return _Parsed(text=text, masks=masks, joiner=joiner)

    def _part(self, joiner: str) -> _Parsed:
        return self._joined("and") if joiner == "or" else self._factor()

    def _factor(self) -> _Parsed:
        word = self._next()
        if word == "(":
            return self._parenthesis()
        if word == "ANY":
            masks: tuple[int, ...] = (0,)
        elif word == "BASE":
            masks = (self._order.reach(self._order.base),)
        elif self._order.knows(word):
            masks = (self._order.reach(word),)
        else:
            raise self._unexpected("a level")
        self._at += len(word)
        return _Parsed(text=word, masks=masks)

    def _parenthesis(self) -> _Parsed:
        opened = self._at
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _refused(self._text, opened, f"more than {MAX_DEPTH} parentheses deep")
        self._at += 1
        inner = self._joined("or")
        if self._next() != ")":
            if self._next():
                raise self._unexpected("`and`, `or` or `)`")
            raise _refused(self._text, opened, "the parenthesis is never closed")
        self._at += 1
        self._depth -= 1
        return inner

    def _next(self) -> str:
        """Tell the next word or sign without taking it; empty at the end."""
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1
        word = _WORD.match(self._text, self._at)
        return word.group() if word else self._text[self._at : self._at + 1]

    def _unexpected(self, expected: str) -> RequirementError:
        found = self._next()
        if not found:
            return _refused(self._text, self._at, f"{expected} is missing at the end")
        if expected != "a level" or found in (")", *_JOINERS):
            return _refused(self._text, self._at, f"{quoted(found)} where {expected} belongs")
        meant = [
            word for word in (*self._order.ids, "BASE", "ANY") if word.lower() == found.lower()
        ]
        hint = f", did you mean `{meant[0]}`" if meant else ""
        return _refused(self._text, self._at, f"{quoted(found)} is no level{hint}")

    def _needed(self, masks: Iterable[int]) -> tuple[int, ...]:
        """Drop the alternatives that a weaker one makes superfluous."""
        kept: list[int] = []
        for mask in sorted(set(masks), key=lambda mask: (mask.bit_count(), mask)):
            if not any(weaker & mask == weaker for weaker in kept):
                kept.append(mask)
            if len(kept) > MAX_ALTERNATIVES:
                raise _refused(self._text, self._at, f"more than {MAX_ALTERNATIVES} alternatives")
        return tuple(kept)


def _refused(text: str, offset: int, message: str) -> RequirementError:
    position = offset + 1
    return RequirementError(
        f"read requirement {quoted(text)}: {message} (character {position})", position=position
    )

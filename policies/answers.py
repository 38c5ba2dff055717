"""What attributes mean to a set of candidate rules: tables from what is held to packed answers.

A table is filled as values are met, within a bound, and remembers what an attribute means (these
posts meet these criteria), never what was decided. Answers of all attributes are joined by `|`.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from policies.decision import Effect
from policies.obligations import Obligations

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from policies.criteria import OneOf, Reaches, ShownWithin

REMEMBERED = 512
"""Different values of one attribute that are remembered for one set of candidates; one
organisation's staff of one function have tens."""


class Layout:
    """Packs answers into one number, so that those of all attributes are joined by `|`.

    From the lowest bit: the criteria met, those unknown, and the rules that these answers put out:
    a permit rule with a criterion that is not met, a deny rule with one neither met nor unknown.
    """

    __slots__ = ("_denies", "_permits", "width")

    def __init__(self, width: int) -> None:
        """Lay out criteria of so many bits."""
        self.width = width
        self._permits: dict[int, int] = {}
        self._denies: dict[int, int] = {}

    def name(self, rule: int, effect: Effect, criteria: Iterable[int]) -> None:
        """Say which criteria a rule has."""
        side = self._permits if effect is Effect.PERMIT else self._denies
        for bit in criteria:
            side[bit] = side.get(bit, 0) | rule

    def pack(self, asked: Iterable[int], met: int, unknown: int) -> int:
        """Pack the answers of the criteria that were asked."""
        out = 0
        for bit in asked:
            if not met & bit:
                out |= self._permits.get(bit, 0)
                if not unknown & bit:
                    out |= self._denies.get(bit, 0)
        return met | unknown << self.width | out << 2 * self.width


class WordAnswers(dict["Collection[str]", int]):
    """The answers by what is held of one attribute; one text is one word."""

    __slots__ = ("_asked", "_bits_of", "_layout", "_without")

    def __init__(self, layout: Layout, forms: Mapping[int, OneOf]) -> None:
        """Answer the criteria of these bits."""
        super().__init__()
        self._layout = layout
        self._asked = tuple(forms)
        self._bits_of: dict[str, int] = {}
        self._without = 0
        for bit, form in forms.items():
            self._without |= 0 if form.empty_is_known else bit
            for word in form.words:
                self._bits_of[word] = self._bits_of.get(word, 0) | bit

    def __missing__(self, held: Collection[str]) -> int:
        met = 0
        for word in (held,) if isinstance(held, str) else held or ():
            met |= self._bits_of.get(word, 0)
        answers = self._layout.pack(self._asked, met, 0 if held else self._without)
        if len(self) >= REMEMBERED:
            self.clear()
        self[held] = answers
        return answers


class ReachAnswers(dict[int, int]):
    """The answers by the levels reached."""

    __slots__ = ("_forms", "_layout")

    def __init__(self, layout: Layout, forms: Mapping[int, Reaches]) -> None:
        """Answer the criteria of these bits."""
        super().__init__()
        self._layout = layout
        self._forms = forms

    def __missing__(self, reach: int) -> int:
        met = 0
        for bit, form in self._forms.items():
            if form.requirement.met_by(reach):
                met |= bit
        answers = self._layout.pack(self._forms, met, 0)
        if len(self) >= REMEMBERED:
            self.clear()
        self[reach] = answers
        return answers


class AgeAnswers:
    """The answers by how long ago a second factor was shown; one for each limit, and few limits."""

    __slots__ = ("_answers", "_limits", "_unknown")

    def __init__(self, layout: Layout, forms: Mapping[int, ShownWithin]) -> None:
        """Answer the criteria of these bits."""
        self._limits = sorted({form.limit_us for form in forms.values()})
        self._unknown = layout.pack(forms, 0, sum(forms))
        self._answers = tuple(
            layout.pack(
                forms,
                sum(bit for bit, form in forms.items() if form.limit_us in self._limits[n:]),
                0,
            )
            for n in range(len(self._limits) + 1)
        )

    def __getitem__(self, age_us: int | None) -> int:
        """Give the packed answers; an age that is not known, or below nothing, is unknown."""
        if age_us is None or age_us < 0:
            return self._unknown
        return self._answers[bisect_right(self._limits, age_us)]


class RuleIds(dict[int, tuple[str, ...]]):
    """The ids of the rules of these bits."""

    __slots__ = ("_ids",)

    def __init__(self, ids: tuple[str, ...]) -> None:
        """Name these rules."""
        super().__init__()
        self._ids = ids

    def __missing__(self, rules: int) -> tuple[str, ...]:
        named = tuple(each for place, each in enumerate(self._ids) if rules >> place & 1)
        if len(self) >= REMEMBERED:
            self.clear()
        self[rules] = named
        return named


class OwedBy(dict[int, Obligations]):
    """What has to be seen to when the rules of these bits apply."""

    __slots__ = ("_each", "_own")

    def __init__(self, each: Mapping[int, Obligations], own: Obligations) -> None:
        """Join what rules bind their permits to with what the function asks for itself."""
        super().__init__()
        self._each = each
        self._own = own

    def __missing__(self, rules: int) -> Obligations:
        owed = self._own.joined(
            Obligations.of_all(each for rule, each in self._each.items() if rules & rule)
        )
        if len(self) >= REMEMBERED:
            self.clear()
        self[rules] = owed
        return owed

"""What attributes mean to a set of candidate rules: tables from what is held to packed answers.

A table is filled as values are met, within a bound, and remembers what an attribute means (these
posts meet these criteria), what it means that rules apply, and which floors a reach meets; never
what was decided. Answers of all attributes are joined by `|`.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from typing_extensions import override

from policies.decision import Effect, Ending, Gate
from policies.obligations import NO_OBLIGATIONS, Obligations
from policies.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from policies.criteria import OneOf, Reaches, ShownWithin

Held = TypeVar("Held")
Means = TypeVar("Means")

REMEMBERED = 512
"""Different values of one attribute that are remembered for one set of candidates; one
organisation's staff of one function have tens."""


class Layout:
    """Packs answers into one number, so that those of all attributes are joined by `|`.

    From the lowest bit: the rules that these answers put out (a permit rule with a criterion that
    is not met, a deny rule with one neither met nor unknown), the criteria met, and those unknown.
    """

    __slots__ = ("_denies", "_permits", "_rules", "_width")

    def __init__(self, rules: int, width: int) -> None:
        """Lay out so many rules, and criteria of so many bits."""
        self._rules = rules
        self._width = width
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
        return out | met << self._rules | unknown << self._rules + self._width

    def cuts(self) -> tuple[int, int, int, int]:
        """Give what cuts answers: all rules, where met begins, all criteria, where unknown does."""
        return _cuts(self._rules, self._width)


@lru_cache(maxsize=1024)
def _cuts(rules: int, width: int) -> tuple[int, int, int, int]:
    """Give one for all sets of candidates of a size, so that it stays near the processor."""
    return (1 << rules) - 1, rules, (1 << width) - 1, rules + width


class Remembered(dict[Held, Means]):
    """What values mean, worked out when first met and forgotten together when there are too many.

    A value that is known costs a look-up of a dictionary and no call of ours.
    """

    __slots__ = ()

    def means(self, held: Held) -> Means:
        """Work out what a value means; each table does so in its own way."""
        raise NotImplementedError

    def __missing__(self, held: Held) -> Means:
        meaning = self.means(held)
        if len(self) >= REMEMBERED:
            self.clear()
        self[held] = meaning
        return meaning


class WordAnswers(Remembered["Collection[str]", int]):
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

    @override
    def means(self, held: Collection[str]) -> int:
        """Answer by the words held."""
        met = 0
        for word in (held,) if isinstance(held, str) else held or ():
            met |= self._bits_of.get(word, 0)
        return self._layout.pack(self._asked, met, 0 if held else self._without)


class ReachAnswers(Remembered[int, int]):
    """The answers by the levels reached."""

    __slots__ = ("_forms", "_layout")

    def __init__(self, layout: Layout, forms: Mapping[int, Reaches]) -> None:
        """Answer the criteria of these bits."""
        super().__init__()
        self._layout = layout
        self._forms = forms

    @override
    def means(self, held: int) -> int:
        """Answer by the levels reached."""
        met = 0
        for bit, form in self._forms.items():
            if form.requirement.met_by(held):
                met |= bit
        return self._layout.pack(self._forms, met, 0)


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


class Meaning(NamedTuple):
    """What it means that certain rules apply, where no criterion is in error.

    Attributes:
        reason: How the rule gate ends.
        rules: The ids of the rules that this rests on.
        owed: Everything that has to be seen to.
        owes: The bits of these.
        steps_up: Whether one of the rules asks for a second factor.
        ending: How a decision ends that comes this far, with nothing left to be seen to.
        binds: The bits of what has to be seen to before that; none where it is a refusal.
    """

    reason: Reason
    rules: tuple[str, ...]
    owed: Obligations
    owes: int
    steps_up: bool
    ending: Ending
    binds: int


class Meanings(Remembered[int, Meaning]):
    """What it means that all rules apply but those of these bits: one permits, and none denies."""

    __slots__ = ("_denying", "_each", "_every", "_ids", "_own")

    def __init__(
        self, ids: tuple[str, ...], denying: int, each: Mapping[int, Obligations], own: Obligations
    ) -> None:
        """Tell what rules mean.

        Args:
            ids: Of the rules, in the order of their bits.
            denying: The bits of those that deny.
            each: What rules bind their permits to.
            own: What the function asks for, whatever rule permits.
        """
        super().__init__()
        self._every = (1 << len(ids)) - 1
        self._ids = ids
        self._denying = denying
        self._each = each
        self._own = own

    @override
    def means(self, held: int) -> Meaning:
        """Tell what it means that all rules apply but those of these bits."""
        held ^= self._every
        named = held & self._denying or held
        reason = Reason.RULE_PERMITS if held else Reason.NO_RULE_PERMITS
        if held & self._denying:
            reason = Reason.RULE_DENIES
        rules = tuple([each for place, each in enumerate(self._ids) if named >> place & 1])
        bound = [each for rule, each in self._each.items() if held & rule]
        owed = self._own.joined(Obligations.of_all(bound)) if bound else self._own
        permits = reason is Reason.RULE_PERMITS
        return Meaning(
            reason,
            rules,
            owed,
            owed.bits,
            any(each.step_up for each in bound),
            Ending(Effect.PERMIT, Gate.PERMITTED, reason, rules, owed)
            if permits
            else Ending(Effect.DENY, Gate.RULE, reason, rules, NO_OBLIGATIONS),
            owed.bits if permits else 0,
        )


class FloorAnswers(Remembered[int, Reason]):
    """How the clearance gate ends, by the levels reached."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Callable[[int], Reason]) -> None:
        """Answer as `ask` does."""
        super().__init__()
        self._ask = ask

    @override
    def means(self, held: int) -> Reason:
        """Ask how it ends."""
        return self._ask(held)

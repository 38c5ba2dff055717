"""Obligations: what has to be seen to besides being permitted, and what several of them come to.

A permit rule may bind its permit to obligations, and a function of the catalogue every permit (to
`step-up`). Those of the function and of every rule that permits count, and the stricter wins:

    step-up     a second factor, fresh within the function's minutes, if any asks for one
    purpose     a code that every list has; free text is offered if any offers it, and never asked
    read-only   what changes something is refused if any says so, whatever another rule permits
    mask        the fields of every named set
    watermark   if any asks for it
    rate        every limit holds: so many uses of the function by one person in so many minutes

Who sees to them: the engine to `step-up`, `purpose` and `read-only`, from the question. `mask`,
`watermark` and `rate` can only be done by whoever asks; a question lists what they undertake to do
(`Question.honours`), and an obligation that is not among these is not fulfilled: nothing opens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from policies.errors import PolicyError
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vetting.requirement import Requirement


class Obligation(StrEnum):
    """The kinds of obligation; a kind is never taken out, as entries keep its place."""

    STEP_UP = "step-up"
    PURPOSE = "purpose"
    READ_ONLY = "read-only"
    MASK = "mask"
    WATERMARK = "watermark"
    RATE = "rate"


BIT_OF: Final[Mapping[Obligation, int]] = MappingProxyType(
    {kind: 1 << place for place, kind in enumerate(Obligation)}
)
"""The bit of each kind, as `Results.fulfilled` has it."""

STEP_UP_BIT, PURPOSE_BIT, READ_ONLY_BIT, MASK_BIT, WATERMARK_BIT, RATE_BIT = BIT_OF.values()

LEFT_TO_ASKER: Final = frozenset({Obligation.MASK, Obligation.WATERMARK, Obligation.RATE})
"""What only whoever asks can do; the rest follows from the question."""

LEFT_TO_PERSON: Final = STEP_UP_BIT | PURPOSE_BIT
"""The bits of what the person can still see to: no refusal for good."""


@dataclass(frozen=True, slots=True, order=True)
class Rate:
    """So many uses of one function by one person in so many minutes.

    Attributes:
        most: How many uses.
        minutes: In how many minutes, counted back from each use.
    """

    most: int
    minutes: int

    def includes(self, other: Rate) -> bool:
        """Tell whether whoever keeps this rate keeps the other too."""
        return self.most <= other.most and self.minutes >= other.minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeAsked:
    """A purpose is to be given.

    Attributes:
        codes: The codes of which one is to be given; none left means that no purpose will do.
        text: Whether free text is offered besides.
    """

    codes: frozenset[str]
    text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """A purpose of the coded list: the code is for rules and the record, the title for people."""

    code: str
    title: str


SHOWN_AS: Final = "[not shown]"
"""What stands in the place of a masked field where the catalogue does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSet:
    """A named set of fields that can be masked.

    Attributes:
        id: As rules name it.
        title: For people.
        fields: The names of the fields as the back office's pages and answers have them: of a
            member of a JSON answer, of a control or an element, or what stands beside a value.
        elements: Selectors of elements of pages that hold them besides.
        other_fields: Names that are none of these fields, though the name of one stands in them.
        required: Fields and elements each of which has to be found in every answer: one in which
            it is not may hold it under another name, and is refused.
        shown_as: What is shown in their place; empty where they are left out altogether.
        needs: What vetting they are shown to all the same; None where to nobody.
    """

    id: str
    title: str
    fields: frozenset[str]
    elements: tuple[str, ...] = ()
    other_fields: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    shown_as: str = SHOWN_AS
    needs: Requirement | None = None


_NO_TITLES: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligations:
    """Everything that has to be seen to, of one rule or of all that permit together.

    Attributes:
        step_up: Whether a fresh second factor is asked for.
        purpose: The purpose that is asked for.
        read_only: Whether what changes something is refused.
        mask: Ids of the sets of fields that are to be masked.
        watermark: Whether pages are to be marked with who reads them.
        rates: The limits, none of which includes another.
        bits: The bits of the kinds there are.
        words: All of it in short words, as entries keep it: `step-up`, `purpose:audit|complaint`,
            `read-only`, `mask:bank-details`, `watermark`, `rate:20/60`. They hold nothing personal.
    """

    step_up: bool = False
    purpose: PurposeAsked | None = None
    read_only: bool = False
    mask: frozenset[str] = frozenset()
    watermark: bool = False
    rates: tuple[Rate, ...] = ()
    bits: int = field(init=False, repr=False, compare=False)
    words: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out bits and words once; both are asked for at every request."""
        object.__setattr__(self, "rates", _strictest(self.rates))
        words = self._words()
        object.__setattr__(self, "bits", sum(BIT_OF[kind] for kind in words))
        object.__setattr__(self, "words", tuple(text for each in words.values() for text in each))

    @classmethod
    def of_function(cls, names: Iterable[str]) -> Obligations:
        """Read what a function of the catalogue asks for by name.

        Raises:
            PolicyError: There is no such obligation, or it cannot be said by a name alone.
        """
        read = cls()
        plain = {
            Obligation.STEP_UP: cls(step_up=True),
            Obligation.READ_ONLY: cls(read_only=True),
            Obligation.WATERMARK: cls(watermark=True),
        }
        for name in names:
            if name not in plain:
                raise PolicyError(f"obligations: {quoted(name)} cannot be asked for by a function")
            read = read.joined(plain[Obligation(name)])
        return read

    @classmethod
    def of_all(cls, each: Iterable[Obligations]) -> Obligations:
        """Join those of several rules."""
        return reduce(cls.joined, each, NO_OBLIGATIONS)

    @property
    def kinds(self) -> frozenset[Obligation]:
        """The kinds there are."""
        return frozenset(kind for kind, bit in BIT_OF.items() if self.bits & bit)

    def joined(self, other: Obligations) -> Obligations:
        """Join with others; the stricter wins."""
        return Obligations(
            step_up=self.step_up or other.step_up,
            purpose=_joined_purpose(self.purpose, other.purpose),
            read_only=self.read_only or other.read_only,
            mask=self.mask | other.mask,
            watermark=self.watermark or other.watermark,
            rates=(*self.rates, *other.rates),
        )

    def only(self, bits: int) -> Obligations:
        """Keep those of these bits."""
        return Obligations(
            step_up=self.step_up and bool(bits & STEP_UP_BIT),
            purpose=self.purpose if bits & PURPOSE_BIT else None,
            read_only=self.read_only and bool(bits & READ_ONLY_BIT),
            mask=self.mask if bits & MASK_BIT else frozenset(),
            watermark=self.watermark and bool(bits & WATERMARK_BIT),
            rates=self.rates if bits & RATE_BIT else (),
        )

    def sentences(self, titles: Mapping[str, str] = _NO_TITLES) -> tuple[str, ...]:
        """Say each for officers, to follow "they must".

        Args:
            titles: what sets of fields are called, by id; where one has none, its id stands.
        """
        said = []
        if self.step_up:
            said.append("show a second factor")
        if self.purpose is not None:
            codes = " or ".join(sorted(self.purpose.codes)) or "none that all rules take"
            said.append(f"give a purpose ({codes})" + (", with text" if self.purpose.text else ""))
        if self.read_only:
            said.append("change nothing")
        if self.mask:
            masked = " and ".join(titles.get(name, name) for name in sorted(self.mask))
            said.append(f"see {masked} masked")
        if self.watermark:
            said.append("see pages marked with their name")
        said += [f"use it {each.most} times in {each.minutes} minutes" for each in self.rates]
        return tuple(said)

    def _words(self) -> dict[Obligation, tuple[str, ...]]:
        words: dict[Obligation, tuple[str, ...]] = {}
        if self.step_up:
            words[Obligation.STEP_UP] = ("step-up",)
        if self.purpose is not None:
            words[Obligation.PURPOSE] = ("purpose:" + "|".join(sorted(self.purpose.codes)),)
        if self.read_only:
            words[Obligation.READ_ONLY] = ("read-only",)
        if self.mask:
            words[Obligation.MASK] = tuple(f"mask:{name}" for name in sorted(self.mask))
        if self.watermark:
            words[Obligation.WATERMARK] = ("watermark",)
        if self.rates:
            words[Obligation.RATE] = tuple(
                f"rate:{each.most}/{each.minutes}" for each in self.rates
            )
        return words


def _joined_purpose(one: PurposeAsked | None, other: PurposeAsked | None) -> PurposeAsked | None:
    if one is None or other is None:
        return one or other
    return PurposeAsked(codes=one.codes & other.codes, text=one.text or other.text)


def _strictest(rates: Iterable[Rate]) -> tuple[Rate, ...]:
    """Leave out every rate that another includes."""
    different = set(rates)
    return tuple(
        sorted(
            rate
            for rate in different
            if not any(other.includes(rate) for other in different - {rate})
        )
    )


NO_OBLIGATIONS: Final = Obligations()

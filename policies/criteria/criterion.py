"""What a criterion is: one test in a rule, with a definition and a compiled form.

The definition (`Criterion.result`) is what counts. It is read by people, asked by the Casbin
oracle and by tests. The form (`Criterion.form`) tells the compiled engine how to reach the same
answer quickly; a test holds the two together for every criterion.

Rules that every criterion keeps:

1. Three answers: met, not met, unknown. Unknown is what an attribute gives that nobody supplied.
2. On a permit rule unknown counts as not met, on a deny rule as met: closed on both sides.
3. What is written must be known (organisation, level, factor ...): a misspelt word never loads.
4. Nothing is empty: a criterion without values is refused, not read as "always" or "never".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from typing_extensions import override

from policies.errors import PolicyError
from policies.findings import nearest_of
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from policies.agreements import Agreement
    from policies.question import Question
    from policies.reasons import Reason
    from vetting.levels import LevelOrder
    from vetting.requirement import Requirement


class Result(IntEnum):
    """The answer of one criterion."""

    NOT_MET = 0
    MET = 1
    UNKNOWN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing wrong with the written value of a criterion.

    Attributes:
        position: Which element of a list, from 0; `None` when it is the value as a whole.
        message: What is wrong.
        remedy: What to do about it.
    """

    position: int | None
    message: str
    remedy: str


class CriterionError(PolicyError):
    """A written criterion that is not understood; `flaws` holds everything wrong with it."""

    def __init__(self, *flaws: Flaw) -> None:
        super().__init__("; ".join(f"{flaw.message}, {flaw.remedy}" for flaw in flaws))
        self.flaws = flaws


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The words that criteria may use, from the other files of the policy set.

    `None` stands for a file that could not be read. Its words are then not checked, so that the
    faults of the rules can be told together with those of that file; nothing is ever decided with
    such terms.

    Attributes:
        organisations: Ids of the organisations.
        order: The levels of vetting.
        agreements: The agreements by id.
        purposes: Codes of the purposes that rules may ask for.
        field_sets: Ids of the sets of fields that rules may have masked.
    """

    organisations: frozenset[str] | None
    order: LevelOrder
    agreements: Mapping[str, Agreement] | None
    purposes: frozenset[str] | None = frozenset()
    field_sets: frozenset[str] | None = frozenset()


class Attribute(Enum):
    """What holds words, so that criteria on it can be looked up.

    `AGREEMENTS` are the ids of the agreements that cover the access at the instant.
    """

    POSTS = "posts"
    UNIT = "unit"
    APPOINTMENTS = "appointments"
    FACTORS = "factors"
    ZONE = "zone"
    TRAININGS = "trainings"
    AGREEMENTS = "agreements"


@dataclass(frozen=True, slots=True)
class OfOrganisation:
    """Form: the answer depends on the subject's organisation and its kind alone."""

    ask: Callable[[str, str], Result]


@dataclass(frozen=True, slots=True)
class OneOf:
    """Form: met when the attribute holds one of these words, unknown when it holds none at all.

    An attribute with `empty_is_known` is complete when it is empty: then nothing is held.
    """

    attribute: Attribute
    words: frozenset[str]
    empty_is_known: bool


@dataclass(frozen=True, slots=True)
class Reaches:
    """Form: met when the usable grants satisfy the requirement."""

    requirement: Requirement


@dataclass(frozen=True, slots=True)
class Between:
    """Form: met from the first instant on, and no longer at the second."""

    starts_at: datetime
    ends_at: datetime


class Spell(NamedTuple):
    """A span of time, from its first instant to the first after it, and the answer in it."""

    since: datetime
    until: datetime
    result: Result


@dataclass(frozen=True, slots=True)
class Recurs:
    """Form: time alone decides, again and again; `around` gives the span that holds an instant."""

    around: Callable[[datetime], Spell]


@dataclass(frozen=True, slots=True)
class ShownWithin:
    """Form: met when the second factor was shown less than so long ago, unknown when none was."""

    limit_us: int


@dataclass(frozen=True, slots=True)
class OfRecord:
    """Form: how the record stands to the subject (`record_standing`) alone decides."""

    ask: Callable[[Question], Result]


@dataclass(frozen=True, slots=True)
class Asks:
    """Form: the question has to be asked as a whole."""

    ask: Callable[[Question], Result]


Form = OfOrganisation | OneOf | Reaches | Between | Recurs | ShownWithin | OfRecord | Asks


def record_standing(question: Question) -> int:
    """Tell how the record that a question is about stands to its subject, as a small number.

    It says no more than: is an owner named, and is it the subject's organisation, if that is known;
    is a person named, and has that person the subject's number, if there is one; and does the
    subject lead a team, and is the person of it. Two questions with the same number are the same
    to every criterion of the form `OfRecord`.
    """
    subject = question.subject
    own, owner, person = subject.organisation, question.record_organisation, question.record_person
    standing = 0 if owner is None else 1 if owner == own else 2
    if not own:
        standing += 4
    team = subject.team
    if person is None:
        return standing + 8 if team else standing
    if team:
        standing += 8 if person in team else 16
    number = subject.employee_number
    if not number:
        return standing + 32
    return standing + 64 if person == number else standing + 96


class Criterion(ABC):
    """One test in a rule. Instances are frozen values; equal tests are equal."""

    __slots__ = ()
    name: ClassVar[str]
    reasons: ClassVar[tuple[Reason, Reason]]

    @classmethod
    @abstractmethod
    def from_value(cls, value: object, terms: Terms) -> Self:
        """Read the criterion as a rule file writes it.

        Raises:
            CriterionError: with everything wrong with the value.
        """

    @abstractmethod
    def to_value(self) -> object:
        """Write the canonical value; `from_value` reads it back to an equal criterion."""

    @abstractmethod
    def result(self, question: Question) -> Result:
        """Answer the criterion. This is its definition."""

    @abstractmethod
    def form(self) -> Form:
        """Tell the compiled engine how to reach the same answer."""

    @abstractmethod
    def sentence(self) -> str:
        """Say the criterion for officers, to follow "staff "."""

    @abstractmethod
    def shown(self, question: Question) -> str:
        """Say the value that was looked at, for officers; the same for all criteria of a name."""

    def reason(self, result: Result) -> Reason:
        """The half of the pair that belongs to a result; unknown speaks against."""
        return self.reasons[0] if result is Result.MET else self.reasons[1]


@dataclass(frozen=True, slots=True)
class WordsCriterion(Criterion, ABC):
    """A criterion that is met by any one of the words it lists."""

    words: frozenset[str]

    @classmethod
    @abstractmethod
    def known(cls, terms: Terms) -> frozenset[str] | None:
        """The words that may be listed; `None` where only the partner knows them."""

    @classmethod
    @override
    def from_value(cls, value: object, terms: Terms) -> Self:
        """Read a list of different words."""
        if not isinstance(value, list | tuple) or not value:
            raise CriterionError(
                Flaw(
                    position=None,
                    message="is not a list of words",
                    remedy=f'write {cls.name} = ["..."] with at least one word',
                )
            )
        known = cls.known(terms)
        flaws = []
        for position, word in enumerate(value):
            flaw = _flaw_of_word(word, known, value[:position])
            if flaw is not None:
                flaws.append(Flaw(position=position, message=flaw[0], remedy=flaw[1]))
        if flaws:
            raise CriterionError(*flaws)
        return cls(frozenset(value))

    @override
    def to_value(self) -> list[str]:
        """Write the words in order."""
        return sorted(self.words)

    def either(self) -> str:
        """Say the words as a choice."""
        return " or ".join(sorted(self.words))


@dataclass(frozen=True, slots=True)
class TrueCriterion(Criterion, ABC):
    """A criterion without values: it is there, written `= true`, or it is not.

    All there are ask how the record stands to the subject.
    """

    @classmethod
    @override
    def from_value(cls, value: object, terms: Terms) -> Self:
        """Read `true`; the opposite is said by leaving the criterion out."""
        if value is not True:
            raise CriterionError(
                Flaw(
                    position=None,
                    message=f"{quoted(value)} is not true",
                    remedy=f"write {cls.name} = true, or leave it out",
                )
            )
        return cls()

    @override
    def to_value(self) -> bool:
        """Write `true`."""
        return True

    @override
    def form(self) -> Form:
        """How the record stands to the subject decides."""
        return OfRecord(self.result)


def _flaw_of_word(
    word: object, known: frozenset[str] | None, before: list[object] | tuple[object, ...]
) -> tuple[str, str] | None:
    if not isinstance(word, str) or not word.strip() or not word.isprintable():
        return "is not a word", "write a text in quotation marks, on one line, not empty"
    if word != word.strip():
        return f"{quoted(word)} begins or ends with a blank", "remove the blank"
    if word in before:
        return f"{quoted(word)} is written twice", "remove one"
    if known is not None and word not in known:
        return f"{quoted(word)} is not known", nearest_of(word, sorted(known))
    return None

"""What is asked of a policy set: who asks for which function, when, about whose record.

A question holds everything a decision may depend on. It is a value: the gateway gathers it once
for a visit, the engine answers it, and asking it again gives the same answer.

Two rules are kept here.

1. Nothing is read from anywhere: the instant, the clearance and the appointments are handed in.
2. What is not known is said to be not known (`None`, an empty text), never guessed; the criteria
   turn it into `UNKNOWN`, which permits nothing and lets every deny rule bite.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Self

from policies.function import Function
from policies.obligations import Obligation
from vetting.clearance import Clearance


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """What somebody does where and as what: one object for all of whom it is equal.

    Equal to itself only, so that tables are asked by it at the price of a pointer.

    Attributes:
        posts, unit, appointments: As the subject has them.
    """

    posts: frozenset[str]
    unit: str
    appointments: frozenset[str]


_TRAITS_KEPT = 16_384
"""Which of them are one object is forgotten beyond so many; tables then meet them once more."""

_traits = lru_cache(maxsize=_TRAITS_KEPT)(Traits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A member of staff as the host knows them: whom their directory vouches for, and what for.

    Attributes:
        staff_id: Identity that is never reused, `<organisation>/<directory id>`.
        organisation: Id of the organisation that employs them; part of the policy set.
        organisation_kind: `police`, `fire`, `ambulance`, `council` or `supplier`.
        employee_number: Their number with that employer; empty when the directory gave none.
        name: For people to read; no rule depends on it.
        posts: What they do, in the words of their own directory; empty when it gave none.
        unit: Where they do it; empty when the directory gave none.
        team: Employee numbers of those who report to them, all of the same organisation.
        appointments: Roles in the gate, from the host's register and never from a directory.
        clearance: What the host's register says they hold; never from a directory.
        trainings: Courses they hold in date, from the host's register and never from a directory;
            empty when none is known.
        traits: Posts, unit and appointments as one.
    """

    staff_id: str
    organisation: str
    organisation_kind: str
    employee_number: str
    name: str
    posts: frozenset[str]
    unit: str
    team: frozenset[str]
    appointments: frozenset[str]
    clearance: Clearance
    trainings: frozenset[str] = frozenset()
    traits: Traits = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find the one object for the traits; those of nobody else where they are unreadable."""
        try:
            traits = _traits(self.posts, self.unit, self.appointments)
        except TypeError:
            traits = Traits(self.posts, self.unit, self.appointments)
        object.__setattr__(self, "traits", traits)


@dataclass(slots=True, kw_only=True)
class Question:
    """May this subject do this to that, at this instant? A value: once made it never changes.

    Not frozen: one is made for every request, and that would cost it three times as much.

    Attributes:
        subject: Who asks.
        function: What they ask for, as the catalogue matched it.
        action: `read` or `write`.
        at: The instant of the visit, with time zone.
        record_person: Employee number of the person the request names; `None` when it names
            nobody, which is the subject's own record or the subject's own list.
        record_organisation: Employer of that person, or owner of what the request names; `None`
            when it cannot be told.
        factors: How the subject proved who they are, such as `password`, `second-factor`; a second
            factor that is too old for the function is not among them (`Function.fresh_factors`).
        purpose: Code of the purpose given for this access, if one was asked for.
        honours: What whoever asks undertakes to do where it is an obligation (mask, watermark); of
            rates, that they are kept up to now, this use included. Left out: nothing.
        zone: Network zone that the request comes from; `None` when it cannot be told.
        second_factor_age_us: How long before the instant a second factor was last shown, in
            microseconds; `None` when none was.
    """

    subject: Subject
    function: Function
    action: str
    at: datetime
    record_person: str | None = None
    record_organisation: str | None = None
    factors: frozenset[str] = frozenset()
    purpose: str | None = None
    honours: frozenset[Obligation] = frozenset()
    zone: str | None = None
    second_factor_age_us: int | None = None

    def __post_init__(self) -> None:
        """Refuse an instant without a time zone: it would be read as two different moments."""
        if self.at.tzinfo is None:
            raise ValueError("question: the instant has no time zone")

    @property
    def names_another(self) -> bool:
        """Whether the request names a person who is not certainly the subject.

        Employee numbers are given out by each employer, so an equal number proves nothing until
        the employer is known to be the subject's own.
        """
        if self.record_person is None:
            return False
        subject = self.subject
        return (
            self.record_person != subject.employee_number
            or self.record_organisation != subject.organisation
        )

    def turned_to(self, function: Function, factors: frozenset[str]) -> Self:
        """Make this the question about another function, and give it back.

        For asking about many functions in a row, where making each anew costs as much as a fifth of
        the decision. Whoever does so has made the question and lets nobody keep it: a question that
        was handed out is a value, and never changes.
        """
        self.function, self.factors = function, factors
        return self

"""Criterion `zone`: the request comes from one of the network zones listed.

Which networks are a zone is in the gateway's settings (`[[zone]]`), as it depends on where the
gateway stands; what is in none of them is `internet`. So the words cannot be checked where the rule
is read: `gateway check` refuses a zone that the settings do not have, and while a rule names one,
the gateway takes every request's zone to be unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from policies.criteria.criterion import Attribute, Form, OneOf, Result, Terms, WordsCriterion
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.question import Question

INTERNET = "internet"
"""The zone of every address that is in no other."""


@dataclass(frozen=True, slots=True)
class FromZones(WordsCriterion):
    """Met by a request from a listed zone; unknown where the zone is not known."""

    name: ClassVar[str] = "zone"
    reasons: ClassVar[tuple[Reason, Reason]] = (Reason.ZONE_NAMED, Reason.ZONE_NOT_NAMED)

    @classmethod
    @override
    def known(cls, terms: Terms) -> None:
        """Only the settings know the zones."""
        return

    @override
    def result(self, question: Question) -> Result:
        """Compare with the words listed."""
        if not question.zone:
            return Result.UNKNOWN
        return Result.MET if question.zone in self.words else Result.NOT_MET

    @override
    def form(self) -> Form:
        """A look-up by word."""
        return OneOf(Attribute.ZONE, self.words, empty_is_known=False)

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        return f"connected from the zone {self.either()}"

    @override
    def shown(self, question: Question) -> str:
        """The zone of the request."""
        return question.zone or "not known"

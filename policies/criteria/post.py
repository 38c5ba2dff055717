"""Criterion `post`: the subject holds one of the posts listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from policies.criteria.criterion import Attribute, Form, OneOf, Result, Terms, WordsCriterion
from policies.reasons import Reason

if TYPE_CHECKING:
    from policies.question import Question


@dataclass(frozen=True, slots=True)
class InPosts(WordsCriterion):
    """Met by holders of a listed post, in the words of their own directory."""

    name: ClassVar[str] = "post"
    reasons: ClassVar[tuple[Reason, Reason]] = (Reason.POST_HELD, Reason.POST_NOT_HELD)

    @classmethod
    @override
    def known(cls, terms: Terms) -> None:
        """Only the partner's directory knows its posts."""

    @override
    def result(self, question: Question) -> Result:
        """Compare with the words listed."""
        if not question.subject.posts:
            return Result.UNKNOWN
        return Result.NOT_MET if self.words.isdisjoint(question.subject.posts) else Result.MET

    @override
    def form(self) -> Form:
        """A look-up by word."""
        return OneOf(Attribute.POSTS, self.words, empty_is_known=False)

    @override
    def sentence(self) -> str:
        """Say it for officers."""
        return f"in the post {self.either()}"

    @override
    def shown(self, question: Question) -> str:
        """The subject's posts."""
        return ", ".join(sorted(question.subject.posts))

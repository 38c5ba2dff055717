"""A finding on a policy set: something that is probably not meant, with its grade."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How much a finding matters, the most first."""

    SECURITY_WARNING = "security-warning"
    WARNING = "warning"
    SUGGESTION = "suggestion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is probably not meant.

    Attributes:
        code: stays the same from version to version.
        grade: how much it matters.
        where: the rule, function or agreement.
        why: what is odd about it.
        remedy: what to do.
    """

    code: str
    grade: Grade
    where: str
    why: str
    remedy: str

    def __str__(self) -> str:
        """Write it on one line."""
        return f"{self.code} {self.grade}: {self.where}: {self.why}; {self.remedy}"

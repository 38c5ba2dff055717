"""The body of a request, as far as matching knows it: its kind, and what a JSON one says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BodyKind(StrEnum):
    """Kinds of body that a function may take. What it does not declare is refused.

    FORM and JSON are read whole before the decision, the names of MULTIPART are read on its way,
    and OTHER is not read: a back office must not take a function or a person from it.
    """

    FORM = "form"
    JSON = "json"
    MULTIPART = "multipart"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonBody:
    """A JSON body with one reading.

    Attributes:
        members: the members of the outermost object, in the order sent: a text as it is, a whole
            number as its digits, None for whatever else. Empty where the body is no object.
        inner: names of members that stand further inside.
    """

    members: tuple[tuple[str, str | None], ...] = ()
    inner: frozenset[str] = frozenset()


NO_JSON = JsonBody()

"""Reading the filter of the record's page: what the address asks for, and what is wrong with it.

The whole state of the page is its address, so that a search can be kept, sent and repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from gateway.audit.entry import CROCKFORD, REFERENCE_LENGTH, Kind, Outcome
from gateway.audit.search import AuditFilter
from gateway.pages.local_time import typed_instant

if TYPE_CHECKING:
    from collections.abc import Mapping

AUDIT = "/-/audit"
PAGE_SIZE = 50
FIELDS = ("reference", "person", "organisation", "function", "kind", "outcome", "since", "until")

_LONGEST_VALUE = 200
# Larger than any log; SQLite's integers end at 2**63.
_LARGEST_POSITION = 2**62
# How a reference may be read out and typed: Crockford's base 32 takes these for each other.
_TYPED_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_CROCKFORD = frozenset(CROCKFORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSearch:
    """What the address of the page asks for.

    Attributes:
        values: what stands in the form, by field, as it was typed.
        errors: a sentence for each field that cannot be understood.
        before: show entries before this position in the log; None from the newest on.
        entry: show the one entry at this position; None for a list.
    """

    values: Mapping[str, str]
    errors: Mapping[str, str]
    before: int | None
    entry: int | None
    _filter: AuditFilter

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> AuditSearch:
        """Read the parameters of a request."""
        values = {field: query.get(field, "").strip()[:_LONGEST_VALUE] for field in FIELDS}
        errors: dict[str, str] = {}
        reference = values["reference"].upper().translate(_TYPED_AS)
        if reference and (len(reference) != REFERENCE_LENGTH or not set(reference) <= _CROCKFORD):
            errors["reference"] = "Enter the reference as ten letters and digits"
        outcome = next((known for known in Outcome if known.value == values["outcome"]), None)
        if values["outcome"] and outcome is None:
            errors["outcome"] = "Choose an outcome from the list"
        kind = next((known for known in Kind if known.value == values["kind"]), None)
        if values["kind"] and kind is None:
            errors["kind"] = "Choose a kind of act from the list"
        since = typed_instant(values["since"], last=False)
        if values["since"] and since is None:
            errors["since"] = "Enter a date, such as 2026-11-20, or a date and time"
        until = typed_instant(values["until"], last=True)
        if values["until"] and until is None:
            errors["until"] = "Enter a date, such as 2026-11-20, or a date and time"
        if since and until and since >= until:
            errors["until"] = "The end must be after the beginning"
        before = _position(query.get("before", ""))
        if before is None and query.get("before"):
            errors["before"] = "Begin again: the link to older acts is not one of this page"
        return cls(
            values=values,
            errors=errors,
            before=before,
            entry=_position(query.get("entry", "")),
            _filter=AuditFilter(
                reference=reference,
                person=values["person"],
                organisation=values["organisation"],
                function=values["function"],
                kind=kind,
                outcome=outcome,
                since=since,
                until=until,
                limit=PAGE_SIZE,
                before=before,
            ),
        )

    def to_filter(self) -> AuditFilter:
        """Give the filter for the search.

        Raises:
            ValueError: there are errors; searching anyway would answer another question.
        """
        if self.errors:
            message = "audit search: the form has errors"
            raise ValueError(message)
        if self.entry is not None:
            return AuditFilter(before=self.entry + 1, limit=1)
        return self._filter

    def filter_of_visit(self, reference: str) -> AuditFilter:
        """Give the filter for all entries of one visit."""
        return AuditFilter(reference=reference, limit=PAGE_SIZE)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is filtered at all."""
        return any(self.values.values())

    def url(self, **changes: str) -> str:
        """Give the address of the same search with some parameters set otherwise."""
        merged = {**self.values, **changes}
        given = {key: value for key, value in merged.items() if value}
        return f"{AUDIT}?{urlencode(given)}" if given else AUDIT


def _position(text: str) -> int | None:
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(_LARGEST_POSITION)):
        return None
    return min(int(text), _LARGEST_POSITION)

"""A grant of clearance: what one body granted to one person, until when, and whether it counts.

What counts, in this order; the first "no" decides:

1. The status, by the table `STANDING_OF`: `granted`, `under-review` and, for its functions only,
   `restricted` count; no other.
2. The employer: screening counts only when the person's own organisation granted it; any other
   level only while the person works for the organisation that sponsored it. A change of employer
   ends both.
3. The dates: from the day it was granted to the end of `expires_on`, and no longer than to the end
   of `review_due_on`. There is no grace. Days are days of Europe/London.

Nothing is kept about reasons or findings.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from vetting.days import LAST_YEAR, day_begins_at, day_ends_at
from vetting.errors import GrantError, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vetting.levels import LevelId


class GrantStatus(StrEnum):
    """How far a grant of clearance has come."""

    REQUESTED = "requested"
    IN_PROGRESS = "in-progress"
    GRANTED = "granted"
    RESTRICTED = "restricted"
    UNDER_REVIEW = "under-review"
    SUSPENDED = "suspended"
    REFUSED = "refused"
    DISCONTINUED = "discontinued"  # the application was stopped, such as during an investigation
    WITHDRAWN = "withdrawn"
    DOWNGRADED = "downgraded"  # this level is lost; what is kept is a grant of its own
    EXPIRED = "expired"
    TERMINATED = "terminated"
    TRANSFERRED = "transferred"


class Standing(StrEnum):
    """Whether a grant counts at an instant, and if not, why."""

    USABLE = "usable"
    RESTRICTED = "restricted"  # counts for its functions only
    REQUESTED = "requested"
    REFUSED = "refused"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    DOWNGRADED = "downgraded"
    TERMINATED = "terminated"
    TRANSFERRED = "transferred"
    OTHER_EMPLOYER = "other-employer"
    OTHER_CONTRACT = "other-contract"  # told by Clearance, like the three below
    NOT_ACCEPTED = "not-accepted"  # by a body whose vetting the host does not accept
    NO_SYSTEMS = "no-systems"  # a level that opens no system
    NOT_EMPLOYED = "not-employed"  # no employment is in force
    NOT_BEGUN = "not-begun"
    EXPIRED = "expired"
    REVIEW_OVERDUE = "review-overdue"
    UNKNOWN_LEVEL = "unknown-level"  # told by Clearance, which knows the order

    @property
    def counts(self) -> bool:
        """Whether the grant counts, if only for some functions."""
        return self in (Standing.USABLE, Standing.RESTRICTED)

    @property
    def ended(self) -> bool:
        """Whether the grant counted once and does so no longer."""
        return self in (
            Standing.SUSPENDED,
            Standing.WITHDRAWN,
            Standing.DOWNGRADED,
            Standing.TERMINATED,
            Standing.TRANSFERRED,
            Standing.OTHER_EMPLOYER,
            Standing.OTHER_CONTRACT,
            Standing.NOT_EMPLOYED,
            Standing.EXPIRED,
            Standing.REVIEW_OVERDUE,
        )


# What each status does to a grant. A status that is not in it counts for nothing.
STANDING_OF: Mapping[GrantStatus, Standing] = MappingProxyType(
    {
        GrantStatus.REQUESTED: Standing.REQUESTED,
        GrantStatus.IN_PROGRESS: Standing.REQUESTED,
        GrantStatus.GRANTED: Standing.USABLE,
        GrantStatus.RESTRICTED: Standing.RESTRICTED,
        GrantStatus.UNDER_REVIEW: Standing.USABLE,
        GrantStatus.SUSPENDED: Standing.SUSPENDED,
        GrantStatus.REFUSED: Standing.REFUSED,
        GrantStatus.DISCONTINUED: Standing.REFUSED,
        GrantStatus.WITHDRAWN: Standing.WITHDRAWN,
        GrantStatus.DOWNGRADED: Standing.DOWNGRADED,
        GrantStatus.EXPIRED: Standing.EXPIRED,
        GrantStatus.TERMINATED: Standing.TERMINATED,
        GrantStatus.TRANSFERRED: Standing.TRANSFERRED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearanceGrant:
    """One level of vetting, granted to one person.

    Attributes:
        id: its number in the register.
        level: the level granted.
        granting_body: who granted it: an organisation id, or the name of a vetting body.
        sponsor: the organisation id for whose work it was granted.
        granted_on: first valid day.
        expires_on: last valid day; None when it has no end of its own.
        review_due_on: last day on which it counts without its review; None when none is due.
        status: how far it has come.
        functions: the only functions it counts for; empty for all. A restricted one names some.
        reference: the vetting unit's own reference, sealed (`SEALED`); here nobody can read it.
        contract: the contract it was granted for; empty where it is bound to the sponsor alone.
    """

    id: str
    level: LevelId
    granting_body: str
    sponsor: str
    granted_on: date
    expires_on: date | None
    review_due_on: date | None
    status: GrantStatus
    functions: frozenset[str] = frozenset()
    reference: str = ""
    contract: str = ""

    def __post_init__(self) -> None:
        """Refuse a grant that contradicts itself.

        Raises:
            GrantError: a name is missing, a date is none or out of order, the status is none, or a
                restricted grant names no function.
        """
        for name in ("id", "level", "granting_body", "sponsor"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise GrantError(f"read grant {quoted(self.id)}: {name} is missing")
        if not isinstance(self.status, GrantStatus):
            raise GrantError(f"read grant {quoted(self.id)}: {quoted(self.status)} is no status")
        if not isinstance(self.functions, frozenset):
            raise GrantError(f"read grant {quoted(self.id)}: functions is no set")
        if self.status is GrantStatus.RESTRICTED and not self.functions:
            raise GrantError(f"read grant {quoted(self.id)}: restricted, but to no function")
        _check_day(self, "granted_on", self.granted_on)
        for name, day in (("expires_on", self.expires_on), ("review_due_on", self.review_due_on)):
            if day is None:
                continue
            _check_day(self, name, day)
            if day < self.granted_on:
                raise GrantError(f"read grant {quoted(self.id)}: {name} is before granted_on")

    @property
    def ends_on(self) -> date | None:
        """The last day on which it counts: of `expires_on` and `review_due_on` the earlier."""
        days = [day for day in (self.expires_on, self.review_due_on) if day is not None]
        return min(days, default=None)

    def begins_at(self) -> datetime:
        """Give the instant (UTC) from which it counts."""
        return day_begins_at(self.granted_on)

    def ends_at(self) -> datetime | None:
        """Give the instant (UTC) at which it expires: 24:00 in London on `expires_on`."""
        return None if self.expires_on is None else day_ends_at(self.expires_on)

    def counts_until(self) -> datetime | None:
        """Give the instant (UTC) at which it expires or its review is overdue."""
        return None if self.ends_on is None else day_ends_at(self.ends_on)

    def standing(self, *, at: datetime | None, organisation: str, screening: bool) -> Standing:
        """Tell whether it counts, and if not, why.

        Args:
            at: the instant, with a time zone; None leaves the dates aside.
            organisation: where the person works at that instant.
            screening: whether its level is an employer's screening (`Level.screening`).

        Raises:
            GrantError: the instant has no time zone.
        """
        by_status = self._standing_by_status()
        if not by_status.counts:
            return by_status
        employer = self.granting_body if screening else self.sponsor
        if employer != organisation:
            return Standing.OTHER_EMPLOYER
        return by_status if at is None else self._standing_by_dates(at, by_status)

    def usable(
        self, *, at: datetime, organisation: str, screening: bool, function: str | None = None
    ) -> bool:
        """Tell whether it counts.

        Args:
            at: the instant, with a time zone.
            organisation: where the person works at that instant.
            screening: whether its level is an employer's screening.
            function: the function asked for; None means that restricted grants do not count.

        Raises:
            GrantError: the instant has no time zone.
        """
        standing = self.standing(at=at, organisation=organisation, screening=screening)
        if standing is Standing.RESTRICTED:
            return function is not None and function in self.functions
        return standing is Standing.USABLE

    def _standing_by_status(self) -> Standing:
        standing = STANDING_OF.get(self.status, Standing.REFUSED)
        # A restriction outlives a review or a slip of the status: functions always bind.
        return Standing.RESTRICTED if standing.counts and self.functions else standing

    def _standing_by_dates(self, at: datetime, otherwise: Standing) -> Standing:
        if at.tzinfo is None:
            raise GrantError("assess clearance: the instant has no time zone")
        if at < self.begins_at():
            return Standing.NOT_BEGUN
        expires_at = self.ends_at()
        if expires_at is not None and at >= expires_at:
            return Standing.EXPIRED
        counts_until = self.counts_until()
        if counts_until is not None and at >= counts_until:
            return Standing.REVIEW_OVERDUE
        return otherwise


def _check_day(grant: ClearanceGrant, name: str, day: object) -> None:
    # A datetime is a date to Python, but compares with none and carries a zone of its own.
    if not isinstance(day, date) or isinstance(day, datetime):
        raise GrantError(f"read grant {quoted(grant.id)}: {name} is no date")
    if day.year > LAST_YEAR:
        raise GrantError(f"read grant {quoted(grant.id)}: {name} is too far away")

"""What one person is cleared to: the grants of clearance held, and what these reach at an instant.

A clearance is a value. The instants at which its reach changes by itself (a grant begins, expires,
its review falls due) are worked out once, on construction; asking is then a search among a handful
of instants, right for any `at`, earlier or later than the last one asked.

Rules, in this order:

1. A grant that does not count, whose level the order does not know or that opens no system, adds
   nothing and takes nothing away.
2. Vetting counts only when the host accepts the body that granted it, in general or, for one
   question, under an agreement (`accepting`). Screening is the employer's own and needs nobody.
3. Where memberships are known, grants count only while one is in force, and a grant bound to a
   contract only while one under that contract is.
4. A restricted grant counts only when its function is asked for.
5. No grants: nothing is reached; only the requirement `ANY` is met.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from vetting.days import day_in_words
from vetting.errors import GrantError
from vetting.grants import ClearanceGrant, GrantStatus, Standing
from vetting.reach_over_time import OverTime, Span, changes_of
from vetting.requirement import Requirement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vetting.levels import Level, LevelId, LevelOrder
    from vetting.membership import Membership

_UNDATED_WORDS: Mapping[Standing, str] = MappingProxyType(
    {
        Standing.REQUESTED: "applied for, not decided",
        Standing.REFUSED: "refused",
        Standing.SUSPENDED: "suspended",
        Standing.WITHDRAWN: "withdrawn",
        Standing.EXPIRED: "ended",
        Standing.DOWNGRADED: "downgraded",
        Standing.TERMINATED: "ended by the sponsor",
        Standing.TRANSFERRED: "transferred to another organisation",
        Standing.OTHER_EMPLOYER: "held with another employer",
        Standing.OTHER_CONTRACT: "held under another contract",
        Standing.NOT_ACCEPTED: "granted by a body whose vetting is not accepted here",
        Standing.NO_SYSTEMS: "opens no systems",
        Standing.NOT_EMPLOYED: "held for an employment that is not in force",
        Standing.UNKNOWN_LEVEL: "not a level that is known here",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLevel:
    """One grant of clearance as a page tells it.

    Attributes:
        grant_id: its number in the register.
        level: the level.
        title: the level in words, e.g. `NPPV2 full`.
        ends_on: the last day on which it counts; None without end.
        status: as the register has it.
        standing: whether it counts, and if not, why.
        words: the same for people, e.g. `until 3 May 2027` or `ended on 20 November 2026`.
    """

    grant_id: str
    level: LevelId
    title: str
    ends_on: date | None
    status: GrantStatus
    standing: Standing
    words: str

    @property
    def usable(self) -> bool:
        """Whether it counts, if only for some functions."""
        return self.standing.counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """What one person is cleared to.

    Attributes:
        grants: everything the register has for the person, usable or not.
        organisation: where the person works; grants bound to another employer do not count.
        order: the levels.
        accepted: the bodies whose vetting the host accepts in general, itself among them.
        memberships: of this person at this organisation; none where the directory suffices.
        changes: the instants at which the reach changes by itself, ascending.
        usual: the reach before the first of these, between and after the last: one entry more;
            None where it is not the same for all functions and agreements.
    """

    grants: tuple[ClearanceGrant, ...]
    organisation: str
    order: LevelOrder
    accepted: frozenset[str]
    memberships: tuple[Membership, ...] = ()
    # INVARIANT: none of these is changed after construction.
    changes: tuple[datetime, ...] = field(init=False, repr=False, compare=False)
    usual: tuple[int, ...] | None = field(init=False, repr=False, compare=False)
    _reach: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _reach_for: Mapping[str, tuple[int, ...]] = field(init=False, repr=False, compare=False)
    # The same of what only some agreement accepts, by body and level; most people have none.
    _elsewhere: Mapping[tuple[str, LevelId], OverTime] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Work out the instants at which the reach changes."""
        spans = self._spans()
        changes = changes_of(spans)
        here = OverTime.of([span for span in spans if span.granted is None], changes)
        elsewhere = {
            granted: OverTime.of([span for span in spans if span.granted == granted], changes)
            for granted in sorted({span.granted for span in spans if span.granted is not None})
        }
        object.__setattr__(self, "changes", changes)
        object.__setattr__(self, "usual", None if here.reach_for or elsewhere else here.reach)
        object.__setattr__(self, "_reach", here.reach)
        object.__setattr__(self, "_reach_for", here.reach_for)
        object.__setattr__(self, "_elsewhere", elsewhere)

    @classmethod
    def none(cls, organisation: str, order: LevelOrder) -> Clearance:
        """Make the clearance of someone who holds nothing."""
        return cls(grants=(), organisation=organisation, order=order, accepted=frozenset())

    def satisfies(
        self, requirement: Requirement | str, *, at: datetime, function: str | None = None
    ) -> bool:
        """Tell whether the person meets a requirement.

        Args:
            requirement: compiled, or as text (which is then read at each call).
            at: the instant, with a time zone.
            function: the function asked for; None means that restricted grants do not count.

        Raises:
            RequirementError: the text cannot be read.
            GrantError: the instant has no time zone, or the requirement is over another order.
        """
        if isinstance(requirement, str):
            requirement = Requirement.parse(requirement, self.order)
        elif not requirement.order.means_the_same_as(self.order):
            raise GrantError("assess clearance: the requirement is over another order of levels")
        return requirement.met_by(self.reach(at=at, function=function))

    def reach(
        self,
        *,
        at: datetime,
        function: str | None = None,
        accepting: Mapping[tuple[str, LevelId], int] | None = None,
    ) -> int:
        """Give the mask of every level that the person satisfies.

        Args:
            at: the instant, with a time zone.
            function: the function asked for; None means that restricted grants do not count.
            accepting: what the agreement of this question accepts besides, by body and level, as
                the mask of what it counts as.

        Raises:
            GrantError: the instant has no time zone.
        """
        if at.tzinfo is None:
            raise GrantError("assess clearance: the instant has no time zone")
        return self.reach_under(at, function or "", accepting)

    def reach_under(
        self, at: datetime, function: str, accepting: Mapping[tuple[str, LevelId], int] | None
    ) -> int:
        """Give the same as `reach`, for whoever asks at every request: at an instant of a zone."""
        window = bisect_right(self.changes, at)
        reach = self._reach_for.get(function, self._reach)[window]
        if accepting and self._elsewhere:
            for granted, other in self._elsewhere.items():
                if granted in accepting and other.reach_for.get(function, other.reach)[window]:
                    reach |= accepting[granted]
        return reach

    def reaches(self, *, at: datetime) -> tuple[object, ...]:
        """Give all that `reach` can answer at an instant, whatever the function and the agreement.

        People of whom it is equal are cleared alike at that instant.

        Raises:
            GrantError: the instant has no time zone.
        """
        if at.tzinfo is None:
            raise GrantError("assess clearance: the instant has no time zone")
        window = bisect_right(self.changes, at)
        reach = self._reach[window]
        if not self._reach_for and not self._elsewhere:
            return (reach,)
        here = tuple((name, over_time[window]) for name, over_time in self._reach_for.items())
        elsewhere = tuple(
            (
                granted,
                other.reach[window],
                tuple((name, over_time[window]) for name, over_time in other.reach_for.items()),
            )
            for granted, other in self._elsewhere.items()
        )
        return (reach, here, elsewhere)

    def stable_until(self, *, at: datetime) -> datetime | None:
        """Give the next instant (UTC) at which the reach can change by itself; None for never.

        Raises:
            GrantError: the instant has no time zone.
        """
        if at.tzinfo is None:
            raise GrantError("assess clearance: the instant has no time zone")
        window = bisect_right(self.changes, at)
        return self.changes[window] if window < len(self.changes) else None

    def standing(self, grant: ClearanceGrant, *, at: datetime) -> Standing:
        """Tell whether one of the grants counts, and if not, why."""
        if not self.order.knows(grant.level):
            return Standing.UNKNOWN_LEVEL
        level = self.order.level(grant.level)
        standing = grant.standing(at=at, organisation=self.organisation, screening=level.screening)
        if not standing.counts:
            return standing
        if not level.systems:
            return Standing.NO_SYSTEMS
        if not self._accepts(grant, level):
            return Standing.NOT_ACCEPTED
        return self._standing_by_membership(grant, at, standing)

    def held(self, *, at: datetime) -> tuple[ClearanceGrant, ...]:
        """List the grants that count, those restricted to some functions included."""
        return tuple(grant for grant in self.grants if self.standing(grant, at=at).counts)

    def ended(self, *, at: datetime) -> tuple[ClearanceGrant, ...]:
        """List what the person has lost: grants that counted once and left a gap.

        Returns:
            For each level no longer reached the grant that would have counted longest.
        """
        reached = self.reach(at=at)
        lost: dict[str, ClearanceGrant] = {}
        for grant in self.grants:
            if not self.standing(grant, at=at).ended or self.order.bit(grant.level) & reached:
                continue
            known = lost.get(grant.level)
            if known is None or _last_day(known) < _last_day(grant):
                lost[grant.level] = grant
        return tuple(lost.values())

    def describe(self, grant: ClearanceGrant, *, at: datetime) -> HeldLevel:
        """Tell one of the grants in words."""
        standing = self.standing(grant, at=at)
        known = standing is not Standing.UNKNOWN_LEVEL
        return HeldLevel(
            grant_id=grant.id,
            level=grant.level,
            title=self.order.level(grant.level).title if known else str(grant.level),
            ends_on=grant.ends_on,
            status=grant.status,
            standing=standing,
            words=_in_words(grant, standing),
        )

    def under_review(self, *, at: datetime) -> bool:
        """Tell whether a grant that counts is under review."""
        return any(
            grant.status is GrantStatus.UNDER_REVIEW and self.standing(grant, at=at).counts
            for grant in self.grants
        )

    def described(self, *, at: datetime) -> tuple[HeldLevel, ...]:
        """Tell every grant in words, those that count first."""
        told = [self.describe(grant, at=at) for grant in self.grants]
        return tuple(sorted(told, key=lambda level: not level.usable))

    def _accepts(self, grant: ClearanceGrant, level: Level) -> bool:
        return level.screening or grant.granting_body in self.accepted

    def _standing_by_membership(
        self, grant: ClearanceGrant, at: datetime, otherwise: Standing
    ) -> Standing:
        if self.memberships and not any(each.holds(at=at) for each in self.memberships):
            return Standing.NOT_EMPLOYED
        if grant.contract and not any(
            each.contract == grant.contract and each.holds(at=at) for each in self.memberships
        ):
            return Standing.OTHER_CONTRACT
        return otherwise

    def _spans(self) -> tuple[Span, ...]:
        spans: list[Span] = []
        for grant in self.grants:
            if not self.order.knows(grant.level):
                continue
            level = self.order.level(grant.level)
            standing = grant.standing(
                at=None, organisation=self.organisation, screening=level.screening
            )
            if not standing.counts or not level.systems:
                continue
            span = Span(
                begins_at=grant.begins_at(),
                ends_at=grant.counts_until(),
                reach=self.order.reach(grant.level),
                functions=grant.functions if standing is Standing.RESTRICTED else None,
                granted=None if self._accepts(grant, level) else (grant.granting_body, grant.level),
            )
            spans += self._within_memberships(grant, span)
        return tuple(spans)

    def _within_memberships(self, grant: ClearanceGrant, span: Span) -> list[Span]:
        if not self.memberships:
            # A contract that no membership can confirm confirms nothing.
            return [] if grant.contract else [span]
        found = (
            span.within(each.begins_at(), each.ends_at())
            for each in self.memberships
            if not grant.contract or each.contract == grant.contract
        )
        return [each for each in found if each is not None]


def _last_day(grant: ClearanceGrant) -> date:
    return grant.ends_on or date.max


def _in_words(grant: ClearanceGrant, standing: Standing) -> str:
    until = f"until {day_in_words(grant.ends_on)}" if grant.ends_on else "without an end date"
    match standing:
        case Standing.USABLE if grant.status is GrantStatus.UNDER_REVIEW:
            return f"{until}, under review"
        case Standing.USABLE:
            return until
        case Standing.RESTRICTED:
            return f"{until}, for named functions only"
        case Standing.NOT_BEGUN:
            return f"begins on {day_in_words(grant.granted_on)}"
        case Standing.EXPIRED if grant.expires_on:
            return f"ended on {day_in_words(grant.expires_on)}"
        case Standing.REVIEW_OVERDUE if grant.review_due_on:
            return f"review was due by {day_in_words(grant.review_due_on)}"
        case _:
            return _UNDATED_WORDS[standing]

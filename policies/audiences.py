"""Audiences: the kinds of people that a policy set tells apart, by organisation and clearance.

They are worked out from what the floors and rules ask for, so that none is missing and none is
there that makes no difference: a set that asks for `RV or N2F` has staff of a partner with nothing,
with their employer's screening, and with NPPV2 full. Nobody in the register is looked at.

Force vetting is held by staff of police organisations, NPPV by everybody else. Where a requirement
names the scheme that an organisation's staff do not hold, the least level of their own scheme that
satisfies it stands in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING

from policies.compiled_function import ANOTHERS_RECORD
from policies.criteria import Reaches
from policies.organisations import OrganisationKind
from vetting.clearance import Clearance
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.requirement import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from policies.engine import Engine
    from policies.organisations import PolicyOrganisation
    from policies.policy_set import PolicySet
    from vetting.levels import LevelId, LevelOrder

_FORCE, _NPPV, _NSV = "force", "nppv", "nsv"
_ALWAYS = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Staff of one organisation who hold the same.

    Attributes:
        organisation: theirs.
        levels: what they hold, without what another of these levels brings along; empty for
            nothing at all.
        clearance: the same as a clearance that never ends.
    """

    organisation: PolicyOrganisation
    levels: tuple[LevelId, ...]
    clearance: Clearance

    @classmethod
    def of(
        cls, organisation: PolicyOrganisation, levels: tuple[LevelId, ...], policy_set: PolicySet
    ) -> Audience:
        """Make the audience of those who hold these levels."""
        host = policy_set.host.id
        order = policy_set.levels
        grants = tuple(
            ClearanceGrant(
                id=f"audience-{level}",
                level=level,
                granting_body=organisation.id if order.level(level).screening else host,
                sponsor=organisation.id,
                granted_on=_ALWAYS,
                expires_on=None,
                review_due_on=None,
                status=GrantStatus.GRANTED,
            )
            for level in levels
        )
        clearance = Clearance(
            grants=grants,
            organisation=organisation.id,
            order=order,
            accepted=policy_set.accepted_bodies,
        )
        return cls(organisation=organisation, levels=levels, clearance=clearance)

    @property
    def title(self) -> str:
        """What they hold, in words."""
        order = self.clearance.order
        return " and ".join(order.level(each).title for each in self.levels) or "No vetting"


def asked_for(engine: Engine) -> tuple[tuple[LevelId, ...], ...]:
    """List what floors and rules ask for, as alternatives of levels to hold."""
    requirements: dict[str, Requirement] = {}
    for compiled in engine.functions.values():
        function = compiled.function
        for floor in (function.floor, *function.floor_by_owner.values()):
            requirements[floor.text] = floor
        for prepared in {id(each): each for each in chain(*compiled.rules.values())}.values():
            for form in prepared.forms:
                if isinstance(form, Reaches):
                    requirements[form.requirement.text] = form.requirement
    requirements[ANOTHERS_RECORD] = Requirement.parse(ANOTHERS_RECORD, engine.policy_set.levels)
    return tuple(dict.fromkeys(way for each in requirements.values() for way in each.missing(0)))


def audiences_of(
    organisation: PolicyOrganisation,
    policy_set: PolicySet,
    asked: Iterable[tuple[LevelId, ...]],
) -> tuple[Audience, ...]:
    """List the audiences of an organisation, those who hold least first.

    Args:
        organisation: one of the policy set.
        policy_set: whose levels and whose host.
        asked: what `asked_for` gives of it.
    """
    order = policy_set.levels
    spared = _NPPV if organisation.kind == OrganisationKind.POLICE else _FORCE
    held: dict[int, tuple[LevelId, ...]] = {0: ()}
    for way in asked:
        own = _in_own_schemes(way, spared, order)
        if own is None:
            continue
        reach = 0
        for level in own:
            reach |= order.reach(level)
        held.setdefault(reach, own)
    ascending = sorted(held, key=lambda reach: (reach.bit_count(), held[reach]))
    return tuple(Audience.of(organisation, held[reach], policy_set) for reach in ascending)


def _in_own_schemes(
    way: Iterable[LevelId], spared: str, order: LevelOrder
) -> tuple[LevelId, ...] | None:
    """Say what somebody holds who gets there without a scheme; None where nobody does."""
    own: list[LevelId] = []
    for level in way:
        if order.level(level).scheme != spared:
            own.append(level)
            continue
        other = _NPPV if spared == _FORCE else _FORCE
        above = [
            each.id
            for each in order.levels
            if each.scheme == other and order.dominates(each.id, level)
        ]
        if not above:
            return None
        own.append(min(above, key=lambda each: order.reach(each).bit_count()))
    return _without_spare(own, order)


def _without_spare(levels: Iterable[LevelId], order: LevelOrder) -> tuple[LevelId, ...]:
    """Leave out what another of the levels brings along."""
    # National vetting last, as people say it: Management Vetting and Security Check.
    each_once = sorted(dict.fromkeys(levels), key=lambda level: order.level(level).scheme == _NSV)
    return tuple(
        level
        for level in each_once
        if not any(other != level and order.dominates(other, level) for other in each_once)
    )

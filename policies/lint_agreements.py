"""Findings on agreements: what is due, and vetting that is accepted oddly (L108, L114, L115)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from policies.agreements import AgreementStatus
from policies.lint_finding import Finding, Grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.agreements import Agreement
    from policies.policy_set import PolicySet

SOON = timedelta(days=90)


def due_agreements(policy_set: PolicySet, at: datetime) -> Iterator[Finding]:
    """Find agreements whose review, end or data-sharing agreement is due."""
    for agreement in policy_set.agreements:
        if agreement.status is not AgreementStatus.IN_FORCE:
            continue
        for why in _due(policy_set, agreement, at):
            yield Finding(
                code="L108",
                grade=Grade.WARNING,
                where=f"agreement `{agreement.id}`",
                why=why,
                remedy="have it reviewed or renewed, or end it",
            )


def odd_acceptances(policy_set: PolicySet) -> Iterator[Finding]:
    """Find vetting that is taken for more than was granted, or counts already."""
    order = policy_set.levels
    for agreement in policy_set.agreements:
        where = f"agreement `{agreement.id}`"
        for each in agreement.accepts:
            if not order.dominates(each.level, each.counts_as):
                yield Finding(
                    code="L114",
                    grade=Grade.SECURITY_WARNING,
                    where=where,
                    why=f"it takes {each}, which {each.level} does not include",
                    remedy="take it for a level that it includes",
                )
            if each.body in policy_set.accepted_bodies:
                yield Finding(
                    code="L115",
                    grade=Grade.SUGGESTION,
                    where=where,
                    why=f"vetting of `{each.body}` counts for everything already",
                    remedy="take it out here, or out of `accepts_vetting_by`",
                )


def _due(policy_set: PolicySet, agreement: Agreement, at: datetime) -> Iterator[str]:
    succeeded = any(each.supersedes == agreement.id for each in policy_set.agreements)
    if agreement.review_overdue(at=at):
        yield f"its review was due on {agreement.review_due}"
    if agreement.ends_at is None or succeeded:
        return
    if agreement.ends_at <= at:
        yield "it has ended, but stands as in force"
    elif agreement.ends_at <= at + SOON:
        days = [day for day in (agreement.end, agreement.dsa_expires) if day is not None]
        yield f"its last day is {min(days).isoformat()}"

"""Those who could do more harm have shorter sessions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.identity.sessions.session import SessionLimits
from gateway.identity.sessions.session_limits import SessionRules, TighterLimits, limits_in_us
from tests.policies.people import AT, cheshire, subject
from vetting.requirement import Requirement

SHORT = SessionLimits(idle=timedelta(minutes=10), absolute=timedelta(hours=12))
LEVELS = cheshire().levels
RULES = SessionRules(
    tighter=(
        TighterLimits(limits=SHORT, appointed=True),
        TighterLimits(
            limits=SessionLimits(idle=timedelta(minutes=20), absolute=timedelta(hours=4)),
            holds=Requirement.parse("N3", LEVELS),
        ),
    )
)


def test_whom_nothing_concerns_has_the_limits_of_everybody() -> None:
    person = subject("RV")

    assert RULES.limits_of(person, at=AT) == RULES.everybody
    assert RULES.limits_of(None, at=AT) == RULES.everybody


def test_an_appointment_shortens_and_never_lengthens() -> None:
    person = subject(appointments=["auditor"])

    limits = RULES.limits_of(person, at=AT)
    assert (limits.idle, limits.absolute) == (timedelta(minutes=10), timedelta(hours=10))


def test_of_several_the_shortest_counts() -> None:
    person = subject("N3", appointments=["auditor"])

    limits = RULES.limits_of(person, at=AT)
    assert (limits.idle, limits.absolute) == (timedelta(minutes=10), timedelta(hours=4))


def test_limits_that_concern_nobody_are_refused() -> None:
    with pytest.raises(ValueError, match="whom"):
        TighterLimits(limits=SHORT)


def test_limits_in_microseconds_are_the_same_spans() -> None:
    assert limits_in_us(SHORT) == (600_000_000, 43_200_000_000)

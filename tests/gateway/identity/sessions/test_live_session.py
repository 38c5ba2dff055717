"""What is worked out of a session in memory."""

from __future__ import annotations

from datetime import timedelta

from tests.gateway.identity.parts import AT, Parts, later


def test_a_session_ends_unused_at_the_first_of_its_limits(parts: Parts) -> None:
    token, _ = parts.sign_in()
    live = parts.cache.load(token, at=AT)

    assert live is not None
    assert live.ends_unused_at(AT) == AT + parts.limits.idle
    assert live.ends_unused_at(later(hours=9, minutes=50)) == AT + timedelta(hours=10)


def test_the_record_is_told_how_somebody_signed_in_and_what_they_hold(parts: Parts) -> None:
    parts.appoint()
    token, session = parts.sign_in()
    live = parts.cache.load(token, at=AT)

    assert live is not None
    facts = live.facts(AT)
    assert (facts.factors, facts.roles, facts.address) == (
        "password",
        "auditor",
        "alice@cheshire-fire",
    )
    assert facts.session == session.hash.encode()

"""What is sensitive bears a shorter pause, and a sign-in of fewer hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.identity.sessions.presence import AGED, FOREVER_US, PAUSED, Presence, PresenceLimit
from gateway.identity.sessions.session import Session
from policies.function import Classification, Regime
from tests.policies.people import cheshire

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
BEGUN_US = 1_000 * HOUR_US
PRESENCE = Presence(
    [
        PresenceLimit(
            pause=timedelta(minutes=15), classification=Classification.OFFICIAL_SENSITIVE
        ),
        PresenceLimit(pause=timedelta(minutes=10), age=timedelta(hours=4), regime=Regime.LE),
    ]
)
SLIP = cheshire().catalogue.functions["pay.slip"]
SENSITIVE = replace(SLIP, id="a", classification=Classification.OFFICIAL_SENSITIVE)
BOTH = replace(SENSITIVE, id="b", regime=Regime.LE)


def session(*, rested_us: int = 0) -> Session:
    return Session(
        hash="0" * 64,
        staff_id="cheshire-fire/id-alice",
        organisation="cheshire-fire",
        directory="cheshire-fire",
        factors=frozenset({"password"}),
        started_at_us=BEGUN_US,
        last_seen_at_us=BEGUN_US,
        idle_us=HOUR_US,
        ends_at_us=BEGUN_US + 10 * HOUR_US,
        vouched_at_us=BEGUN_US,
        rested_us=rested_us,
    )


def test_the_strictest_pause_of_a_function_counts() -> None:
    def asked(minutes: int) -> list[str]:
        rested = session(rested_us=minutes * MINUTE_US)
        return [PRESENCE.asked_again(rested, each, BEGUN_US) for each in (SLIP, SENSITIVE, BOTH)]

    assert asked(10) == ["", "", ""]
    assert asked(11) == ["", "", PAUSED]
    assert asked(16) == ["", PAUSED, PAUSED]
    assert PRESENCE.shortest_us == 10 * MINUTE_US


def test_a_function_bears_a_sign_in_of_so_many_hours_however_busy_they_were() -> None:
    def asked(after_us: int) -> list[str]:
        at_us = BEGUN_US + after_us
        return [PRESENCE.asked_again(session(), each, at_us) for each in (SLIP, SENSITIVE, BOTH)]

    assert asked(4 * HOUR_US - 1) == ["", "", ""]
    assert asked(4 * HOUR_US) == ["", "", AGED]


def test_a_function_of_a_new_policy_set_is_looked_at_anew() -> None:
    rested = session(rested_us=11 * MINUTE_US)

    assert PRESENCE.asked_again(rested, SLIP, BEGUN_US) == ""
    assert PRESENCE.asked_again(rested, replace(SLIP, regime=Regime.LE), BEGUN_US) == PAUSED


def test_without_limits_neither_pause_nor_age_matters() -> None:
    rested = session(rested_us=9 * HOUR_US)

    assert Presence().shortest_us == FOREVER_US
    assert Presence().asked_again(rested, BOTH, BEGUN_US + 9 * HOUR_US) == ""


def test_it_tells_from_when_on_it_asks_somebody_who_stays_busy() -> None:
    """At that instant it does, and not before."""
    for function in (SLIP, SENSITIVE, BOTH):
        from_us = PRESENCE.asks_from_us(session(), function)
        assert PRESENCE.asked_again(session(), function, from_us) == AGED
        assert PRESENCE.asked_again(session(), function, from_us - 1) == ""
    assert PRESENCE.asks_from_us(session(), BOTH) == BEGUN_US + 4 * HOUR_US
    assert PRESENCE.asks_from_us(session(rested_us=11 * MINUTE_US), BOTH) == 0

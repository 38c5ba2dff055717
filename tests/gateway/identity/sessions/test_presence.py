"""What is sensitive bears a shorter pause."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.identity.sessions.presence import FOREVER_US, Presence, PresenceLimit
from policies.function import Classification, Regime
from tests.policies.people import cheshire

MINUTE_US = 60_000_000
PRESENCE = Presence(
    [
        PresenceLimit(
            pause=timedelta(minutes=15), classification=Classification.OFFICIAL_SENSITIVE
        ),
        PresenceLimit(pause=timedelta(minutes=10), regime=Regime.LE),
    ]
)
SLIP = cheshire().catalogue.functions["pay.slip"]


def test_the_strictest_limit_of_a_function_counts() -> None:
    sensitive = replace(SLIP, id="a", classification=Classification.OFFICIAL_SENSITIVE)
    both = replace(sensitive, id="b", regime=Regime.LE)

    assert PRESENCE.longest_pause_us(SLIP) == FOREVER_US
    assert PRESENCE.longest_pause_us(sensitive) == 15 * MINUTE_US
    assert PRESENCE.longest_pause_us(both) == 10 * MINUTE_US
    assert PRESENCE.shortest_us == 10 * MINUTE_US


def test_a_function_of_a_new_policy_set_is_looked_at_anew() -> None:
    assert PRESENCE.longest_pause_us(SLIP) == FOREVER_US
    assert PRESENCE.longest_pause_us(replace(SLIP, regime=Regime.LE)) == 10 * MINUTE_US


def test_without_limits_no_pause_matters() -> None:
    assert Presence().shortest_us == Presence().longest_pause_us(SLIP) == FOREVER_US

"""What the settings say of the way in."""

from __future__ import annotations

from gateway.front.entrance_parts import connection_limits, stranger_paces
from tests.gateway.front.conftest import SettingsMaker


def test_the_limits_of_a_connection_are_those_that_are_set(make_settings: SettingsMaker) -> None:
    section = make_settings(("[gateway]\n", "[gateway]\nheader_count = 40\n")).gateway
    limits = connection_limits(section, frozenset({b"internal:8080"}))

    assert (limits.head_fields, limits.idle_seconds) == (40, section.idle_seconds)
    assert limits.hosts == {b"localhost:8080", b"internal:8080"}


def test_strangers_have_the_pace_that_is_set_and_programs_their_own_limits(
    make_settings: SettingsMaker,
) -> None:
    section = make_settings(("[gateway]\n", "[gateway]\nsource_requests_per_second = 1\n")).gateway
    paces = stranger_paces(section)

    taken = [paces.take("192.0.2.7", "/-/sign-in", 1) for _ in range(11)]
    assert taken == [0] * 10 + [1]
    assert paces.take("192.0.2.7", "/-/access/v1/evaluation", 1) == 0

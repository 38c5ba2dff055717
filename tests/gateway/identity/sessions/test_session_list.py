"""The list shows who is signed in, and nothing that signs anybody in."""

from __future__ import annotations

from gateway.identity.sessions.session_ending import Whose
from gateway.identity.sessions.session_list import count_sessions, list_sessions
from gateway.store.engine import reading
from tests.gateway.identity.parts import FIRE, Parts, later


def test_living_sessions_are_listed_with_whose_they_are_the_newest_first(parts: Parts) -> None:
    parts.sign_in()  # idle by then
    token, _ = parts.sign_in(at=later(hours=1))
    parts.sign_in("pat", "7001", organisation="nwas", at=later(hours=1, minutes=1))
    _, ended = parts.sign_in("bob", "40012", at=later(hours=1))
    parts.sessions.end(ended.hash, at=later(hours=1))
    with reading(parts.store) as connection:
        found = list_sessions(connection, Whose(everyone=True), at=later(hours=1, minutes=2))
        ours = list_sessions(
            connection, Whose(everyone=True), at=later(hours=1), also_organisation=FIRE
        )
        count = count_sessions(connection, Whose(organisation=FIRE), at=later(hours=1))

    assert [each.person for each in found] == ["nwas/7001", "cheshire-fire/40011"]
    assert [each.person for each in ours] == ["cheshire-fire/40011"]
    assert (count, ours[0].name, ours[0].directory) == (1, "Alice", FIRE)
    assert token not in repr(found)
    assert len(ours[0].short) == 12

"""The bulletin names sessions by themselves, their people, organisations and directories."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.identity.sessions.changed_sessions import ChangedSessions
from gateway.identity.sessions.live_session import LiveSession
from tests.gateway.identity.parts import AT, new_parts


@pytest.fixture
def sessions(tmp_path: Path) -> dict[str, LiveSession]:
    """Give the live sessions of three people, two of them with one number."""
    people = {
        "alice": ("cheshire-fire", "40011"),
        "bob": ("cheshire-fire", "40012"),
        "medic": ("nwas", "40011"),
    }
    with new_parts(tmp_path) as parts:
        found = {}
        for name, (organisation, number) in people.items():
            token, _ = parts.sign_in(name, number, organisation=organisation)
            live = parts.cache.load(token, at=AT)
            assert live is not None
            found[name] = live
    return found


@pytest.mark.parametrize(
    ("subject", "meant"),
    [
        ("person:cheshire-fire/40011", {"alice"}),
        ("person:nwas/40011", {"medic"}),
        ("person:40011", set()),
        ("staff:cheshire-fire/id-bob", {"bob"}),
        ("organisation:cheshire-fire", {"alice", "bob"}),
        ("directory:nwas", {"medic"}),
        ("organisation:cheshire", set()),
        ("all-sessions", {"alice", "bob", "medic"}),
        ("everything", {"alice", "bob", "medic"}),
        ("policy", {"alice", "bob", "medic"}),
    ],
)
def test_who_is_meant(sessions: dict[str, LiveSession], subject: str, meant: set[str]) -> None:
    changed = ChangedSessions(frozenset({subject}))
    found = changed.among(sessions.values())

    assert changed
    assert {name for name, live in sessions.items() if live in found} == meant


def test_several_are_meant_at_once(sessions: dict[str, LiveSession]) -> None:
    changed = ChangedSessions(
        frozenset({"staff:cheshire-fire/id-bob", "directory:nwas", "session:x"})
    )
    found = changed.among(sessions.values())

    assert {name for name, live in sessions.items() if live in found} == {"bob", "medic"}
    assert changed.hashes == {"x"}


def test_what_is_about_something_else_means_nobody(sessions: dict[str, LiveSession]) -> None:
    changed = ChangedSessions(frozenset({"upstreams", "jar:x", "organisations:cheshire-fire"}))

    assert not changed
    assert changed.among(sessions.values()) == []

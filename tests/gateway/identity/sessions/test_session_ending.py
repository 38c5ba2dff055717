"""Exactly those sessions end that are meant, and the back office is owed a sign-out for each."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from gateway.identity.sessions.session_ending import Whose
from gateway.store.engine import reading, writing
from tests.gateway.identity.parts import AT, FIRE, Parts, later


@pytest.mark.parametrize(
    "unclear",
    [
        {},
        {"person": "a/1", "organisation": "a"},
        {"person": "a/1", "everyone": True},
        {"directory": ""},
        {"provider_session": ("fire", "")},
    ],
    ids=str,
)
def test_whose_sessions_are_meant_must_be_said_once(unclear: dict[str, Any]) -> None:
    """A forgotten argument must not sign out the whole service."""
    with pytest.raises(ValueError, match="whose"):
        Whose(**unclear)


def jar(parts: Parts, session_hash: str) -> None:
    with writing(parts.store) as connection:
        connection.execute(
            text("INSERT INTO upstream_cookie VALUES (:hash, 'ebs', '[1]')"),
            {"hash": session_hash},
        )


def owed(parts: Parts) -> list[tuple[str, str, str]]:
    with reading(parts.store) as connection:
        rows = connection.execute(
            text("SELECT session_hash, system, jar FROM upstream_sign_out ORDER BY number")
        )
        return [tuple(row) for row in rows]


@pytest.mark.parametrize("how", ["one", "everyone", "limit", "displaced"])
def test_however_a_session_ends_its_sign_out_is_owed_once(parts: Parts, how: str) -> None:
    _, session = parts.sign_in()
    jar(parts, session.hash)
    if how == "one":
        parts.sessions.end(session.hash, at=AT)
    elif how == "everyone":
        parts.sessions.end_all(Whose(everyone=True), at=AT, reason="o")
    elif how == "limit":
        parts.sessions.purge(at=later(hours=30))
    else:
        for minute in range(5):
            parts.sign_in(at=later(minutes=1 + minute))
    parts.sessions.end_all(Whose(everyone=True), at=AT, reason="again")
    parts.sessions.purge(at=later(hours=60))

    assert owed(parts) == [(session.hash, "ebs", "[1]")]


def test_a_session_without_cookies_owes_nothing(parts: Parts) -> None:
    _, session = parts.sign_in()
    _, other = parts.sign_in("bob", "40012")
    jar(parts, other.hash)
    parts.sessions.end(session.hash, at=AT)

    assert owed(parts) == []


def test_all_but_one_end_and_the_one_lives_on(parts: Parts) -> None:
    tokens = [parts.sign_in() for _ in range(3)]
    kept = tokens[1][1].hash
    whose = Whose(staff_id="cheshire-fire/id-alice")

    assert parts.sessions.end_all(whose, at=AT, reason="by-person", keep=kept) == 2
    found = [parts.sessions.find(token, at=AT) is not None for token, _ in tokens]
    assert found == [False, True, False]


def test_one_session_of_a_provider_ends_and_no_other(parts: Parts) -> None:
    token, session = parts.sign_in()
    other, _ = parts.sign_in()
    with writing(parts.store) as connection:
        connection.execute(
            text("UPDATE session SET provider_session = 'sid' WHERE hash = :hash"),
            {"hash": session.hash},
        )

    assert parts.sessions.end_all(Whose(provider_session=("x", "sid")), at=AT, reason="o") == 0
    assert parts.sessions.end_all(Whose(provider_session=(FIRE, "sid")), at=AT, reason="o") == 1
    assert parts.sessions.find(token, at=AT) is None
    assert parts.sessions.find(other, at=AT) is not None

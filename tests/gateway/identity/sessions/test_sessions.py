"""A session is what it was opened as, and over when it is over."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.identity.sessions.session import Session
from gateway.identity.sessions.session_cache import MISS
from gateway.identity.sessions.session_ending import Whose
from gateway.identity.sessions.sessions import KEEP_ENDED, SessionOver
from gateway.store.engine import reading, writing
from tests.gateway.identity.parts import AT, FIRE, PASSWORD, Parts, later, us


def test_a_session_is_found_by_its_token(parts: Parts) -> None:
    token, session = parts.sign_in()

    assert parts.sessions.find(token, at=later(minutes=1)) == session
    assert session.staff_id == "cheshire-fire/id-alice"
    assert session.factors == PASSWORD


def test_a_copy_of_the_database_lets_nobody_in(parts: Parts, tmp_path: Path) -> None:
    token, session = parts.sign_in()
    with reading(parts.store) as connection:
        connection.execute(text("SELECT 1"))
    content = b"".join(file.read_bytes() for file in tmp_path.glob("gateway.sqlite*"))

    assert token.encode() not in content
    assert session.hash.encode() in content
    assert session.hash == hashlib.sha256(token.encode()).hexdigest()


@pytest.mark.parametrize(
    "cookie",
    ["", "x", "a" * 42, "a" * 44, "a" * 42 + "B", "a" * 42 + "=", "a" * 41 + "\n" + "A", "a" * 5000,
     "a" * 42 + "é", "+" * 43, "a" * 42 + "A\n", " " + "a" * 41 + "A", "\0" * 43],
    ids=ascii,
)  # fmt: skip
def test_what_has_not_the_form_of_a_token_is_not_looked_up(parts: Parts, cookie: str) -> None:
    """A stranger must not cost us the database."""
    parts.store.dispose()
    with writing(parts.store) as connection:
        connection.execute(text("DROP TABLE upstream_cookie"))
        connection.execute(text("DROP TABLE session"))

    assert parts.sessions.find(cookie, at=AT) is None
    assert parts.cache.get(cookie, us(AT)) is None
    assert parts.cache.load(cookie, at=AT) is None


def test_an_unknown_token_is_nobody(parts: Parts) -> None:
    parts.sign_in()

    assert parts.sessions.find(parts.sessions.tokens.new(), at=AT) is None


def test_a_session_ends_when_it_was_idle_for_too_long(parts: Parts) -> None:
    token, _ = parts.sign_in()
    limit = AT + parts.limits.idle

    assert parts.sessions.find(token, at=limit - timedelta(microseconds=1)) is not None
    assert parts.sessions.find(token, at=limit) is None


def test_use_keeps_it_but_not_beyond_its_absolute_limit(parts: Parts) -> None:
    token, session = parts.sign_in()
    end = AT + parts.limits.absolute
    parts.sessions.touch({session.hash: us(end) - 1_000_000})

    assert parts.sessions.find(token, at=end - timedelta(microseconds=1)) is not None
    assert parts.sessions.find(token, at=end) is None


def test_an_older_time_of_use_changes_nothing(parts: Parts) -> None:
    """Workers write in any order."""
    token, session = parts.sign_in()
    parts.sessions.touch({session.hash: us(later(minutes=20))})
    parts.sessions.touch({session.hash: us(later(minutes=10))})

    assert parts.sessions.find(token, at=later(minutes=45)) is not None


def test_signing_in_again_ends_the_session_that_the_browser_showed(parts: Parts) -> None:
    first, _ = parts.sign_in()
    second, _ = parts.sign_in(replaces=first)

    assert first != second
    assert parts.sessions.find(first, at=AT) is None
    assert parts.sessions.find(second, at=AT) is not None


def test_another_browser_is_another_session(parts: Parts) -> None:
    first, _ = parts.sign_in()
    parts.sign_in()

    assert parts.sessions.find(first, at=AT) is not None


def test_an_ended_session_stays_ended(parts: Parts) -> None:
    token, session = parts.sign_in()

    assert parts.sessions.end(session.hash, at=AT)
    assert not parts.sessions.end(session.hash, at=AT)
    parts.sessions.touch({session.hash: us(later(minutes=1))})
    assert parts.sessions.find(token, at=AT) is None


def test_all_sessions_of_a_person_end_and_nobody_elses(parts: Parts) -> None:
    first, _ = parts.sign_in()
    second, _ = parts.sign_in()
    bob, _ = parts.sign_in("bob", "40012")

    assert parts.sessions.end_all(Whose(person="cheshire-fire/40011"), at=AT, reason="officer") == 2
    found = [parts.sessions.find(token, at=AT) is not None for token in (first, second, bob)]
    assert found == [False, False, True]


def test_all_sessions_of_an_organisation_end_and_no_others(parts: Parts) -> None:
    fire, _ = parts.sign_in()
    medic, _ = parts.sign_in("pat", "7001", organisation="nwas")

    assert parts.sessions.end_all(Whose(organisation=FIRE), at=AT, reason="officer") == 1
    assert parts.sessions.find(fire, at=AT) is None
    assert parts.sessions.find(medic, at=AT) is not None


def test_all_sessions_end_when_everyone_is_meant(parts: Parts) -> None:
    token, _ = parts.sign_in()

    assert parts.sessions.end_all(Whose(everyone=True), at=AT, reason="officer") == 1
    assert parts.sessions.find(token, at=AT) is None


def test_a_person_nobody_has_seen_has_no_sessions(parts: Parts) -> None:
    parts.sign_in()

    assert parts.sessions.end_all(Whose(person="cheshire-fire/99"), at=AT, reason="officer") == 0


def test_nobody_is_signed_in_without_a_factor(parts: Parts) -> None:
    parts.sign_in()
    with pytest.raises(ValueError, match="proved"), writing(parts.store) as connection:
        parts.sessions.open(
            connection,
            staff_id="cheshire-fire/id-alice",
            organisation=FIRE,
            directory=FIRE,
            factors=frozenset(),
            at=AT,
        )


def strengthen(parts: Parts, session_hash: str, at: datetime) -> tuple[str, Session]:
    with writing(parts.store) as connection:
        opened = parts.sessions.strengthen(
            connection, session_hash, factors=frozenset({"second-factor"}), at=at
        )
    parts.bulletin.ring()
    return opened


def test_a_strengthened_session_has_more_factors_and_another_token(parts: Parts) -> None:
    old, before = parts.sign_in()
    new, after = strengthen(parts, before.hash, later(minutes=1))

    assert new != old
    assert parts.sessions.find(old, at=later(minutes=1)) is None
    assert parts.sessions.find(new, at=later(minutes=1)) == after
    assert after.factors == {"password", "second-factor"}
    assert after.second_factor_at_us == us(later(minutes=1))
    assert after.ends_at_us == before.ends_at_us  # proving more does not make it last longer


def test_a_worker_that_held_the_old_token_lets_it_in_no_more(parts: Parts) -> None:
    old, before = parts.sign_in()
    assert parts.cache.load(old, at=AT) is not None
    strengthen(parts, before.hash, later(seconds=1))
    parts.reader.read()

    assert parts.cache.get(old, us(later(seconds=2))) is MISS
    assert parts.cache.load(old, at=later(seconds=2)) is None


def test_the_kept_cookies_follow_a_strengthened_session(parts: Parts) -> None:
    _, before = parts.sign_in()
    put_jar(parts, before.hash)
    _, after = strengthen(parts, before.hash, AT)

    assert jars(parts) == [after.hash]


@pytest.mark.parametrize("how", ["ended", "idle"])
def test_a_session_that_is_over_is_not_strengthened(parts: Parts, how: str) -> None:
    _, session = parts.sign_in()
    if how == "ended":
        parts.sessions.end(session.hash, at=AT)

    with pytest.raises(SessionOver):
        strengthen(parts, session.hash, later(hours=1) if how == "idle" else AT)


def test_nobody_is_signed_in_without_a_directory(parts: Parts) -> None:
    parts.sign_in()
    with pytest.raises(ValueError, match="vouched"), writing(parts.store) as connection:
        parts.sessions.open(
            connection,
            staff_id="cheshire-fire/id-alice",
            organisation=FIRE,
            directory="",
            factors=PASSWORD,
            at=AT,
        )


def put_jar(parts: Parts, session_hash: str) -> None:
    with writing(parts.store) as connection:
        connection.execute(
            text("INSERT INTO upstream_cookie VALUES (:hash, 'ebs', '[]')"), {"hash": session_hash}
        )


def jars(parts: Parts) -> list[str]:
    with reading(parts.store) as connection:
        return list(connection.execute(text("SELECT session_hash FROM upstream_cookie")).scalars())


def test_the_purge_removes_what_is_over_and_keeps_what_lives(parts: Parts) -> None:
    alive, kept = parts.sign_in(at=later(hours=30))
    _, ended = parts.sign_in(at=later(hours=30))
    parts.sign_in()  # idle since yesterday
    parts.sessions.end(ended.hash, at=later(hours=30))
    now = later(hours=30, minutes=1)

    assert parts.sessions.purge(at=now) == 1
    assert parts.sessions.find(alive, at=now) == kept
    assert parts.sessions.purge(at=now + KEEP_ENDED) == 2


def test_the_purge_takes_the_kept_cookies_of_a_session_along(parts: Parts) -> None:
    _, session = parts.sign_in()
    with writing(parts.store) as connection:
        connection.execute(
            text("INSERT INTO upstream_cookie VALUES (:hash, 'ebs', '[]')"),
            {"hash": session.hash},
        )

    assert parts.sessions.purge(at=later(hours=30)) == 1
    with reading(parts.store) as connection:
        left = connection.execute(text("SELECT count(*) FROM upstream_cookie")).scalar()
    assert left == 0


def test_one_session_more_than_one_may_have_ends_the_oldest(parts: Parts) -> None:
    tokens = [parts.sign_in(at=later(minutes=minute))[0] for minute in range(5)]
    newest, session = parts.sign_in(at=later(minutes=6))
    _, other = parts.sign_in("bob", "40012", at=later(minutes=6))

    living = [parts.sessions.find(each, at=later(minutes=6)) is not None for each in tokens]
    assert living == [False, True, True, True, True]
    assert parts.sessions.find(newest, at=later(minutes=6)) is not None
    assert (session.displaced, other.displaced) == (1, 0)
    assert why(parts, tokens[0]) == "too-many-sessions"


def test_sessions_that_are_over_do_not_count_against_a_person(parts: Parts) -> None:
    for _ in range(5):
        parts.sign_in()  # idle for an hour by then
    _, session = parts.sign_in(at=later(hours=1))

    assert session.displaced == 0


def test_a_pause_is_kept_and_only_grows_until_the_next_proof(parts: Parts) -> None:
    token, session = parts.sign_in()
    parts.sessions.note_pause(session.hash, 20_000_000, at=later(minutes=1))
    parts.sessions.note_pause(session.hash, 10_000_000, at=later(minutes=2))
    found = parts.sessions.find(token, at=later(minutes=2))
    _, after = strengthen(parts, session.hash, later(minutes=3))

    assert found is not None
    assert found.rested_us == 20_000_000
    assert after.rested_us == 0


def why(parts: Parts, token: str) -> str:
    with reading(parts.store) as connection:
        return parts.sessions.why_over(connection, token)

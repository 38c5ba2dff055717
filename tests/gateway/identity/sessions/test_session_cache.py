"""What a worker holds in memory is never more than the database would say."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Connection, event, text

from gateway.bulletin import organisation_subject, person_subject, staff_subject
from gateway.identity.sessions import session_cache
from gateway.identity.sessions.ended_tokens import KEPT_SECONDS
from gateway.identity.sessions.live_session import DirectoryAway, KnownSubject, LiveSession
from gateway.identity.sessions.presence import Presence, PresenceLimit
from gateway.identity.sessions.session import Session, SessionLimits
from gateway.identity.sessions.session_cache import (
    MISS,
    SUBJECT_SECONDS,
    SessionCache,
)
from gateway.identity.sessions.session_ending import Whose
from gateway.identity.sessions.session_limits import SessionRules, TighterLimits, Vouching
from gateway.identity.sessions.sessions import Sessions
from gateway.identity.sessions.tokens import SessionTokens
from gateway.identity.staff import Staff
from gateway.store.engine import StoreUnavailable, reading, writing
from tests.gateway.identity.parts import AT, FIRE, Parts, later, us
from tests.policies.people import grant
from vetting.grants import GrantStatus
from vetting.membership import Membership
from vetting.person import PersonKey
from vetting.register_membership import begin


def held(parts: Parts, token: str, at: datetime = AT) -> LiveSession | None:
    """Look a token up as the front does."""
    live = parts.cache.get(token, us(at))
    return parts.cache.load(token, at=at) if live is MISS else live


def noted(parts: Parts, session: Session) -> int:
    with reading(parts.store) as connection:
        row = connection.execute(
            text("SELECT last_seen_at_us FROM session WHERE hash = :hash"), {"hash": session.hash}
        )
        return int(row.scalar_one())


def test_the_first_request_asks_the_database_and_the_second_does_not(parts: Parts) -> None:
    token, session = parts.sign_in()
    first = parts.cache.get(token, us(AT))
    live = parts.cache.load(token, at=AT)

    assert first is MISS
    assert live is not None
    assert live.session == session
    assert live.subject.name == "Alice"
    assert parts.cache.get(token, us(AT)) is live


@pytest.mark.parametrize(
    "end",
    [
        lambda parts, session: parts.sessions.end(session.hash, at=AT),
        lambda parts, _: parts.sessions.end_all(
            Whose(person="cheshire-fire/40011"), at=AT, reason="o"
        ),
        lambda parts, _: parts.sessions.end_all(Whose(organisation=FIRE), at=AT, reason="o"),
        lambda parts, _: parts.sessions.end_all(Whose(directory=FIRE), at=AT, reason="o"),
        lambda parts, _: parts.sessions.end_all(
            Whose(staff_id="cheshire-fire/id-alice"), at=AT, reason="o"
        ),
        lambda parts, _: parts.sessions.end_all(Whose(everyone=True), at=AT, reason="o"),
    ],
    ids=["session", "person", "organisation", "directory", "staff", "everyone"],
)
def test_an_end_holds_at_the_next_request_in_every_worker(
    parts: Parts, end: Callable[[Parts, Session], object]
) -> None:
    token, session = parts.sign_in()
    other_cache, other_reader = parts.worker()
    for cache in (parts.cache, other_cache):
        assert cache.load(token, at=AT) is not None
    end(parts, session)

    for cache, reader in ((parts.cache, parts.reader), (other_cache, other_reader)):
        assert not reader.is_current(0)
        assert reader.catch_up()
        assert cache.get(token, us(AT)) is MISS
        assert cache.load(token, at=AT) is None


def test_a_session_replaced_at_sign_in_is_gone_in_every_worker(parts: Parts) -> None:
    token, _ = parts.sign_in()
    parts.cache.load(token, at=AT)
    parts.sign_in(replaces=token)
    parts.reader.catch_up()

    assert held(parts, token) is None


def test_nobody_elses_session_is_dropped(parts: Parts) -> None:
    token, session = parts.sign_in()
    bob, _ = parts.sign_in("bob", "40012")
    medic, _ = parts.sign_in("alice", "40011", organisation="nwas")
    for each in (token, bob, medic):
        parts.cache.load(each, at=AT)
    parts.cache.apply(frozenset({f"session:{session.hash}", person_subject("cheshire-fire/1")}))
    parts.cache.apply(frozenset({staff_subject("cheshire-fire/x"), organisation_subject("c")}))
    parts.cache.apply(frozenset({"unknown", "unknown:cheshire-fire"}))

    assert [parts.cache.get(each, us(AT)) is MISS for each in (token, bob, medic)] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "subject",
    ["person:cheshire-fire/40011", "staff:cheshire-fire/id-alice", "organisation:cheshire-fire",
     "all-sessions", "everything", "policy"],
)  # fmt: skip
def test_a_change_about_somebody_is_read_anew(parts: Parts, subject: str) -> None:
    """A grant of clearance or an appointment counts at the next request."""
    token, _ = parts.sign_in()
    before = held(parts, token)
    parts.appoint()
    parts.cache.apply(frozenset({subject}))
    after = held(parts, token)

    assert before is not None
    assert after is not None
    assert (before.subject.appointments, after.subject.appointments) == (
        frozenset(),
        frozenset({"auditor"}),
    )


def test_an_appointment_ends_with_its_day_without_any_announcement(parts: Parts) -> None:
    parts.appoint(ends_on=date(2026, 11, 21))
    night = datetime.fromisoformat("2026-11-21T23:59:50+00:00")
    token, _ = parts.sign_in(at=night)
    before = held(parts, token, night)
    after = held(parts, token, night + timedelta(seconds=10))

    assert before is not None
    assert before.subject.appointments == {"auditor"}
    assert after is not None
    assert after.subject.appointments == frozenset()


def test_what_is_held_is_read_anew_after_a_while_in_any_case(parts: Parts) -> None:
    token, _ = parts.sign_in()
    held(parts, token)
    just = parts.cache.get(token, us(AT) + SUBJECT_SECONDS * 1_000_000 - 1)

    assert just is not MISS
    assert parts.cache.get(token, us(AT) + SUBJECT_SECONDS * 1_000_000) is MISS


def test_use_in_memory_keeps_a_session_and_idleness_ends_it(parts: Parts) -> None:
    token, _ = parts.sign_in()
    for minutes in range(0, 100, 20):
        assert held(parts, token, later(minutes=minutes)) is not None

    assert held(parts, token, later(minutes=109)) is not None
    assert held(parts, token, later(minutes=140)) is None


def test_use_in_another_worker_keeps_it_too(parts: Parts) -> None:
    token, _ = parts.sign_in()
    other, _ = parts.worker()
    held(parts, token)
    other.load(token, at=later(minutes=20))
    other.flush(at=later(minutes=21))

    assert held(parts, token, later(minutes=45)) is not None


def test_the_absolute_limit_holds_in_memory(parts: Parts) -> None:
    token, _ = parts.sign_in()
    end = AT + parts.limits.absolute
    at = AT
    while at < end - timedelta(minutes=1):
        assert held(parts, token, at) is not None
        at += timedelta(minutes=15)
    held(parts, token, end - timedelta(seconds=1))

    assert parts.cache.get(token, us(end)) is MISS
    assert held(parts, token, end) is None


def test_use_is_written_at_most_once_a_minute(parts: Parts) -> None:
    token, session = parts.sign_in()
    held(parts, token)
    written = []
    for seconds in range(0, 180, 5):
        held(parts, token, later(seconds=seconds))
        written.append(parts.cache.flush(at=later(seconds=seconds)))

    assert sum(written) == 2
    assert noted(parts, session) == us(later(seconds=120))


def test_the_last_use_is_written_when_a_worker_stops(parts: Parts) -> None:
    token, session = parts.sign_in()
    held(parts, token)
    held(parts, token, later(seconds=7))

    assert parts.cache.flush(at=later(seconds=8)) == 0
    assert parts.cache.flush(at=later(seconds=8), everything=True) == 1
    assert noted(parts, session) == us(later(seconds=7))


def test_use_is_not_lost_when_a_session_leaves_memory(parts: Parts) -> None:
    token, session = parts.sign_in()
    held(parts, token)
    held(parts, token, later(minutes=20))
    parts.cache.apply(frozenset({"all-sessions"}))

    assert held(parts, token, later(minutes=45)) is not None
    parts.cache.flush(at=later(minutes=46))
    assert noted(parts, session) >= us(later(minutes=20))


def test_use_is_not_lost_when_the_database_is_away(parts: Parts) -> None:
    token, session = parts.sign_in()
    held(parts, token)
    held(parts, token, later(minutes=5))
    parts.cache.apply(frozenset({"all-sessions"}))
    with writing(parts.store) as connection:
        connection.execute(text("ALTER TABLE session RENAME TO gone"))
    with pytest.raises(StoreUnavailable):
        parts.cache.flush(at=later(minutes=6))
    with writing(parts.store) as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO session"))

    assert parts.cache.flush(at=later(minutes=7)) == 1
    assert noted(parts, session) == us(later(minutes=5))


def test_memory_is_bounded_and_the_latest_used_stay(parts: Parts) -> None:
    cache, _ = parts.worker(capacity=8)
    tokens = [parts.sign_in(f"p{number}", str(number))[0] for number in range(12)]
    for seconds, token in enumerate(tokens):
        cache.load(token, at=later(seconds=seconds))
        cache.get(tokens[0], us(later(seconds=seconds)))
    kept = [cache.get(token, us(later(seconds=13))) is not MISS for token in tokens]

    assert len(cache) <= 8
    assert kept[0]
    assert kept[-1]
    assert not kept[1]


def test_a_load_that_overlapped_an_end_keeps_nothing(parts: Parts) -> None:
    """It read the session before the end and would put it back after it."""
    token, session = parts.sign_in()
    ended = threading.Event()

    def slow(connection: Connection, staff: Staff, at: datetime) -> KnownSubject:
        known = parts.subjects(connection, staff, at)
        if not ended.is_set():
            ended.set()
            parts.sessions.end(session.hash, at=at)
            assert reader.catch_up()
        return known

    cache = SessionCache(parts.store, parts.sessions, slow)
    from gateway.bulletin import BulletinReader

    reader = BulletinReader(parts.store, parts.bulletin)
    reader.listen(cache.apply)
    reader.read()

    assert cache.load(token, at=AT) is None
    assert cache.get(token, us(AT)) is None


def test_a_load_amid_endless_changes_is_used_once_and_not_kept(parts: Parts) -> None:
    token, _ = parts.sign_in()

    def restless(connection: Connection, staff: Staff, at: datetime) -> KnownSubject:
        cache.apply(frozenset({"person:cheshire-fire/1"}))
        return parts.subjects(connection, staff, at)

    cache = SessionCache(parts.store, parts.sessions, restless)

    live = cache.load(token, at=AT)
    assert live is not None
    assert len(cache) == 0
    assert not live.take(us(AT))  # whoever holds it cannot use it again


def test_when_the_database_is_away_an_unknown_session_is_an_error(parts: Parts) -> None:
    """Not 'signed out': nothing is known, so nothing is said."""
    token, _ = parts.sign_in()
    with writing(parts.store) as connection:
        connection.execute(text("ALTER TABLE session RENAME TO gone"))

    with pytest.raises(StoreUnavailable):
        parts.cache.load(token, at=AT)


def count_reads(parts: Parts) -> list[str]:
    """Note every statement that the database is asked from here on."""
    asked: list[str] = []
    event.listen(
        parts.store,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: asked.append(statement),
    )
    return asked


def test_a_flood_of_made_up_tokens_never_reaches_the_database(parts: Parts) -> None:
    """A stranger's tokens have the form of ours and cost arithmetic only."""
    asked = count_reads(parts)
    made_up = [SessionTokens(bytes([number]) * 32).new() for number in range(1, 200)]

    assert {parts.cache.get(token, us(AT)) for token in made_up} == {None}
    assert {parts.cache.load(token, at=AT) for token in made_up} == {None}
    assert asked == []


def test_a_token_that_is_over_costs_a_look_every_few_seconds_at_most(parts: Parts) -> None:
    """Whoever once had a session can go on sending its token: that is bounded too."""
    token, session = parts.sign_in()
    parts.sessions.end(session.hash, at=AT, reason="ended-by-officer")
    looks = 0
    for second in range(30):
        for tenth in range(10):
            at = later(seconds=second, milliseconds=100 * tenth)
            if parts.cache.get(token, us(at)) is MISS:
                looks += 1
                assert parts.cache.load(token, at=at) is None

    assert looks == 30 / KEPT_SECONDS
    assert parts.cache.why_over(token) == "ended-by-officer"


def test_an_appointment_shortens_the_sessions_there_are(parts: Parts) -> None:
    tight = TighterLimits(
        limits=SessionLimits(idle=timedelta(minutes=6), absolute=timedelta(hours=2)),
        appointed=True,
    )
    sessions = Sessions(
        parts.store, parts.bulletin, SessionRules(tighter=(tight,)), parts.sessions.tokens
    )
    cache = SessionCache(parts.store, sessions, parts.subjects)
    token, _ = parts.sign_in()
    before = cache.load(token, at=AT)
    parts.appoint()
    cache.apply(frozenset({"all-sessions"}))
    after = cache.load(token, at=AT)

    assert before is not None
    assert before.idle_us == parts.limits.idle / timedelta(microseconds=1)
    assert after is not None
    assert after.idle_us == 6 * 60_000_000
    assert after.ends_at_us == us(AT + timedelta(hours=2))
    assert cache.get(token, us(later(minutes=6))) is MISS
    assert cache.load(token, at=later(minutes=6)) is None


def pausing(parts: Parts) -> SessionCache:
    presence = Presence([PresenceLimit(pause=timedelta(minutes=10))])
    return SessionCache(parts.store, parts.sessions, parts.subjects, presence=presence)


def test_a_pause_that_matters_is_known_to_every_worker(parts: Parts) -> None:
    """Looking at the portal first must not make a long pause a short one."""
    token, _ = parts.sign_in()
    here, there = pausing(parts), pausing(parts)
    here.load(token, at=AT)

    assert here.get(token, us(later(minutes=12))) is MISS
    returned = here.load(token, at=later(minutes=12))
    elsewhere = there.load(token, at=later(minutes=13))

    assert returned is not None
    assert returned.session.rested_us == 12 * 60_000_000
    assert elsewhere is not None
    assert elsewhere.session.rested_us == 12 * 60_000_000


def test_use_in_another_worker_is_no_pause(parts: Parts) -> None:
    token, _ = parts.sign_in()
    here, there = pausing(parts), pausing(parts)
    here.load(token, at=AT)
    there.load(token, at=later(minutes=8))
    there.flush(at=later(minutes=9), everything=True)
    live = here.load(token, at=later(minutes=12))

    assert live is not None
    assert live.session.rested_us == 0


def vouching(parts: Parts) -> SessionCache:
    asked = Vouching(directories=frozenset({FIRE}), grace=timedelta(minutes=15))
    return SessionCache(parts.store, parts.sessions, parts.subjects, vouching=asked)


def test_a_session_lives_on_for_a_while_without_its_directory_and_no_longer(parts: Parts) -> None:
    token, session = parts.sign_in()
    cache = vouching(parts)
    assert cache.load(token, at=later(minutes=14)) is not None

    assert cache.get(token, us(later(minutes=15))) is MISS
    with pytest.raises(DirectoryAway) as away:
        cache.load(token, at=later(minutes=15))
    assert away.value.live.session.hash == session.hash
    with writing(parts.store) as connection:
        connection.execute(
            text("UPDATE session SET vouched_at_us = :at"), {"at": us(later(minutes=15))}
        )
    assert cache.load(token, at=later(minutes=15)) is not None


def test_a_directory_that_vouches_once_is_not_waited_for(parts: Parts) -> None:
    token, _ = parts.sign_in("pat", "7001", organisation="nwas")

    assert vouching(parts).load(token, at=later(minutes=20)) is not None


def test_looking_whether_a_session_is_over_does_not_keep_it_alive(parts: Parts) -> None:
    token, session = parts.sign_in()
    live = parts.cache.load(token, at=AT)
    assert live is not None

    assert parts.cache.look_again(live, at=later(minutes=20)) is not None
    assert parts.cache.look_again(live, at=later(minutes=30)) is None
    assert noted(parts, session) == us(AT)


@pytest.mark.parametrize("ended", ["by its hash", "with everybody's"])
def test_what_was_looked_at_again_hears_of_a_change_like_any_other(
    parts: Parts, ended: str
) -> None:
    """A stream that has run for an hour ends as quickly as one that has just begun."""
    token, session = parts.sign_in()
    live = parts.cache.load(token, at=AT)
    assert live is not None
    followed = parts.cache.look_again(live, at=later(minutes=6))
    assert followed is not None
    before = followed.dropped
    if ended == "by its hash":
        parts.sessions.end(session.hash, at=later(minutes=7))
    else:
        parts.sessions.end_all(Whose(everyone=True), at=later(minutes=7), reason="test")
    parts.reader.read()

    assert not before
    assert followed.dropped
    assert parts.cache.look_again(followed, at=later(minutes=7)) is None


def test_a_look_that_overlapped_a_change_is_done_again(parts: Parts) -> None:
    token, session = parts.sign_in()
    live = parts.cache.load(token, at=AT)
    assert live is not None

    def changing(connection: Connection, staff: Staff, at: datetime) -> KnownSubject:
        parts.cache.apply(frozenset({staff_subject(session.staff_id)}))
        return parts.subjects(connection, staff, at)

    parts.cache._subjects = changing
    followed = parts.cache.look_again(live, at=later(minutes=6))

    assert followed is not None
    assert followed.dropped


def test_only_those_in_use_stay_in_memory(parts: Parts) -> None:
    """However many live: one that must be read anew in any case leaves, and its use is noted."""
    idle, session = parts.sign_in("p1", "1")
    used, busy = parts.sign_in("p2", "2", at=later(minutes=5))
    parts.cache.load(idle, at=AT)
    parts.cache.get(idle, us(later(minutes=4)))
    parts.cache.load(used, at=later(minutes=5))
    here = parts.cache.tidy(at=later(minutes=5, seconds=1))
    parts.cache.flush(at=later(minutes=5, seconds=1))

    assert here == {busy.hash}
    assert len(parts.cache) == 1
    assert parts.cache.get(used, us(later(minutes=6))) is not MISS
    assert parts.cache.get(idle, us(later(minutes=6))) is MISS
    assert noted(parts, session) == us(later(minutes=4))


def test_what_runs_is_told_that_its_session_was_dropped(parts: Parts) -> None:
    token, session = parts.sign_in()
    live = parts.cache.load(token, at=AT)
    assert live is not None
    before = live.dropped
    parts.sessions.end(session.hash, at=AT)
    parts.reader.read()

    assert (before, live.dropped) == (False, True)
    assert parts.cache.look_again(live, at=AT) is None


def test_the_limits_stay_as_they_are_documented() -> None:
    assert session_cache.TOUCH_SECONDS == 60


def test_the_session_of_the_old_employer_ends_with_the_last_day_there(parts: Parts) -> None:
    """From fire to police at midnight: nothing is announced then, the date alone does it."""
    evening = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    key = PersonKey(organisation=FIRE, employee_number="40011")
    last = Membership(person="p1", key=key, starts_on=date(2020, 1, 1), ends_on=date(2026, 11, 21))
    with writing(parts.store) as connection:
        begin(connection, last, by="test", at=evening)
    token, _ = parts.sign_in(at=evening)

    assert held(parts, token, evening) is not None
    assert held(parts, token, midnight - timedelta(microseconds=1)) is not None
    assert held(parts, token, midnight) is None


def test_a_grant_suspended_by_one_worker_counts_in_none_at_the_next_request(parts: Parts) -> None:
    """Within a second everywhere: on one machine before the next decision."""
    key = PersonKey(organisation=FIRE, employee_number="40011")
    with writing(parts.store) as connection:
        parts.register.grant(connection, key, grant("DBSB"), by="test", at=AT)
    token, _ = parts.sign_in()
    other_cache, other_reader = parts.worker()
    workers = ((parts.cache, parts.reader), (other_cache, other_reader))
    for cache, _ in workers:
        live = cache.load(token, at=AT)
        assert live is not None
        assert live.subject.clearance.satisfies("BASE", at=AT)

    with writing(parts.store) as connection:
        suspended = GrantStatus.SUSPENDED
        parts.register.change_status(connection, "grant-DBSB", suspended, by="o", at=AT)
        parts.bulletin.announce(connection, person_subject(str(key)), AT)
    parts.bulletin.ring()

    for cache, reader in workers:
        assert not reader.is_current(0)
        assert reader.catch_up()
        live = cache.load(token, at=AT)
        assert live is not None
        assert live.subject.clearance.reach(at=AT) == 0


def test_a_session_that_another_worker_saw_used_outlives_leaving_memory(parts: Parts) -> None:
    token, session = parts.sign_in()
    other, _ = parts.worker()
    late = AT + parts.limits.idle
    parts.cache.load(token, at=AT)
    other.load(token, at=late - timedelta(seconds=90))
    other.flush(at=late, everything=True)

    assert parts.cache.tidy(at=late) == frozenset()
    live = parts.cache.load(token, at=late)
    assert live is not None
    assert live.session.hash == session.hash


def test_tokens_that_were_over_leave_memory(parts: Parts) -> None:
    token, session = parts.sign_in()
    parts.sessions.end(session.hash, at=AT)
    parts.cache.load(token, at=AT)
    assert parts.cache.why_over(token)

    parts.cache.tidy(at=later(seconds=KEPT_SECONDS))
    assert parts.cache.why_over(token) == ""

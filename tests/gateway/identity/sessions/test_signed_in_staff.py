"""Who is signed in is read anew each time, and never counted as use."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from gateway.identity.sessions.session_cache import SessionCache
from gateway.identity.sessions.session_limits import Vouching
from gateway.identity.sessions.signed_in_staff import SignedInStaff
from gateway.store.engine import reading
from tests.gateway.identity.parts import AT, FIRE, Parts, later, us


def staff_of(parts: Parts) -> SignedInStaff:
    return SignedInStaff(parts.store, parts.cache)


def test_the_newest_session_of_somebody_is_found_without_being_used(parts: Parts) -> None:
    _, first = parts.sign_in()
    _, second = parts.sign_in(at=later(minutes=5))
    staff, staff_id = staff_of(parts), first.staff_id

    found = staff.find(staff_id, at=later(minutes=10))
    assert found is not None
    assert found.session.hash == second.hash
    with reading(parts.store) as connection:
        noted = text("SELECT last_seen_at_us FROM session WHERE hash = :hash")
        seen_us = connection.execute(noted, {"hash": second.hash}).scalar_one()
    assert seen_us == us(later(minutes=5))
    assert len(parts.cache) == 0
    parts.sessions.end(second.hash, at=later(minutes=11))
    found = staff.find(staff_id, at=later(minutes=12))
    assert found is not None
    assert found.session.hash == first.hash
    assert staff.find(staff_id, at=later(minutes=31)) is None
    assert staff.find("cheshire-fire/nobody", at=AT) is None


def test_nobody_is_found_for_whom_their_directory_does_not_vouch(parts: Parts) -> None:
    _, session = parts.sign_in()
    asked = Vouching(directories=frozenset({FIRE}), grace=timedelta(minutes=15))
    cache = SessionCache(parts.store, parts.sessions, parts.subjects, vouching=asked)
    staff = SignedInStaff(parts.store, cache)

    assert staff.find(session.staff_id, at=later(minutes=14)) is not None
    assert staff.find(session.staff_id, at=later(minutes=15)) is None
    assert staff.portion({FIRE}, "", most=9, at=later(minutes=15)) == ((), "")


def test_the_pause_that_counts_is_the_one_since_they_were_last_seen_here(parts: Parts) -> None:
    """Their use is written down up to a minute late; this worker knows better."""
    token, session = parts.sign_in()
    parts.cache.load(token, at=later(minutes=8))
    found = staff_of(parts).find(session.staff_id, at=later(minutes=10))

    assert found is not None
    assert found.session.rested_us == us(later(minutes=2)) - us(AT)


def test_everybody_is_found_in_portions_once_each(parts: Parts) -> None:
    numbers = {f"person{number}": str(40_000 + number) for number in range(5)}
    for name, number in numbers.items():
        parts.sign_in(name, number)
    parts.sign_in("person1", numbers["person1"], at=later(minutes=1))
    parts.sign_in("pat", "7001", organisation="nwas")
    parts.sign_in("zed", "40099")
    _, over = parts.sign_in("gone", "40098")
    parts.sessions.end(over.hash, at=AT)
    found, after, portions = [], "", 0
    while after or not portions:
        people, after = staff_of(parts).portion({FIRE}, after, most=2, at=later(minutes=2))
        found += [live.staff.staff_id for live in people]
        portions += 1

    assert found == [f"{FIRE}/id-person{number}" for number in range(5)] + [f"{FIRE}/id-zed"]
    assert portions == 3
    assert staff_of(parts).portion(set(), "", most=2, at=AT) == ((), "")


def test_whoever_cannot_be_described_is_passed_over(parts: Parts) -> None:
    """An organisation was taken out of the settings while its people are signed in."""
    parts.sign_in()
    _, other = parts.sign_in("otto", "1", organisation="elsewhere")
    people, _ = staff_of(parts).portion({FIRE, "elsewhere"}, "", most=9, at=AT)

    assert [live.staff.organisation for live in people] == [FIRE]
    assert staff_of(parts).find(other.staff_id, at=AT) is None

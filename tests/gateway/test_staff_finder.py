"""Who is asking is found by one cookie, and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.identity.sessions.host_tokens import HostTokens
from gateway.identity.sessions.live_session import DirectoryAway
from gateway.identity.sessions.presence import AGED, PAUSED
from gateway.identity.sessions.session_cache import SessionCache
from gateway.identity.sessions.session_limits import Vouching
from gateway.pace import SourcePaces
from gateway.refused import Refused
from gateway.staff_finder import StaffFinder, asked_again, no_session, sign_in_address
from gateway.system_hosts import SystemHost
from gateway.visit import Visit
from tests.gateway.identity.parts import AT, FIRE, Parts, later, new_parts, us
from tests.gateway.visits import new_visit, request


def finder(
    parts: Parts, cache: SessionCache | None = None, host_tokens: HostTokens | None = None
) -> StaffFinder:
    return StaffFinder(
        sessions=parts.cache if cache is None else cache,
        bulletin=parts.reader,
        session_cookie=b"gate",
        strangers=SourcePaces(),
        monotonic=parts.reader._monotonic,
        host_tokens=host_tokens,
    )


async def test_the_cookie_of_our_name_is_the_one_that_counts(tmp_path: Path) -> None:
    with new_parts(tmp_path) as parts:
        token, _ = parts.sign_in()
        found = [
            await finder(parts).find(new_visit(request(cookie=cookie.encode())))
            for cookie in (f"a=b; gate={token}; c=d", f"gates={token}", f"xgate={token}", "gate=")
        ]

        assert [live is not None for live in found] == [True, False, False, False]


async def test_two_cookies_of_our_name_are_refused(tmp_path: Path) -> None:
    with new_parts(tmp_path) as parts:
        token, _ = parts.sign_in()

        with pytest.raises(Refused, match="cookie-repeated"):
            await finder(parts).find(new_visit(request(cookie=b"gate=x; gate=" + token.encode())))


async def test_whose_directory_is_away_may_sign_out_and_nothing_else(tmp_path: Path) -> None:
    with new_parts(tmp_path) as parts:
        token, _ = parts.sign_in()
        vouching = Vouching(directories=frozenset({FIRE}), grace=timedelta(minutes=15))
        cache = SessionCache(parts.store, parts.sessions, parts.subjects, vouching=vouching)
        staff = finder(parts, cache)
        visit = new_visit(request(cookie=b"gate=" + token.encode()), at_us=us(later(minutes=16)))

        with pytest.raises(DirectoryAway):
            await staff.find(visit)
        assert await staff.find_for_open(visit) is not None
        await staff.name(visit)
        assert visit.live is None


async def test_the_session_of_the_last_request_is_taken_as_long_as_nothing_changed(
    tmp_path: Path,
) -> None:
    with new_parts(tmp_path) as parts:
        token, session = parts.sign_in()
        staff, now = finder(parts), parts.reader._monotonic()
        head = request(cookie=b"gate=" + token.encode())

        def visit_at(at_us: int, started: float = now) -> Visit:
            visit = new_visit(head, at_us=at_us)
            visit.started = started
            return visit

        assert await staff.find(visit_at(us(AT))) is not None  # from the database
        assert staff.known(visit_at(us(AT))) is None
        live = await staff.find(visit_at(us(AT)))  # from memory
        assert live is not None

        assert staff.known(visit_at(us(AT))) is live
        assert staff.known(visit_at(us(AT) + 5)) is live
        assert live.seen_us == us(AT) + 5
        assert staff.known(visit_at(us(AT), started=now + 3600)) is None  # bulletin not read lately
        assert staff.known(visit_at(live.usable_until_us)) is None
        assert staff.known(visit_at(live.seen_us + live.alert_us)) is None
        assert staff.known(visit_at(us(AT))) is live
        parts.sessions.end(session.hash, at=AT)
        assert staff.known(visit_at(us(AT))) is None  # announced, not yet read
        assert parts.reader.catch_up()
        assert staff.known(visit_at(us(AT))) is None
        assert await staff.find(visit_at(us(AT))) is None


@pytest.mark.parametrize(
    ("method", "accept", "status"),
    [("GET", b"text/html", 303), ("GET", b"application/json", 401), ("POST", b"text/html", 401)],
)
def test_a_person_is_led_to_sign_in_and_a_program_is_told(
    method: str, accept: bytes, status: int
) -> None:
    visit = new_visit(request(method, accept=accept))

    assert no_session(visit).status == status


def test_after_a_pause_the_way_leads_back_to_what_was_asked_for() -> None:
    visit = new_visit(request(target=b"/custody/1/x?a=b&c=d"))

    assert asked_again(visit, PAUSED).code == "paused"
    assert sign_in_address(visit, "no-session") == b"/-/sign-in?next=/custody/1/x%3Fa%3Db%26c%3Dd"
    assert sign_in_address(visit, "paused").endswith(b"&again=paused")
    assert sign_in_address(visit, AGED).endswith(b"&again=signed-in-long-ago")
    assert sign_in_address(new_visit(request()), "no-session") == b"/-/sign-in"


def test_from_a_systems_host_the_way_leads_over_the_gateways_and_back() -> None:
    host = SystemHost(system="fleet", origin="https://fleet.gate", main="https://gate")
    visit = new_visit(request(target=b"/home?a=b"))
    assert visit.target is not None
    visit.target = replace(visit.target, host=host)

    assert sign_in_address(visit, "no-session") == host.begin("/home?a=b").encode()
    assert sign_in_address(visit, PAUSED) == (
        b"https://gate/-/sign-in?next=/-/sign-on/fleet%3Fto%3DL2hvbWU_YT1i&again=paused"
    )


async def test_at_a_systems_host_its_own_cookie_counts_and_no_other(tmp_path: Path) -> None:
    with new_parts(tmp_path) as parts:
        token, session = parts.sign_in()
        tokens = HostTokens(bytes(32), "fleet.gate")
        staff = finder(parts, host_tokens=tokens)
        found = [
            await staff.find(new_visit(request(cookie=b"gate=" + each.encode())))
            for each in (tokens.seal(token), token, HostTokens(bytes(32), "x.gate").seal(token))
        ]

        assert [each and each.session.hash for each in found] == [session.hash, None, None]

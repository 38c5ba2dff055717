"""Whoever left their organisation is signed out, and nobody else is."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

import pytest
from sqlalchemy import text

from gateway.errors import DirectoryMisconfigured, DirectoryUnavailable
from gateway.identity.directories.bulkhead import Bulkhead
from gateway.identity.directories.directory import (
    AccountClosed,
    AccountState,
    Directory,
    DirectoryPerson,
    EntryIncomplete,
    PersonGone,
)
from gateway.identity.directories.door import Door
from gateway.identity.sessions.recheck import Ended, Recheck
from gateway.store.engine import reading
from tests.gateway.identity.parts import AT, FIRE, Parts, later, us

ALICE = DirectoryPerson(
    directory_id="id-alice", username="alice", name="Alice", employee_number="40011"
)


class Answers:
    """A directory that answers what a test wants, by id."""

    def __init__(self) -> None:
        self.people: dict[str, DirectoryPerson | Exception] = {"id-alice": ALICE}
        self.asked: list[str] = []
        self.hangs: threading.Event | None = None

    def look_up(self, directory_id: str, budget_seconds: float) -> DirectoryPerson:
        del budget_seconds
        self.asked.append(directory_id)
        if self.hangs is not None:
            self.hangs.wait(20)
        answer = self.people[directory_id]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Bench:
    """A re-check of the fire service's directory, its clock in the test's hand."""

    def __init__(self, parts: Parts) -> None:
        self.at: datetime = AT
        self.fire, self.nwas = Answers(), Answers()
        self.ended: list[Ended] = []
        self.recheck = Recheck(
            engine=parts.store,
            bulletin=parts.bulletin,
            sessions=parts.sessions,
            directories={FIRE: door(FIRE, self.fire), "nwas": door("nwas", self.nwas)},
            every=timedelta(seconds=60),
            report=self.ended.append,
            clock=lambda: self.at,
        )


def door(name: str, answers: Answers) -> Door:
    return Door(
        id=name,
        directory=cast("Directory", answers),
        bulkhead=Bulkhead(name, at_once=2),
        budget_seconds=0.2,
    )


@pytest.fixture
def bench(parts: Parts) -> Bench:
    return Bench(parts)


def vouched(parts: Parts) -> list[int]:
    with reading(parts.store) as connection:
        return list(connection.execute(text("SELECT vouched_at_us FROM session")).scalars())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (PersonGone("gone"), "person-gone"),
        (AccountClosed("x", state=AccountState.DISABLED, known_password=False), "account-closed"),
        (AccountClosed("x", state=AccountState.EXPIRED, known_password=False), "account-closed"),
        (replace(ALICE, employee_number="40099"), "identity-changed"),
        (EntryIncomplete("no number"), "identity-changed"),
    ],
    ids=["gone", "disabled", "expired", "another number", "no number"],
)
def test_whoever_is_gone_closed_or_moved_is_signed_out_everywhere(
    parts: Parts, bench: Bench, answer: DirectoryPerson | Exception, code: str
) -> None:
    tokens = [parts.sign_in()[0] for _ in range(2)]
    bob, _ = parts.sign_in("bob", "40012")
    bench.fire.people |= {
        "id-alice": answer,
        "id-bob": replace(
            ALICE, directory_id="id-bob", username="bob", name="Bob", employee_number="40012"
        ),
    }
    bench.at = later(seconds=50)
    bench.recheck.check(FIRE)

    assert [parts.sessions.find(each, at=bench.at) for each in tokens] == [None, None]
    assert parts.sessions.find(bob, at=bench.at) is not None
    assert [(each.code, each.count, each.staff.username) for each in bench.ended] == [
        (code, 2, "alice")
    ]


@pytest.mark.parametrize("state", [AccountState.LOCKED, AccountState.MUST_CHANGE_PASSWORD])
def test_a_locked_account_ends_no_session(parts: Parts, bench: Bench, state: AccountState) -> None:
    """Anybody can lock somebody's account by trying passwords."""
    token, _ = parts.sign_in()
    bench.fire.people["id-alice"] = AccountClosed("x", state=state, known_password=False)
    bench.at = later(seconds=50)
    bench.recheck.check(FIRE)

    assert parts.sessions.find(token, at=bench.at) is not None
    assert vouched(parts) == [us(bench.at)]


def test_post_unit_and_team_follow_the_directory_at_the_next_request(
    parts: Parts, bench: Bench
) -> None:
    token, _ = parts.sign_in()
    parts.cache.load(token, at=AT)
    bench.fire.people["id-alice"] = replace(
        ALICE, posts=frozenset({"watch-manager"}), unit="Chester", team=frozenset({"40012"})
    )
    bench.at = later(seconds=50)
    bench.recheck.check(FIRE)
    parts.reader.catch_up()
    live = parts.cache.load(token, at=bench.at)

    assert live is not None
    assert (live.subject.posts, live.subject.unit, live.subject.team) == (
        frozenset({"watch-manager"}),
        "Chester",
        frozenset({"40012"}),
    )


def test_nobody_is_asked_about_more_often_than_is_set(parts: Parts, bench: Bench) -> None:
    parts.sign_in()
    parts.sign_in()  # of the same person: one question
    for seconds in range(0, 180, 5):
        bench.at = later(seconds=seconds)
        bench.recheck.check(FIRE)

    assert 3 <= len(bench.fire.asked) <= 180 / 45


def test_a_directory_that_does_not_answer_vouches_for_nobody_and_is_asked_once_a_round(
    parts: Parts, bench: Bench
) -> None:
    token, _ = parts.sign_in()
    parts.sign_in("bob", "40012")
    for error in (DirectoryUnavailable("away"), DirectoryMisconfigured("wrong base")):
        bench.fire.people = {"id-alice": error, "id-bob": error}
        bench.fire.asked.clear()
        bench.at = later(seconds=50)
        bench.recheck.check(FIRE)
        assert len(bench.fire.asked) == 1

    assert parts.sessions.find(token, at=bench.at) is not None
    assert vouched(parts) == [us(AT), us(AT)]


def test_a_directory_that_hangs_holds_up_no_other(parts: Parts, bench: Bench) -> None:
    parts.sign_in()
    parts.sign_in("pat", "7001", organisation="nwas")
    bench.nwas.people["id-pat"] = replace(
        ALICE, directory_id="id-pat", username="pat", name="Pat", employee_number="7001"
    )
    bench.fire.hangs = threading.Event()
    bench.at = later(seconds=50)
    bench.recheck.round()
    bench.recheck._running["nwas"].result(5)
    bench.fire.hangs.set()
    bench.recheck.wait(5)

    assert bench.nwas.asked == ["id-pat"]
    bench.recheck.close()


def test_one_worker_at_a_time_asks(parts: Parts, bench: Bench) -> None:
    parts.sign_in()
    other = Bench(parts)
    bench.at = other.at = later(seconds=50)
    bench.recheck.round()
    other.recheck.round()
    bench.recheck.wait(5)

    assert (len(bench.fire.asked), len(other.fire.asked)) == (1, 0)


def test_the_threads_stop(parts: Parts, bench: Bench) -> None:
    del parts
    bench.recheck.start()
    bench.recheck.close()

    assert bench.recheck._thread is not None
    assert not bench.recheck._thread.is_alive()

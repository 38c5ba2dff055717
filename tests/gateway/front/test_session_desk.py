"""Officers reach the sessions they answer for and no others; every end is on the record first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from gateway.audit.entry import EntryDraft, Kind
from gateway.audit.recorder import Recorder
from gateway.errors import RecordUnavailable
from gateway.front.session_desk import RecordedSessions
from gateway.identity.sessions.live_session import LiveSession
from gateway.pages.page_services import NotYoursError, SessionSearch
from tests.gateway.identity.parts import AT, FIRE, Parts, new_parts
from tests.gateway.visits import new_visit, request

EVERYONE = SessionSearch()


class Desk:
    """A desk over a real store; the host is the ambulance service."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.drafts: list[EntryDraft] = []
        self.fails = False
        self.desk = RecordedSessions(
            engine=parts.store,
            sessions=parts.sessions,
            recorder=cast("Recorder", self),
            clock=lambda: AT,
            host_organisation="nwas",
            directories={FIRE: FIRE, "nwas": "nwas"},
        )
        self.host = self.live("pat", "7001", "nwas")
        self.partner = self.live("alice", "40011", FIRE)
        self.bob = self.live("bob", "40012", FIRE)

    def live(self, name: str, number: str, organisation: str) -> LiveSession:
        token, _ = self.parts.sign_in(name, number, organisation=organisation)
        live = self.parts.cache.load(token, at=AT)
        assert live is not None
        return live

    def record_and_wait(self, draft: EntryDraft) -> None:
        if self.fails:
            raise RecordUnavailable("record: away")
        self.drafts.append(draft)

    def living(self) -> set[str]:
        found, _ = self.desk.found(self.host, EVERYONE)
        return {each.username for each in found}

    def end(self, officer: LiveSession, search: SessionSearch) -> int:
        return self.desk.end(officer, new_visit(request(), live=officer), search)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Desk]:
    with new_parts(tmp_path) as parts:
        yield Desk(parts)


def seen(made: Desk, officer: LiveSession, search: SessionSearch) -> set[str]:
    return {each.username for each in made.desk.found(officer, search)[0]}


def test_the_hosts_officer_sees_everybody_and_a_partners_only_their_own(made: Desk) -> None:
    assert seen(made, made.host, EVERYONE) == {"pat", "alice", "bob"}
    assert seen(made, made.partner, EVERYONE) == {"alice", "bob"}
    assert seen(made, made.host, SessionSearch(text="BOB")) == {"bob"}
    assert seen(made, made.partner, SessionSearch(text="pat")) == set()


@pytest.mark.parametrize(
    "search",
    [
        SessionSearch(person="nwas/7001"),
        SessionSearch(organisation="nwas"),
        SessionSearch(directory="nwas"),
        SessionSearch(directory="nowhere"),
    ],
    ids=str,
)
def test_a_partners_officer_reaches_nobody_elsewhere(made: Desk, search: SessionSearch) -> None:
    with pytest.raises(NotYoursError):
        made.desk.found(made.partner, search)
    with pytest.raises(NotYoursError):
        made.end(made.partner, search)
    assert made.living() == {"pat", "alice", "bob"}
    assert made.drafts == []


def test_everybody_of_a_partners_officer_is_their_own_organisation(made: Desk) -> None:
    assert made.end(made.partner, EVERYONE) == 1
    assert made.living() == {"pat", "alice"}  # their own session goes on


@pytest.mark.parametrize(
    ("search", "left"),
    [
        (SessionSearch(person="cheshire-fire/40012"), {"pat", "alice"}),
        (SessionSearch(organisation=FIRE), {"pat"}),
        (SessionSearch(directory=FIRE), {"pat"}),
        (EVERYONE, {"pat"}),
    ],
    ids=["person", "organisation", "directory", "everybody"],
)
def test_the_hosts_officer_ends_what_was_chosen(
    made: Desk, search: SessionSearch, left: set[str]
) -> None:
    made.end(made.host, search)

    assert made.living() == left
    (draft,) = made.drafts
    assert (draft.kind, draft.code) == (Kind.SIGNOUT, "ended-by-officer")
    assert draft.actor_name == "pat@nwas"
    assert draft.subject == search.person
    assert json.loads(draft.detail)["everyone"] is (search == EVERYONE)


def test_what_cannot_be_recorded_is_not_ended(made: Desk) -> None:
    made.fails = True
    with pytest.raises(RecordUnavailable):
        made.end(made.host, EVERYONE)

    assert made.living() == {"pat", "alice", "bob"}


def test_ones_own_sessions_end_one_by_one_or_all_but_this_one(made: Desk) -> None:
    others = [made.live("alice", "40011", FIRE) for _ in range(3)]
    visit = new_visit(request(), live=made.partner)
    short = others[0].session.hash[:12]

    assert len(made.desk.mine(made.partner)) == 4
    assert made.desk.end_mine(made.partner, visit, which=short) == 1
    assert made.desk.end_mine(made.partner, visit, which=made.bob.session.hash[:12]) == 0
    assert made.desk.end_mine(made.partner, visit, which="") == 2
    assert [each.hash for each in made.desk.mine(made.partner)] == [made.partner.session.hash]
    assert made.living() == {"pat", "alice", "bob"}
    assert {draft.code for draft in made.drafts} == {"ended-by-person"}

"""Notices reach the person, and the security officers of their organisation."""

from __future__ import annotations

import pytest

from gateway.front.notice_desk import NoticeDesk
from gateway.identity.factors.factor_notices import NoticeCode, give_notice
from gateway.identity.sessions.live_session import LiveSession
from gateway.store.engine import writing
from tests.gateway.identity.parts import AT, Parts


def live(parts: Parts, name: str, number: str, organisation: str = "cheshire-fire") -> LiveSession:
    token, _ = parts.sign_in(name, number, organisation=organisation)
    found = parts.cache.load(token, at=AT)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("role", "told"), [("security-officer", [NoticeCode.ADDED]), ("auditor", [])]
)
def test_officers_are_told_of_their_own_organisation(
    parts: Parts, role: str, told: list[NoticeCode]
) -> None:
    parts.appoint("40012", role=role)
    alice, officer = live(parts, "alice", "40011"), live(parts, "bob", "40012")
    nurse = live(parts, "nurse", "70150", "nwas")
    desk = NoticeDesk(parts.store)
    with writing(parts.store) as connection:
        give_notice(connection, alice.staff.staff_id, NoticeCode.ADDED, AT)
        give_notice(connection, nurse.staff.staff_id, NoticeCode.RESET, AT)

    assert [each.code for each in desk.unseen(alice, at=AT).own] == [NoticeCode.ADDED]
    found = desk.unseen(officer, at=AT)
    assert (found.own, [each.code for each in found.others]) == ((), told)
    desk.see(officer, found.up_to)
    assert desk.unseen(officer, at=AT).up_to == 0
    assert desk.unseen(alice, at=AT).up_to > 0

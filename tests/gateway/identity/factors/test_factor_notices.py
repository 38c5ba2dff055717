"""Notices: for the person and their organisation's officers, for thirty days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateway.identity.factors.factor_notices import (
    NoticeCode,
    give_notice,
    mark_seen,
    notices,
    purge_notices,
    unseen,
)
from gateway.store.engine import writing
from tests.gateway.identity.parts import AT, FIRE, Parts, later


def test_a_notice_reaches_the_person_and_the_organisation(parts: Parts) -> None:
    _, alice = parts.sign_in()
    _, nurse = parts.sign_in("nurse", "70150", organisation="nwas")
    with writing(parts.store) as connection:
        give_notice(connection, alice.staff_id, NoticeCode.ADDED, AT, detail="Phone")
        give_notice(connection, nurse.staff_id, NoticeCode.REMOVED, AT)
        give_notice(connection, alice.staff_id, NoticeCode.RESET, AT, detail="x" * 400)

    newest, first = notices(parts.store, at=later(days=1), staff_id=alice.staff_id)
    assert (first.code, first.detail, first.at) == (NoticeCode.ADDED, "Phone", AT)
    assert (newest.code, len(newest.detail)) == (NoticeCode.RESET, 300)
    of_fire = notices(parts.store, at=AT, organisation=FIRE)
    assert [each.person for each in of_fire] == [f"{FIRE}/40011"] * 2
    assert of_fire[0].name == "Alice"


def test_a_notice_is_shown_until_it_has_been_seen(parts: Parts) -> None:
    _, alice = parts.sign_in()
    _, bob = parts.sign_in("bob", "40012")
    with writing(parts.store) as connection:
        give_notice(connection, alice.staff_id, NoticeCode.ADDED, AT)
        give_notice(connection, bob.staff_id, NoticeCode.RESET, AT)

    def shown(staff_id: str, officer_of: str | None = None) -> tuple[list[str], list[str]]:
        found = unseen(parts.store, at=AT, staff_id=staff_id, officer_of=officer_of)
        return [each.code for each in found.own], [each.code for each in found.others]

    assert shown(alice.staff_id) == ([NoticeCode.ADDED], [])
    assert shown(bob.staff_id, FIRE) == ([NoticeCode.RESET], [NoticeCode.ADDED])
    assert shown(bob.staff_id, "nwas") == ([NoticeCode.RESET], [])
    first = unseen(parts.store, at=AT, staff_id=bob.staff_id, officer_of=FIRE)
    mark_seen(parts.store, bob.staff_id, first.up_to)
    assert shown(bob.staff_id, FIRE) == ([], [])
    assert shown(alice.staff_id) == ([NoticeCode.ADDED], [])  # each sees for themselves
    with writing(parts.store) as connection:
        give_notice(connection, bob.staff_id, NoticeCode.CODE_USED, AT)
    mark_seen(parts.store, bob.staff_id, first.up_to - 1)  # an old page, sent again
    assert shown(bob.staff_id) == ([NoticeCode.CODE_USED], [])


def test_what_is_yet_to_come_cannot_be_seen_beforehand(parts: Parts) -> None:
    """Whoever is in somebody's session must not keep from them what happens next."""
    _, alice = parts.sign_in()
    mark_seen(parts.store, alice.staff_id, 10**17)
    with writing(parts.store) as connection:
        give_notice(connection, alice.staff_id, NoticeCode.RESET, AT)

    found = unseen(parts.store, at=AT, staff_id=alice.staff_id, officer_of=None)
    assert [each.code for each in found.own] == [NoticeCode.RESET]


def test_a_notice_goes_with_time(parts: Parts) -> None:
    _, alice = parts.sign_in()
    with writing(parts.store) as connection:
        give_notice(connection, alice.staff_id, NoticeCode.ADDED, AT)

    def seen(days: float, **more: Any) -> int:
        return len(notices(parts.store, at=later(days=days), staff_id=alice.staff_id, **more))

    assert (seen(29), seen(31), seen(8, within=timedelta(days=7))) == (1, 0, 0)
    with writing(parts.store) as connection:
        purge_notices(connection, later(days=31))
    assert seen(1) == 0

"""Notices: for the person and their organisation's officers, for thirty days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateway.identity.factors.factor_notices import NoticeCode, give_notice, notices, purge_notices
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

"""Everybody whom a directory has vouched for, read many at a time."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from gateway.identity import known_staff
from gateway.identity.known_staff import count_staff, everybody
from gateway.store.engine import reading, writing
from tests.gateway.identity.parts import AT, FIRE, KINDS, Parts, new_parts
from vetting.membership import Membership
from vetting.person import PersonKey
from vetting.register_membership import begin

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def staff_of(parts: Parts, kept_here: frozenset[str] = frozenset()) -> tuple[list[str], list[int]]:
    """Who is given, and what was told of the progress."""
    told: list[int] = []
    given = everybody(
        lambda: reading(parts.store), parts.register, KINDS, kept_here, AT, told.append
    )
    return sorted(f"{each.organisation}/{each.employee_number}" for each in given), told


def test_everybody_is_given_once_whatever_the_portions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_parts(tmp_path) as parts:
        for number in range(5):
            parts.sign_in(f"a{number}", f"4001{number}")
        parts.sign_in("jo", "40011", organisation="nwas")
        expected = [*(f"{FIRE}/4001{number}" for number in range(5)), "nwas/40011"]
        for portion in (1, 2, 3, 6, 7):
            monkeypatch.setattr(known_staff, "AT_ONCE", portion)
            given, told = staff_of(parts)

            assert given == expected
            assert told[-1] == 6
        with reading(parts.store) as connection:
            assert count_staff(connection) == 6


def test_who_does_not_work_there_now_is_not_given(tmp_path: Path) -> None:
    """Nor are people of an organisation that is gone from the settings."""
    with new_parts(tmp_path) as parts:
        parts.sign_in("alice", "40011")
        parts.sign_in("left", "40012")
        parts.sign_in("who", "1", organisation="gone")
        for number, ends_on in (("40011", None), ("40012", date(2026, 11, 20))):
            value = Membership(
                person=f"p-{number}",
                key=PersonKey(organisation=FIRE, employee_number=number),
                starts_on=date(2026, 1, 1),
                ends_on=ends_on,
            )
            with writing(parts.store) as connection:
                begin(connection, value, by="test", at=AT)

        assert staff_of(parts)[0] == [f"{FIRE}/40011"]

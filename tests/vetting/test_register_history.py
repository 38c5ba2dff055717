"""The history of the register."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vetting.person import PersonKey
from vetting.register_history import ChangeKind, RowChange, append_changes, changes_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

ANN = PersonKey(organisation="cheshire-fire", employee_number="40011")
KEY = {"organisation": ANN.organisation, "employee_number": ANN.employee_number}
AT = datetime(2026, 6, 1, 12, 0, 0, 7, tzinfo=UTC)


def test_changes_are_told_in_the_order_they_were_made_with_what_differs(
    connection: Connection,
) -> None:
    before = KEY | {"id": "g1", "level": "RV", "status": "granted", "expires_on": None}
    after = before | {"status": "suspended", "expires_on": "2027-01-01"}
    changes = [
        RowChange(kind=ChangeKind.GRANT_CHANGED, before=before, after=after),
        RowChange(kind=ChangeKind.GRANT_REMOVED, before=after, after=None),
    ]
    append_changes(connection, changes, by="officer", at=AT)

    changed, removed = changes_of(connection, ANN)

    assert (changed.sequence, removed.sequence) == (1, 2)
    assert (changed.at, changed.by, changed.person) == (AT, "officer", ANN)
    assert set(changed.changed) == {
        ("status", "granted", "suspended"),
        ("expires_on", "", "2027-01-01"),
    }
    assert (removed.kind, removed.item, removed.level) == (ChangeKind.GRANT_REMOVED, "g1", "RV")
    assert ("status", "suspended", "") in removed.changed


def test_nothing_done_leaves_no_line(connection: Connection) -> None:
    append_changes(connection, [], by="officer", at=AT)

    assert changes_of(connection, ANN) == ()

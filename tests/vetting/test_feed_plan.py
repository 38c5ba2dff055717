"""What an export changes, and which of it may be made at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.vetting.exports import TERMS, row, to_csv
from vetting.errors import RegisterError
from vetting.feed_file import read_feed
from vetting.feed_plan import (
    FeedPlan,
    changes_from_text,
    changes_to_text,
    make_changes,
    newest_export,
    note_import,
    plan_feed,
)
from vetting.grants import GrantStatus
from vetting.person import PersonKey
from vetting.register_as_of import follows_from_history

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vetting.register import Register

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
ANN = PersonKey(organisation="cheshire-fire", employee_number="40001")


def plan(connection: Connection, *rows: dict[str, Any]) -> FeedPlan:
    return plan_feed(connection, "unit", read_feed(to_csv(*rows), TERMS), TERMS.order)


def take_over(connection: Connection, *rows: dict[str, Any]) -> FeedPlan:
    planned = plan(connection, *rows)
    changes = (*planned.tightening, *planned.loosening)
    make_changes(connection, changes, by="feed unit, export 0, m.jones", at=AT)
    return planned


def test_new_changed_missing_and_unchanged_are_told_apart(
    register: Register, connection: Connection
) -> None:
    first = take_over(connection, row(1), row(2), row(3))
    assert (first.new, first.present, len(first.loosening)) == (3, 0, 3)

    second = take_over(connection, row(1), row(2, status="suspended"), row(4, status="requested"))

    assert (second.new, second.changed, second.missing, second.unchanged) == (1, 1, 1, 1)
    assert (len(second.tightening), len(second.loosening), second.held) == (3, 0, ())
    assert second.drop_percent == pytest.approx(100 / 3)
    gone = PersonKey(organisation="cheshire-fire", employee_number="40003")
    (held,) = register.clearance_of(connection, gone).grants
    assert held.status is GrantStatus.TERMINATED
    assert (
        plan(connection, row(1), row(2, status="suspended"), row(4, status="requested")).missing
        == 0
    )
    assert follows_from_history(connection, gone, at=AT)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "suspended"},
        {"status": "withdrawn"},
        {"status": "under-review"},
        {"expires_on": "2026-12-31"},
        {"review_due_on": "2026-12-31"},
        {"level": "N1"},
        {"status": "restricted", "functions": "pay.slip"},
        {"contract": "C-1"},
        {"reference": "CP/9"},
        {"granted_on": "2025-06-01"},
    ],
)
def test_what_takes_away_tightens(connection: Connection, changes: dict[str, Any]) -> None:
    take_over(connection, row(1))

    planned = plan(connection, row(1, **changes))

    assert (len(planned.tightening), len(planned.loosening)) == (1, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_on": "2029-12-31"},
        {"level": "N3"},
        {"level": "SC"},
        {"granted_on": "2024-01-01"},
        {"sponsor": "cheshire-police"},
        {"employee_number": "40009"},
        {"level": "N1", "expires_on": "2028-01-01"},
        {"functions": "pay.slip hr.me", "status": "restricted", "contract": "C-1"},
    ],
)
def test_what_gives_loosens_even_if_it_takes_away_too(
    connection: Connection, changes: dict[str, Any]
) -> None:
    begun = {"functions": "pay.slip", "status": "restricted", "contract": "C-1"}
    take_over(connection, row(1, **(begun if "functions" in changes else {})))

    assert len(plan(connection, row(1, **changes)).loosening) == 1


def test_an_export_does_not_undo_what_an_officer_did(
    register: Register, connection: Connection
) -> None:
    """It may have been written before the suspension, however well it is signed."""
    take_over(connection, row(1), row(2))
    suspended = GrantStatus.SUSPENDED
    register.change_status(connection, "unit/V1", suspended, by="m.jones", at=AT)

    planned = plan(connection, row(1), row(2, expires_on="2030-01-01"))
    assert [change.after["id"] for change in planned.held if change.after] == ["unit/V1"]
    assert len(planned.loosening) == 1
    # The feed's own suspension the feed may lift.
    take_over(connection, row(1), row(2, status="suspended"))
    assert len(plan(connection, row(1), row(2)).loosening) == 1


def test_grants_of_others_are_not_missing(register: Register, connection: Connection) -> None:
    take_over(connection, row(1))
    other = read_feed(to_csv(row(7)), TERMS).rows[0][1]
    for key in ("unit2/V7", "cli-1", "unitary"):
        register.grant(connection, ANN, replace(other, id=key), by="officer", at=AT)

    assert plan(connection, row(1)).missing == 0


def test_changes_wait_as_text_and_are_refused_if_the_register_moved_on(
    register: Register, connection: Connection
) -> None:
    take_over(connection, row(1))
    waiting = changes_to_text(plan(connection, row(1, expires_on="2030-01-01")).loosening)
    assert changes_from_text(waiting) == plan(connection, row(1, expires_on="2030-01-01")).loosening

    register.change_status(connection, "unit/V1", GrantStatus.SUSPENDED, by="o", at=AT)

    with pytest.raises(RegisterError, match="was changed since this was proposed"):
        make_changes(connection, changes_from_text(waiting), by="feed unit, x", at=AT)
    assert register.clearance_of(connection, ANN).reach(at=AT) == 0
    with pytest.raises(RegisterError, match="cannot be read"):
        changes_from_text("[[1]]")


def test_the_newest_export_is_known(connection: Connection) -> None:
    assert newest_export(connection, "unit") is None
    for day in (19, 20):
        exported_at = datetime(2026, 11, day, 6, tzinfo=UTC)
        note_import(connection, "unit", exported_at=exported_at, digest="0", by="o", at=AT)

    assert newest_export(connection, "unit") == datetime(2026, 11, 20, 6, tzinfo=UTC)
    assert newest_export(connection, "other") is None


def test_an_older_export_that_was_planned_before_a_newer_one_came_is_not_noted(
    connection: Connection,
) -> None:
    """Two that are imported at once were both planned on the register before either."""
    older = datetime(2026, 11, 20, 6, tzinfo=UTC)
    newer = datetime(2026, 11, 21, 6, tzinfo=UTC)
    note_import(connection, "unit", exported_at=newer, digest="1", by="o", at=AT)
    note_import(connection, "other", exported_at=older, digest="2", by="o", at=AT)

    for exported_at in (older, newer):
        with pytest.raises(RegisterError, match="only a newer one can be"):
            note_import(connection, "unit", exported_at=exported_at, digest="3", by="o", at=AT)
    assert newest_export(connection, "unit") == newer

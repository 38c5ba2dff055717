"""Spans of time in which levels are reached."""

from __future__ import annotations

from datetime import UTC, datetime

from vetting.reach_over_time import OverTime, Span, changes_of

MAY, JUNE, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7))


def span(begins_at: datetime, ends_at: datetime | None, reach: int, *functions: str) -> Span:
    return Span(
        begins_at=begins_at,
        ends_at=ends_at,
        reach=reach,
        functions=frozenset(functions) or None,
        granted=None,
    )


def test_what_overlaps_is_reached_together_and_restricted_grants_for_their_functions() -> None:
    spans = [span(MAY, JULY, 0b01), span(JUNE, None, 0b10, "pay.slip")]
    changes = changes_of(spans)
    found = OverTime.of(spans, changes)

    assert changes == (MAY, JUNE, JULY)
    assert found.reach == (0, 0b01, 0b01, 0)
    assert found.reach_for == {"pay.slip": (0, 0b01, 0b11, 0b10)}


def test_a_span_is_cut_to_a_membership_and_is_nothing_outside_it() -> None:
    held = span(MAY, None, 1)

    assert held.within(JUNE, JULY) == span(JUNE, JULY, 1)
    assert span(MAY, JUNE, 1).within(JUNE, JULY) is None
    assert span(JUNE, JULY, 1).within(MAY, None) == span(JUNE, JULY, 1)

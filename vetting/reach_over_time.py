"""Spans of time in which levels are reached, and what they come to between any two changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from vetting.levels import LevelId


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From when to when which levels are reached, and for which functions (None for all).

    `granted` is who granted which level, where the host does not accept that body in general.
    """

    begins_at: datetime
    ends_at: datetime | None
    reach: int
    functions: frozenset[str] | None
    granted: tuple[str, LevelId] | None

    def within(self, begins_at: datetime, ends_at: datetime | None) -> Span | None:
        """Give the part within other bounds; None when there is none."""
        begins = max(self.begins_at, begins_at)
        ends = min((end for end in (self.ends_at, ends_at) if end is not None), default=None)
        if ends is not None and ends <= begins:
            return None
        return replace(self, begins_at=begins, ends_at=ends)


def changes_of(spans: Iterable[Span]) -> tuple[datetime, ...]:
    """Give the instants at which spans begin or end, ascending."""
    begins = {span.begins_at for span in spans}
    return tuple(sorted(begins | {span.ends_at for span in spans if span.ends_at is not None}))


@dataclass(frozen=True, slots=True, kw_only=True)
class OverTime:
    """What spans reach before the first instant of change, between and after the last of them."""

    reach: tuple[int, ...]
    reach_for: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, spans: list[Span], changes: tuple[datetime, ...]) -> OverTime:
        """Work it out; between two changes the reach is that of the earlier one."""

        def over_time(function: str | None) -> tuple[int, ...]:
            return (0, *(_reach_at(spans, instant, function) for instant in changes))

        functions = sorted({function for span in spans for function in span.functions or ()})
        return cls(reach=over_time(None), reach_for={name: over_time(name) for name in functions})


def _reach_at(spans: list[Span], at: datetime, function: str | None) -> int:
    reach = 0
    for span in spans:
        lasts = span.begins_at <= at and (span.ends_at is None or at < span.ends_at)
        if lasts and (span.functions is None or function in span.functions):
            reach |= span.reach
    return reach

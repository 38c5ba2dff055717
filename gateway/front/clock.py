"""The gateway's only clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def wall_us() -> int:
    """Give the present instant in microseconds since 1970 UTC: the gateway's only clock."""
    return time.time_ns() // 1000


def instant(at_us: int) -> datetime:
    """Give an instant in microseconds as an aware datetime."""
    return _EPOCH + timedelta(microseconds=at_us)


def clock() -> datetime:
    """Give the present instant."""
    return instant(wall_us())

"""The gateway's only clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gateway.store.schema import instant

if TYPE_CHECKING:
    from datetime import datetime


def wall_us() -> int:
    """Give the present instant in microseconds since 1970 UTC: the gateway's only clock."""
    return time.time_ns() // 1000


def clock() -> datetime:
    """Give the present instant."""
    return instant(wall_us())

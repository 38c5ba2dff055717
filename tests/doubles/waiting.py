"""Waiting for what comes about elsewhere, and failing in time if it does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


def wait_until(
    holds: Callable[[], object],
    *,
    seconds: float = 10.0,
    every: float = 0.005,
    found: Callable[[], object] = lambda: "it does not come about",
) -> None:
    """Wait until something holds.

    Args:
        holds: tells whether it does.
        seconds: how long it is waited for.
        every: seconds between two looks; more where a look costs something.
        found: says what there is in its place, for whoever reads the failure.

    Raises:
        AssertionError: it does not hold in time.
    """
    latest = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > latest:
            raise AssertionError(f"after {seconds:g} s: {found()}")
        time.sleep(every)


async def until(holds: Callable[[], object], seconds: float = 5) -> None:
    """Wait until something holds that comes about on this event loop; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 -- what is waited for tells nobody
            await asyncio.sleep(0.01)

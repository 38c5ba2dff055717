"""Waiting for what comes about in another thread or process, and failing in time if it does not."""

from __future__ import annotations

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

"""Runs the command `gateway` as on a disk that takes a millisecond longer to sync.

    python -m tests.benchmarks.slow_disk serve --config FILE

The wait is put before every `os.fdatasync` and `os.fsync` of the process, and so of the workers
forked from it. It sleeps where the sync would: in the thread that calls it, with the lock of the
interpreter released. What the database of sessions syncs by itself is not slowed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from gateway.cli.main import main

ADDED_SECONDS = 0.001


def slowed(
    sync: Callable[[int], None], wait: Callable[[float], None] = time.sleep
) -> Callable[[int], None]:
    """Give a sync that takes that much longer."""

    def synced(handle: int) -> None:
        wait(ADDED_SECONDS)
        sync(handle)

    return synced


if __name__ == "__main__":
    # Narrower than what stands there: a file object, which nobody here gives.
    os.fdatasync = slowed(os.fdatasync)  # type: ignore[assignment]
    os.fsync = slowed(os.fsync)  # type: ignore[assignment]
    main()

"""What a server costs besides time: CPU seconds of all its processes, and disk for the record."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

POLL_SECONDS = 0.1
SETTLED_SECONDS = 1.0
SETTLE_LIMIT_SECONDS = 120.0


class NotSettledError(Exception):
    """The record was still being sealed long after the load."""


def cpu_seconds(pids: tuple[int, ...]) -> float:
    """Add up the CPU seconds of processes and their descendants, user and system.

    Args:
        pids: of the processes that were started, such as a master of workers.
    """
    total = 0.0
    for pid in pids:
        process = psutil.Process(pid)
        for each in (*process.children(recursive=True), process):
            with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
                times = each.cpu_times()
                # Those of children that have ended count too: a server may replace its workers.
                total += times.user + times.system + times.children_user + times.children_system
    return total


def disk_bytes(folder: Path) -> int:
    """Add up what the files below a folder occupy on the disk."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).stat().st_blocks * 512
            except FileNotFoundError:  # a journal file that was drained meanwhile
                continue
    return total


def sealed_entries(checkpoint: Path) -> int:
    """Give the number of entries under a signed checkpoint: its second line (C2SP)."""
    try:
        return int(checkpoint.read_text("utf-8").split("\n", 2)[1])
    except (FileNotFoundError, IndexError):
        return 0


def wait_until_sealed(checkpoint: Path, sleep: Callable[[float], None] = time.sleep) -> float:
    """Wait until the sequencer has nothing left to seal.

    Returns:
        How long it went on sealing, in seconds.

    Raises:
        NotSettledError: if it is still sealing after two minutes.
    """
    begun = changed = time.monotonic()
    size = sealed_entries(checkpoint)
    while (now := time.monotonic()) - changed < SETTLED_SECONDS:
        if now - begun > SETTLE_LIMIT_SECONDS:
            message = f"the sequencer is still sealing after {SETTLE_LIMIT_SECONDS:.0f} s"
            raise NotSettledError(message)
        sleep(POLL_SECONDS)
        if (seen := sealed_entries(checkpoint)) != size:
            size, changed = seen, time.monotonic()
    return changed - begun

"""A slow disk syncs all the same, and only after its millisecond."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.audit.disk import Disk
from tests.benchmarks.slow_disk import ADDED_SECONDS, slowed


def test_a_sync_comes_after_the_wait() -> None:
    order: list[object] = []

    slowed(order.append, order.append)(7)

    assert order == [ADDED_SECONDS, 7]


def test_it_stands_before_what_the_gate_syncs_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate's disk asks `os` by name at each sync, which is what the launcher relies on."""
    waits: list[float] = []
    monkeypatch.setattr(os, "fdatasync", slowed(os.fdatasync, waits.append))
    monkeypatch.setattr(os, "fsync", slowed(os.fsync, waits.append))

    Disk().replace_file(tmp_path / "checkpoint", b"signed")

    assert (tmp_path / "checkpoint").read_bytes() == b"signed"
    assert waits == [ADDED_SECONDS] * 2

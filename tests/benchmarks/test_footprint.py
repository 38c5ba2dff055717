"""What a server costs is counted over all its processes and files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.benchmarks.footprint import cpu_seconds, disk_bytes, sealed_entries, wait_until_sealed

BURN = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"


def test_the_work_of_a_process_that_has_ended_is_counted_with_its_parent() -> None:
    """A server may replace its workers during a run."""
    work = f"subprocess.run([sys.executable, '-c', {BURN!r}])"
    waits = f"import subprocess, sys; {work}; print('done', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", waits], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdout.readline()  # by then its child has ended
        counted = cpu_seconds((parent.pid,))
        parent.stdin.close()

    # The system counts in ticks, four times rounded; the parent alone has some hundredths.
    assert counted >= 0.2


def test_files_below_a_folder_are_added_up(tmp_path: Path) -> None:
    (tmp_path / "tile").mkdir()
    (tmp_path / "tile" / "000").write_bytes(b"x" * 100_000)

    assert 100_000 <= disk_bytes(tmp_path) <= 150_000


def test_the_size_of_the_log_is_read_from_its_checkpoint(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"

    assert sealed_entries(checkpoint) == 0
    checkpoint.write_text("demo/log\n1234\nroot\n\n— demo/log signature\n", "utf-8")
    assert sealed_entries(checkpoint) == 1234


def test_it_waits_until_the_log_no_longer_grows(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    sizes = iter((1, 2, 3))

    def grow(_seconds: float) -> None:
        checkpoint.write_text(f"demo/log\n{next(sizes, 3)}\n", "utf-8")

    wait_until_sealed(checkpoint, sleep=grow)

    assert sealed_entries(checkpoint) == 3

"""Processes of the demo end when they are told to, and never outlive the one that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from deploy.demo.processes import MAX_RESTARTS, Child
from tests.doubles.waiting import wait_until

SECONDS = 15.0
# Writes its own number and that of a process it started, which ignores TERM as it does.
WITH_CHILD = """
import subprocess, sys, time, os
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""


def child_of(tmp_path: Path, code: str) -> Child:
    return Child(
        title="a process",
        command=[sys.executable, "-c", code],
        log=tmp_path / "said.log",
        folder=tmp_path,
    )


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_process_and_what_it_started_end_together(tmp_path: Path) -> None:
    child = child_of(tmp_path, WITH_CHILD)
    child.start()
    wait_until(lambda: child.log.exists() and child.log.read_text().endswith("\n"), seconds=SECONDS)
    pids = [int(word) for word in child.log.read_text().split()]
    child.ask_to_end()
    child.end()

    assert len(pids) == 2
    wait_until(lambda: not any(is_running(pid) for pid in pids), seconds=SECONDS)


def test_what_it_is_told_stands_beside_what_this_process_knows(tmp_path: Path) -> None:
    child = child_of(tmp_path, "import os; print(os.environ['TOLD'], 'PATH' in os.environ)")
    child.environment = {"TOLD": "something"}
    child.start()
    wait_until(lambda: child.exit_code == 0, seconds=SECONDS)

    assert child.log.read_text() == "something True\n"


def test_how_it_ended_and_what_it_said_last_are_told(tmp_path: Path) -> None:
    child = child_of(tmp_path, "print('no such setting'); raise SystemExit(3)")
    child.start()
    wait_until(lambda: child.exit_code is not None, seconds=SECONDS)
    child.end()

    assert child.exit_code == 3
    assert "no such setting" in child.last_words()


def test_restarts_are_bounded(tmp_path: Path) -> None:
    """A process that cannot run must not be started for ever."""
    child = child_of(tmp_path, "pass")

    assert [child.may_restart() for _ in range(MAX_RESTARTS + 1)] == [True] * MAX_RESTARTS + [False]


def test_it_ends_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    """Nobody is left to end it then, so the kernel tells it."""
    supervisor = f"""
import sys, time
from pathlib import Path
from deploy.demo.processes import Child
child = Child(title="x", command=[sys.executable, "-c", "import time; time.sleep(600)"],
              log=Path({str(tmp_path)!r}) / "said.log", folder=Path("/"))
child.start()
print(child.pid, flush=True)
time.sleep(600)
"""
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", supervisor], stdout=subprocess.PIPE, cwd=root
    ) as supervising:
        assert supervising.stdout is not None
        pid = int(supervising.stdout.readline())
        assert is_running(pid)
        os.kill(supervising.pid, signal.SIGKILL)
        supervising.wait()

        wait_until(lambda: not is_running(pid), seconds=SECONDS)

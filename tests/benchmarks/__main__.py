"""Runs the groups of benchmarks (`make bench`), each in a process of its own, or one (`BENCH=`).

A group is a module beside this one that merges its figures into var/bench/results.json.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys

GROUPS = ("decision", "gate", "gate_more", "gate_scale", "peers", "signin", "privacy", "vetting")


def main() -> int:
    """Run what was asked for; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("group", nargs="?", choices=GROUPS, help="one group; without it, all")
    chosen = parser.parse_args()
    worst = 0
    for group in (chosen.group,) if chosen.group else GROUPS:
        worst = max(worst, run(group))
    return worst


def run(group: str) -> int:
    """Run one group; Ctrl-C reaches it too, and it is given the time to end its servers."""
    command = [sys.executable, "-m", f"tests.benchmarks.{group}"]
    with subprocess.Popen(command) as process:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: process.terminate())
        code = process.wait()
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main())

"""`make demo` as a process of its own, which a test reads, ends and kills."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.demo.places import PROJECT
from tests.doubles.waiting import wait_until


class DemoCommand:
    """`python -m deploy.demo` in a folder of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.demo", "--folder", str(folder), "--port", str(port)],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def read_until_ready(self) -> list[str]:
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith("ready: "):
                return lines
        pytest.fail("\n".join(lines))

    def running(self) -> list[str]:
        """Give the command lines of every process that has to do with the folder."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and int(entry.name) != self.process.pid:
                try:
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
                if str(self.folder) in command:
                    found.append(command)
        return found

    def wait_until_nothing_runs(self) -> None:
        wait_until(lambda: not self.running(), seconds=20, every=0.05, found=self.running)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()

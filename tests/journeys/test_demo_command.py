"""`make demo` as a person meets it: it says when it is ready, and leaves nothing running."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.demo.__main__ import port_of
from deploy.demo.places import PROJECT, free_ports
from deploy.demo.stack import DemoError

READY_SECONDS = 60


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
        latest = time.monotonic() + 20
        while self.running():
            assert time.monotonic() < latest, self.running()
            time.sleep(0.05)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give one for all: what is stored is kept from one run to the next, as for a person."""
    return tmp_path_factory.mktemp("command") / "demo"


@pytest.fixture
def command(folder: Path) -> Iterator[DemoCommand]:
    started = DemoCommand(folder, free_ports(1)[0])
    yield started
    started.close()


def test_it_prints_the_accounts_refuses_a_second_and_ends_without_a_trace(
    command: DemoCommand,
) -> None:
    """Two would write to the same databases. Ctrl-C ends all of it; the data are kept."""
    lines = command.read_until_ready()
    running = command.running()
    second = DemoCommand(command.folder, free_ports(1)[0])
    refused, _ = second.process.communicate(timeout=30)
    command.process.send_signal(signal.SIGINT)
    code = command.process.wait(30)
    command.wait_until_nothing_runs()

    assert second.process.returncode == 1
    assert "a demo is running in" in refused
    assert len(running) >= 6
    assert code == 0
    assert any("watch-manager" in line for line in lines)
    assert lines[-1].startswith("ready: http://localhost:")
    assert (command.folder / "directories" / "cheshire-fire" / "data").is_dir()


def test_nothing_is_left_when_it_is_killed(command: DemoCommand) -> None:
    """A supervisor that is killed cannot end anything any more; the kernel does."""
    command.read_until_ready()
    os.kill(command.process.pid, signal.SIGKILL)
    command.process.wait()

    command.wait_until_nothing_runs()
    assert command.process.returncode == -signal.SIGKILL


def test_a_dead_process_is_started_again(command: DemoCommand) -> None:
    """The gateway itself, which everybody needs, is killed."""
    port = int(command.read_until_ready()[-1].rpartition(":")[2])
    (gateway,) = gateway_masters(command)
    os.kill(gateway, signal.SIGKILL)
    latest = time.monotonic() + READY_SECONDS
    while gateway in gateway_masters(command) or not is_ready(port):
        assert time.monotonic() < latest
        time.sleep(0.1)


def gateway_masters(command: DemoCommand) -> list[int]:
    """Give the gateway's first process: the child of the supervisor that serves."""
    children = Path(f"/proc/{command.process.pid}/task/{command.process.pid}/children")
    return [
        int(pid)
        for pid in children.read_text().split()
        if b"\0serve\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/-/ready", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def test_a_port_in_use_is_said_in_one_line(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = DemoCommand(folder, port)
        said, _ = command.process.communicate(timeout=30)

    assert command.process.returncode == 1
    assert said.startswith(f"demo: port {port} is in use by another program")
    assert f"PORT={port + 1} make demo" in said


@pytest.mark.parametrize(
    ("option", "word", "told"),
    [
        ("--port", "65536", "is no port"),
        ("--day", "tomorrow", "is no day"),
        ("--scenario", "hampshir", "there are: bch, cheshire-blue-light, cleveland-steria, "),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    folder: Path, option: str, word: str, told: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.demo", "--folder", str(folder), option, word],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("demo: ")
    assert done.stderr.count("\n") == 1
    assert told in done.stderr


@pytest.mark.parametrize("port", ["0", "http", "-1", ""])
def test_a_port_is_a_number(port: str) -> None:
    with pytest.raises(DemoError, match="is no port"):
        port_of(port)

"""`make demo` when it is killed, or the gateway under it.

Beside what they rest on, quicker ones are in `tests/deploy/demo/test_processes.py`.
"""

from __future__ import annotations

import http.client
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.demo.places import free_ports
from tests.doubles.waiting import wait_until
from tests.journeys.demo_command import DemoCommand

READY_SECONDS = 60


@pytest.fixture
def command(tmp_path: Path) -> Iterator[DemoCommand]:
    started = DemoCommand(tmp_path / "demo", free_ports(1)[0])
    yield started
    started.close()


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
    wait_until(
        lambda: gateway not in gateway_masters(command) and is_ready(port),
        seconds=READY_SECONDS,
        every=0.1,
    )


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

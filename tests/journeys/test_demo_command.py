"""`make demo` as a person meets it: it says when it is ready, and leaves nothing running.

What becomes of it when it or a part of it is killed: `tests/faults/test_demo_kills.py`.
"""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.demo.__main__ import main, port_of
from deploy.demo.places import free_ports
from deploy.demo.stack import DemoError
from tests.journeys.demo_command import DemoCommand

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
    folder: Path,
    option: str,
    word: str,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["deploy.demo", "--folder", str(folder), option, word])
    handlers = {number: signal.getsignal(number) for number in ENDING}
    try:
        code = main()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    said = capsys.readouterr()

    assert code == 1
    assert said.err.startswith("demo: ")
    assert said.err.count("\n") == 1
    assert told in said.err


@pytest.mark.parametrize("port", ["0", "http", "-1", ""])
def test_a_port_is_a_number(port: str) -> None:
    with pytest.raises(DemoError, match="is no port"):
        port_of(port)

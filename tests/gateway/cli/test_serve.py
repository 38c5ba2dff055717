"""`gateway serve` and `gateway sequencer`: refuse with one line, end when told."""

from __future__ import annotations

import gc
import signal
import socket
import subprocess
import sys
import threading
import weakref

import pytest

from gateway.cli import serve
from gateway.front import heap
from tests.gateway.cli.place import Place

PROGRAM = [sys.executable, "-c", "from gateway.cli.main import main; main()"]


def test_a_port_in_use_is_told_in_one_line(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = place.config.read_text()
        place.config.write_text(
            text.replace("[gateway]", f'[gateway]\nlisten = "127.0.0.1:{port}"')
        )

        command = [*PROGRAM, "serve", "--config", str(place.config)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert ran.returncode == 1
    assert f"`127.0.0.1:{port}` is in use" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1, ran.stderr


def test_serving_refuses_without_keys(place: Place) -> None:
    for file in place.settings.keys.directory.glob("session-*"):
        file.unlink()

    told = place.run("serve")

    assert told.code == 1
    assert "run `gateway keys init`" in told.err


def test_the_sequencer_ends_cleanly_when_told(place: Place) -> None:
    assert place.run("keys", "rotate", "session").code == 0
    command = [*PROGRAM, "sequencer", "--config", str(place.config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        signed = place.settings.record.directory / "log" / "checkpoint"
        deadline = 300
        while not signed.exists() and process.poll() is None and deadline:
            deadline -= 1
            with __import__("contextlib").suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        assert signed.exists()
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=20)

    assert process.returncode == 0, told
    assert "Traceback" not in told


def test_the_sequencer_gives_back_what_lies_in_old_cycles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what has outlived the collections of what is young, and the pages of the C library."""
    monkeypatch.setattr(serve, "_GC_SECONDS", 0.001)
    given_back = threading.Event()
    monkeypatch.setattr(heap, "give_back", given_back.set)
    stop, gone = threading.Event(), threading.Event()
    cycle = Cycle()
    weakref.finalize(cycle, gone.set)
    gc.collect()
    del cycle
    gc.disable()
    collecting = threading.Thread(target=serve._collect_until, args=(stop,), daemon=True)
    try:
        collecting.start()
        assert gone.wait(10)
        assert given_back.wait(10)
    finally:
        stop.set()
        gc.enable()
    collecting.join(10)
    assert not collecting.is_alive()


class Cycle:
    """Holds itself."""

    def __init__(self) -> None:
        self.itself = self

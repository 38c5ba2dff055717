"""`gateway serve` and `gateway sequencer`: the two processes of the service."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from gateway.cli.opening import config_option, open_settings


@click.command()
@config_option
def serve(config: Path) -> None:
    """Serve the gateway."""
    from gateway.front.serve import run

    run(open_settings(config))


@click.command()
@config_option
def sequencer(config: Path) -> None:
    """Run the sequencer of the record."""
    from gateway.audit.sequencer import Sequencer
    from gateway.keys import KeyRing

    settings = open_settings(config)
    stop = threading.Event()
    # It ends between two steps, never within one, so that what it has begun is signed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    ring = KeyRing.open(settings.keys.directory)
    Sequencer(settings.record.directory, ring).run(stop)

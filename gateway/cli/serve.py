"""`gateway serve` and `gateway sequencer`: the two processes of the service."""

from __future__ import annotations

import gc
import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import Final

import click

from gateway.cli.opening import config_option, current_instant, open_settings

_GC_ALLOCATIONS: Final = 50_000  # between collections
_GC_SECONDS: Final = 150.0  # between those of all memory, see `gateway.front.collecting`


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
    from gateway.audit.sequencer import Sequencer, SequencerTimes
    from gateway.keys import KeyRing
    from gateway.operational_log import configure_operational_log

    settings = open_settings(config)
    stop = threading.Event()
    # It ends between two steps, never within one, so that what it has begun is signed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    configure_operational_log(settings.operational_log, component="sequencer")
    running = Sequencer(
        directory=settings.record.directory,
        key_ring=KeyRing.open(settings.keys.directory),
        origin=settings.record.origin,
        clock=current_instant,
        times=SequencerTimes(heartbeat=timedelta(minutes=settings.record.heartbeat_minutes)),
    )
    # A look makes thousands of rows and no cycles: the collector need not walk them each time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_ALLOCATIONS)
    threading.Thread(target=_collect_until, args=(stop,), daemon=True).start()
    try:
        running.run(stop)
    finally:
        running.close()


def _collect_until(stop: threading.Event) -> None:
    """Give back now and then what the interpreter and the C library keep, and what is in cycles.

    A look that takes in much leaves holes in the heap, among the pages that SQLite keeps.
    """
    from gateway.front.heap import give_back

    while not stop.wait(_GC_SECONDS):
        gc.collect()
        give_back()

"""Runs the back office: `python -m deploy.demo.backoffice --port ... --gateway ... --store ...`."""

from __future__ import annotations

import argparse
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from deploy.demo.backoffice.application import BackOffice
from deploy.demo.backoffice.assertion import AssertionVerifier
from deploy.demo.backoffice.people import People
from deploy.demo.backoffice.server import BackOfficeServer
from deploy.demo.backoffice.store import Store


def main() -> None:
    """Serve until TERM or INT."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo.backoffice", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="where to listen; 0 for a free one")
    parser.add_argument("--store", type=Path, required=True, help="folder of the store")
    parser.add_argument("--people", type=Path, required=True, help="file with everybody's names")
    parser.add_argument("--keys", required=True, help="URL of the gateway's public keys")
    parser.add_argument("--issuer", required=True, help="the gateway's origin, as it names itself")
    parser.add_argument("--audience", required=True, help="what this system is called")
    chosen = parser.parse_args()

    ending = threading.Event()
    chosen.store.mkdir(parents=True, exist_ok=True)
    store = Store(chosen.store / "backoffice.sqlite")
    people = People.read(chosen.people)
    verifier = AssertionVerifier(
        keys_url=chosen.keys, issuer=chosen.issuer, audience=chosen.audience, clock=_seconds
    )
    back_office = BackOffice(
        store=store,
        verifier=verifier,
        people=people,
        now=_now,
        wait=ending.wait,
    )
    server = BackOfficeServer(chosen.port, back_office, chosen.store / "requests.log")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    print(f"back office: http://127.0.0.1:{server.server_port}", flush=True)
    ending.wait()
    server.shutdown()
    server.server_close()
    store.close()


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - this process has no services; it is its own clock


def _seconds() -> float:
    return time.time()  # noqa: TID251 - as above


if __name__ == "__main__":
    main()

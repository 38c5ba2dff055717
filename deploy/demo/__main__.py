"""Runs the demo (`make demo`), or walks its tour without a person (`make demo-check`)."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType

from deploy.demo.accounts import Accounts
from deploy.demo.places import Places
from deploy.demo.stack import DemoError, Stack
from deploy.demo.tour import walk

LOOK_SECONDS = 0.2
DEFAULT_PORT = 8080
MAX_PORT = 65_535


def main() -> int:
    """Read the command line and run; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--port", default=str(DEFAULT_PORT), help="where the gateway listens")
    parser.add_argument("--folder", type=Path, default=Path("var/demo"), help="its data")
    parser.add_argument("--workers", type=int, default=2, help="of the gateway")
    parser.add_argument("--check", action="store_true", help="walk the tour on free ports, and end")
    chosen = parser.parse_args()
    ending = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        if not ending.is_set():
            ending.set()
            # While something is prepared or waited for, the wait is broken off.
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        if chosen.check:
            return check(chosen.workers)
        return run(chosen.folder, chosen.port, chosen.workers, ending)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(folder: Path, port: str, workers: int, ending: threading.Event) -> int:
    """Run the demo until it is told to end."""
    if not port.isdecimal() or not 0 < int(port) <= MAX_PORT:
        message = f"`{port[:20]}` is no port; write a number from 1 to {MAX_PORT} as PORT="
        raise DemoError(message)
    stack = Stack(places=Places.choose(folder, int(port)), say=say, workers=workers)
    try:
        stack.start()
        print(table(stack.accounts))
        print(f"ready: {stack.places.origin}", flush=True)
        while not ending.wait(LOOK_SECONDS):
            stack.look_after()
    except KeyboardInterrupt:
        say("ending")
    finally:
        stack.stop()
    say(f"everything has ended; the data stay in {folder} (make demo-reset forgets them)")
    return 0


def check(workers: int) -> int:
    """Walk the tour in a folder of its own, which is kept if a step fails."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-demo-"))
    stack = Stack(places=Places.choose(folder, None), say=say, workers=workers)
    failed = True
    try:
        stack.start()
        failed = not walk(stack.places, stack.accounts, print)
    finally:
        stack.stop()
        if failed:
            say(f"what the processes said is in {stack.places.logs}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return int(failed)


def say(text: str) -> None:
    """Tell how far it has come."""
    print(f"demo: {text}", flush=True)


def table(accounts: Accounts) -> str:
    """Lay the accounts out for people."""
    rows = [("Organisation", "Username", "Who", "Holds", "Tiles")]
    for account in accounts.each:
        held = [
            f"{grant.level} (ended)" if (grant.ends_days or 0) < 0 else grant.level
            for grant in account.grants
        ]
        who = account.role
        rows.append(
            (account.organisation, account.username, who, ", ".join(held), str(len(account.sees)))
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(["", *lines, "", f"password of all: {accounts.password}", ""])


if __name__ == "__main__":
    sys.exit(main())

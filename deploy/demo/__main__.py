"""Runs the demo (`make demo`), or walks through it without a person (`make demo-check`)."""

from __future__ import annotations

import argparse
import shlex
import shutil
import signal
import sys
import tempfile
import threading
from datetime import date
from pathlib import Path
from types import FrameType

from deploy.demo.places import Places
from deploy.demo.scenario import DEFAULT, Scenario, ScenarioError, load_scenario
from deploy.demo.stack import DemoError, Stack
from deploy.demo.tour import Tour
from deploy.demo.walk import Walk, walk

LOOK_SECONDS = 0.2
DEFAULT_PORT = 8080
MAX_PORT = 65_535


def main() -> int:
    """Read the command line and run; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--scenario", default=DEFAULT, help="which shared service to play")
    parser.add_argument("--day", default="", help="of its history, such as 2019-05-01")
    parser.add_argument("--port", default=str(DEFAULT_PORT), help="where the gateway listens")
    parser.add_argument("--folder", type=Path, help="its data; var/demo/SCENARIO if left out")
    parser.add_argument("--workers", type=int, default=2, help="of the gateway")
    parser.add_argument("--tls", action="store_true", help="serve over TLS, of an own authority")
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
        scenario = load_scenario(chosen.scenario)
        if chosen.check:
            return check(scenario, chosen.workers, tls=chosen.tls)
        folder = chosen.folder or Path("var/demo") / scenario.name
        port = port_of(chosen.port)
        places = Places.choose(folder, port, scenario=scenario, tls=chosen.tls)
        return run(
            Stack(places=places, say=say, workers=chosen.workers, day=day_of(chosen.day)), ending
        )
    except (DemoError, ScenarioError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def port_of(text: str) -> int:
    """Read a port."""
    if not text.isdecimal() or not 0 < int(text) <= MAX_PORT:
        message = f"`{text[:20]}` is no port; write a number from 1 to {MAX_PORT} as PORT="
        raise DemoError(message)
    return int(text)


def day_of(text: str) -> date | None:
    """Read a day of the scenario's history; None where nothing is written."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        message = f"`{text[:20]}` is no day; write one such as 2019-05-01 as DAY="
        raise DemoError(message) from error


def run(stack: Stack, ending: threading.Event) -> int:
    """Run the demo until it is told to end."""
    scenario = stack.scenario
    try:
        stack.start()
        say(f"{scenario.title}: {scenario.summary}")
        print(table(scenario))
        if played := stack.day or scenario.day:
            own = "" if played == scenario.day else f"; tiles as on {in_words(scenario.day)}"
            print(f"played as on {in_words(played)} (another: DAY=2019-05-01){own}\n")
        if ca_file := stack.places.ca_file:
            print(trust(ca_file, stack.places.origin))
        print(f"ready: {stack.places.origin}", flush=True)
        while not ending.wait(LOOK_SECONDS):
            stack.look_after()
    except KeyboardInterrupt:
        say("ending")
    finally:
        stack.stop()
    folder = stack.places.folder
    say(f"everything has ended; the data stay in {folder} (make demo-reset forgets them)")
    return 0


def check(scenario: Scenario, workers: int, *, tls: bool = False) -> int:
    """Walk through a demo in a folder of its own, which is kept if a step fails."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-demo-"))
    places = Places.choose(folder, None, scenario=scenario, tls=tls)
    stack = Stack(places=places, say=say, workers=workers)
    walked = Tour(stack=stack) if scenario.name == DEFAULT else Walk(stack=stack)
    failed = True
    try:
        stack.start()
        failed = not walk(walked.steps(), print)
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


def trust(ca_file: Path, origin: str) -> str:
    """Say how a browser or curl comes to trust the demo's certificate."""
    return (
        f"the certificate is of an authority of this demo alone: {ca_file}\n"
        f"  curl --cacert {shlex.quote(str(ca_file))} {origin}/-/health\n"
        "  a browser: import that file under certificates, authorities, for web sites, and remove\n"
        "  it afterwards. Its private key was thrown away, so nothing else can be signed with it.\n"
    )


def in_words(day: date | None) -> str:
    """Write a day."""
    return f"{day.day} {day:%B %Y}" if day else "today"


def table(scenario: Scenario) -> str:
    """Lay the accounts out for people."""
    accounts = scenario.accounts
    rows = [("Organisation", "Username", "Who", "Holds", "Tiles")]
    for account in accounts.each:
        held = [
            f"{grant.level} (ended)" if grant.ended else grant.level for grant in account.grants
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

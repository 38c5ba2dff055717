"""The soak (`make soak`): mixed load for half an hour, and whether everything stays as it was.

The whole demo with its directories and its back office, two workers, in a folder of its own. Many
people open pages of many functions and of the gate itself, fill in forms, fetch 20 MB, send files,
listen to events, are refused, are held by another proxy, hang up, come and go. It goes on for as
long as it is told, and until a million answers (of a shorter run, its share) were compared with
who asked. It fails, and says by what, when

    an answer carries another asker than who asked, or none (zero cross-talk)
    an answer has a status that was not due, or does not come; or too few come in twice the time
    a worker or the sequencer ends, or its memory is not flat within 5 % after the warm-up, or its
    descriptors

What the processes wrote to their logs is then kept, and where is said.

    python -m tests.soak --seconds 1800 --out var/bench/soak.json

The main figures go into var/bench/results.json too, as `soak.*`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from deploy.demo.places import PROJECT, Places
from deploy.demo.stack import DemoError, Stack
from deploy.demo.staff import staff_of
from tests.benchmarks.group import ENDING, end_in_order
from tests.benchmarks.report import say
from tests.benchmarks.results import Figure, merge
from tests.soak.due import CrossTalkError, Person, WrongAnswerError
from tests.soak.line import BrokenAnswerError
from tests.soak.load import Load, signed_in
from tests.soak.stand import SoakStack, kept_logs
from tests.soak.watch import MEBIBYTE, Course, Watch, judge

SECONDS = 1800
ANSWERS = 1_000_000  # that carry their asker, in so many seconds
LEAST_SECONDS = 30
MOST_TIMES = 2  # as long as it was told, until so many have come
WARM_SHARE = 0.2
MOST_WARM_SECONDS = 300.0
SAMPLE_SECONDS = 1.0
TELL_SECONDS = 10.0
STAFF_EACH = 8  # of each organisation, beside the role accounts
MOST_TOLD = 10
OUT = Path("var/bench/soak.json")
FAILURES = (CrossTalkError, WrongAnswerError, BrokenAnswerError)


def main() -> int:
    """Run the soak; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"{LEAST_SECONDS} or more")
    parser.add_argument("--out", type=Path, default=OUT, help="file of the figures")
    parser.add_argument("--answers", type=int, help="that must be compared; a million in 1800 s")
    chosen = parser.parse_args()
    if chosen.seconds < LEAST_SECONDS:
        parser.error(f"--seconds {chosen.seconds}: at least {LEAST_SECONDS}")
    end_in_order()
    parent = PROJECT / "var" / "bench"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=parent))
    stack = SoakStack(places=Places.choose(folder, None, with_providers=False), say=say)
    logs_tell_why = True
    try:
        stack.start()
        due = ANSWERS * chosen.seconds // SECONDS if chosen.answers is None else chosen.answers
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            violations, figures = runner.run(_soak(stack, chosen.seconds, due))
        logs_tell_why = bool(violations)
    except DemoError as error:
        sys.stderr.write(f"soak: {error}\n")
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("soak: ended before it was done; nothing is left running")
        logs_tell_why = False
        return 130
    finally:
        for number in ENDING:  # a second one must not break off the ending of the servers
            signal.signal(number, signal.SIG_IGN)
        stack.stop()
        if logs_tell_why and (kept := kept_logs(stack.places)):
            sys.stderr.write(f"soak: the logs are in {kept}\n")
        shutil.rmtree(folder, ignore_errors=True)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    say(json.dumps(figures, indent=2))
    merge(
        [Figure(key=f"soak.{name}", values=(value,), once=True) for name, value in _main(figures)]
    )
    for violation in violations[:MOST_TOLD]:
        sys.stderr.write(f"soak: FAILED: {violation}\n")
    if len(violations) > MOST_TOLD:
        sys.stderr.write(f"soak: FAILED: and {len(violations) - MOST_TOLD} more\n")
    if not violations:
        say(f"soak: passed; the figures are in {chosen.out}")
    return 1 if violations else 0


async def _soak(stack: SoakStack, seconds: int, due: int) -> tuple[list[str], dict[str, Any]]:
    """Load and watch; gives what was not as it should be, and the figures."""
    if this := asyncio.current_task():
        for number in ENDING:
            asyncio.get_running_loop().add_signal_handler(number, this.cancel)
    sequencer = {"the sequencer": stack.pid_of("the sequencer")}
    watch = Watch(gateway=stack.pid_of("the gateway"), beside=sequencer)
    load = Load(port=stack.places.port, password=stack.accounts.password)
    people = await asyncio.to_thread(_sign_in_all, stack)
    say(f"{len(people)} people are signed in; {seconds} s of load")
    visits = [asyncio.create_task(each) for each in _visits(load, people)]
    watching = asyncio.create_task(_watch(watch, load, seconds, due))
    begun = time.monotonic()
    done, _ = await asyncio.wait([*visits, watching], return_when=asyncio.FIRST_COMPLETED)
    load.ended.set()
    if not watching.done():
        watching.cancel()
    ended = await asyncio.gather(*visits, watching, return_exceptions=True)
    violations = [f"{each}" for each in ended if isinstance(each, FAILURES)]
    unforeseen = [
        each for each in ended if isinstance(each, Exception) and not isinstance(each, FAILURES)
    ]
    if unforeseen:
        raise unforeseen[0]
    crossed = sum(isinstance(each, CrossTalkError) for each in ended)
    whole, took = watching in done, time.monotonic() - begun
    if whole:
        violations += judge(watch, took - _warm_seconds(seconds))
    if whole and load.tally.carried < due:
        few = f"{load.tally.carried:,} of {due:,} came in {took:.0f} s"
        violations.append(f"answers that carry their asker: {few}")
    return violations, _figures(watch, load, seconds=took, crossed=crossed, whole=whole)


def _sign_in_all(stack: Stack) -> list[Person]:
    """Sign in the role accounts and some staff of each organisation, and read their portals."""
    accounts = stack.accounts
    named = [
        Person(
            organisation=each.organisation,
            username=each.username,
            number=each.employee_number,
            name=each.name,
        )
        for each in accounts.each
        if each.is_staff
    ]
    for organisation in stack.scenario.organisations:
        named += [
            Person(
                organisation=organisation.id,
                username=each.username,
                number=each.employee_number,
                name=each.name,
            )
            for each in staff_of(organisation, accounts)[-STAFF_EACH:]
        ]
    people: list[Person] = []
    for person in named:
        visitor = signed_in(stack.places.port, person, accounts.password)
        pages = tuple(tile.url for tile in visitor.tiles() if tile.url and not tile.needs)
        if pages:
            people.append(replace(person, cookie=visitor.cookie_field, pages=pages))
    return people


def _visits(load: Load, people: list[Person]) -> list[Any]:
    by_name = {person.username: person for person in people}
    fire, police = by_name["firefighter"], by_name["constable"]
    watch, detective = by_name["watch-manager"], by_name["detective"]
    return [
        *(load.read_pages(person) for person in people),
        *(load.download(person) for person in (fire, detective)),
        *(load.upload(person) for person in (watch, police)),
        *(load.listen(person) for person in (fire, police, detective)),
        *(load.send_forms(person) for person in (fire, detective)),
        *(load.read_portal(person) for person in (watch, police)),
        *(load.be_held(person) for person in (fire, police)),
        *(load.leave_early(person) for person in (watch, detective)),
        *(load.be_refused(person) for person in (fire, watch)),
        *(load.come_and_go(person) for person in (watch, police, detective)),
    ]


async def _watch(watch: Watch, load: Load, seconds: int, due: int) -> None:
    """Sample until the time is up and enough has come; tell how far it has come."""
    begun = time.monotonic()
    latest = begun + MOST_TIMES * seconds
    warm_until = begun + _warm_seconds(seconds)
    warm, told = False, begun
    while (now := time.monotonic()) < begun + seconds or (
        now < latest and load.tally.carried < due
    ):
        watch.sample()
        if not warm and now >= warm_until:
            warm = True
            watch.forget()
            watch.sample()
            say("the warm-up is over")
        if now - told >= TELL_SECONDS:
            told = now
            tally = load.tally
            rate = tally.responses / (now - begun)
            say(
                f"{now - begun:5.0f} s of {seconds}: {tally.responses:,} answers ({rate:.0f}/s),"
                f" {tally.carried:,} carry their asker; {watch.told()}"
            )
        await asyncio.sleep(SAMPLE_SECONDS)


def _warm_seconds(seconds: int) -> float:
    return min(MOST_WARM_SECONDS, seconds * WARM_SHARE)


def _figures(
    watch: Watch, load: Load, *, seconds: float, crossed: int, whole: bool
) -> dict[str, Any]:
    tally = load.tally
    processes = {}
    for title, samples in watch.memory.items():
        memory, descriptors = Course.of(samples), Course.of(watch.descriptors[title])
        processes[title] = {
            "memory_mib_after_warm_up": round(memory.begun / MEBIBYTE, 2),
            "memory_mib_at_the_end": round(memory.ended / MEBIBYTE, 2),
            "memory_growth": round(memory.growth, 4),
            "memory_trend": round(memory.trend, 4),
            "descriptors_after_warm_up": descriptors.begun,
            "descriptors_at_the_end": descriptors.ended,
        }
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - has a clock
        "seconds": round(seconds),
        "whole": whole,
        "responses": tally.responses,
        "responses_that_carry_their_asker": tally.carried,
        "cross_talk": crossed,
        "left_early": tally.left_early,
        "kinds": dict(sorted(tally.kinds.items())),
        "mib_down": round(tally.bytes_down / MEBIBYTE),
        "mib_up": round(tally.bytes_up / MEBIBYTE),
        "processes": processes,
    }


def _main(figures: dict[str, Any]) -> list[tuple[str, float]]:
    """Give the figures that stand beside those of the benchmarks."""
    each = figures["processes"].values()
    return [
        ("seconds", figures["seconds"]),
        ("answers", figures["responses"]),
        ("answers_that_carry_their_asker", figures["responses_that_carry_their_asker"]),
        ("answers_per_s", figures["responses"] / max(1, figures["seconds"])),
        ("cross_talk", figures["cross_talk"]),
        ("memory_growth", max((one["memory_growth"] for one in each), default=0.0)),
        (
            "descriptors_more",
            max(
                (one["descriptors_at_the_end"] - one["descriptors_after_warm_up"] for one in each),
                default=0.0,
            ),
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())

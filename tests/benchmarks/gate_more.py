"""The group `gate_more`: what of the gate needs another start of it than the group `gate` has.

First the gate on a disk whose every sync takes a millisecond longer, as an ordinary cloud disk has,
beside a bare nginx proxy at 256 connections. Then one worker that a proxy asks (`/-/forward-auth`,
in the way of nginx), with nothing else on the machine: what is answered is a decision with its
record and its assertion, and no page.

    gate.rps_slow_disk_256_ratio_to_nginx   requests/s at 256 connections, gate over nginx
    gate.rps_slow_disk_256                  of the gate
    gate.forward_auth_per_s_per_worker      answers/s of one worker at 32 connections
    gate.forward_auth_p99_ms                99th percentile of these
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import replace

from deploy.demo.stack import DemoError
from tests.benchmarks.footprint import NotSettledError, wait_until_sealed
from tests.benchmarks.group import run_group
from tests.benchmarks.load import Throughput, WrongAnswersError, run_wrk
from tests.benchmarks.open_loop import answer_size
from tests.benchmarks.report import Say, say
from tests.benchmarks.results import COMPARED_REPETITIONS
from tests.benchmarks.servers import MissingProgramError, page
from tests.benchmarks.stand import Ground, Stand, standing

SECONDS = 5
WARM_SECONDS = 2
CONNECTIONS = 32
MANY_CONNECTIONS = 256
TARGETS = {
    "gate.rps_slow_disk_256_ratio_to_nginx": ">= 0.30",
    "gate.forward_auth_per_s_per_worker": ">= 7000",
}
Figures = dict[str, list[float]]


def measure(say: Say, repetitions: int) -> Figures:
    """Start the servers, measure, and end them.

    Args:
        say: tells a person how far it has come.
        repetitions: of everything.

    Returns:
        For each figure its value in each repetition.

    Raises:
        MissingProgramError: nginx, slapd or wrk is not installed.
        DemoError: the gate does not start.
        WrongAnswersError: a server answered something else than it should.
    """
    figures: Figures = defaultdict(list)
    with standing(say, _gate_on_a_slow_disk) as stand:
        _check(stand, page())
        for number in range(1, repetitions + 1):
            say(f"slow disk, repetition {number} of {repetitions}")
            rps = {name: _load(stand, name, MANY_CONNECTIONS, say).rps for name in stand.contenders}
            figures["gate.rps_slow_disk_256"].append(rps["gate"])
            figures["gate.rps_slow_disk_256_ratio_to_nginx"].append(rps["gate"] / rps["nginx"])
    with standing(say, _worker_that_is_asked) as stand:
        _check(stand, b"")
        for number in range(1, repetitions + 1):
            say(f"forward auth, repetition {number} of {repetitions}")
            seen = _load(stand, "gate", CONNECTIONS, say)
            figures["gate.forward_auth_per_s_per_worker"].append(seen.rps)
            figures["gate.forward_auth_p99_ms"].append(seen.p99_ms)
    return figures


def _gate_on_a_slow_disk(ground: Ground) -> None:
    ground.put_gate(slow_disk=True)
    ground.put_nginx()


def _worker_that_is_asked(ground: Ground) -> None:
    ground.put_gate(workers=1, asked_by_proxy=True)


def _check(stand: Stand, body: bytes) -> None:
    """Check that each gives what it should, and let it open connections and fill caches."""
    for contender in stand.contenders.values():
        size = answer_size(contender.asked, body)
        contender.asked = replace(contender.asked, answer_bytes=size)
        run_wrk(contender.asked, stand.folder, connections=CONNECTIONS, seconds=WARM_SECONDS)
        wait_until_sealed(stand.checkpoint)


def _load(stand: Stand, name: str, connections: int, say: Say) -> Throughput:
    asked = stand.contenders[name].asked
    seen = run_wrk(asked, stand.folder, connections=connections, seconds=SECONDS)
    wait_until_sealed(stand.checkpoint)
    say(f"  {asked.title}: {seen.rps:,.0f} requests/s, p99 {seen.p99_ms:.2f} ms")
    return seen


if __name__ == "__main__":
    sys.exit(
        run_group(
            "gate_more",
            lambda repetitions: measure(say, repetitions),
            targets=TARGETS,
            failures=(DemoError, MissingProgramError, NotSettledError, WrongAnswersError),
            repetitions=COMPARED_REPETITIONS,
        )
    )

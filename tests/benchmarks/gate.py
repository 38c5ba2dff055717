"""The group `gate`: the gate with everything on beside a bare nginx proxy and Apache with LDAP.

One run, one machine, one back office (nginx serving a page of 4 kB). In order, for each repetition:
every server at 32 connections, then nginx and the gate at 256, the gate at 1,000, then both at a
steady rate of 1,000 requests a second. The servers take turns, so that whatever else the machine
does meets all of them; ratios are made within a repetition, and a figure is the median of the
repetitions. The group `gate_more` measures what needs another start of the gate.

Before the next server's turn the sequencer has sealed what the gate recorded: its work is counted
as the gate's, and slows nobody else down.

    gate.rps_ratio_to_nginx           requests/s at 32 connections, gate over nginx
    gate.rps_ratio_to_apache_ldap     the same over Apache with mod_authnz_ldap and its access log
    gate.rps_256_ratio_to_nginx       at 256 connections
    gate.rps_1000_connections_ratio_to_32
                                      the gate at 1,000 connections over itself at 32
    gate.p99_added_ms_at_1000rps      99th percentile of latency, gate less nginx
    gate.cpu_s_per_10k                CPU seconds of all its processes for 10,000 requests
    gate.log_bytes_per_request        growth of the record on the disk
    gate.assertion_us                 an assertion that is used again in its session
    gate.bound_assertion_us           one that is signed for a request (`bind_assertion`)
    SERVER.rps, .rps_256, .p50_ms ... what these are made from, for nginx, gate and apache_ldap
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass, field, replace

from deploy.demo.stack import DemoError
from tests.benchmarks.assertion import assertion_costs
from tests.benchmarks.footprint import (
    NotSettledError,
    cpu_seconds,
    disk_bytes,
    wait_until_sealed,
)
from tests.benchmarks.group import run_group
from tests.benchmarks.load import Throughput, WrongAnswersError, run_wrk
from tests.benchmarks.open_loop import answer_size, percentile, run_open_loop
from tests.benchmarks.report import Say, say
from tests.benchmarks.results import COMPARED_REPETITIONS
from tests.benchmarks.servers import MissingProgramError, page
from tests.benchmarks.stand import Contender, Stand, standing

NGINX, GATE, APACHE = "nginx", "gate", "apache_ldap"
CONNECTIONS = 32
MANY_CONNECTIONS = 256
CROWD_CONNECTIONS = 1000
RATE = 1000
TARGETS = {
    "gate.rps_ratio_to_nginx": ">= 0.22, later 0.30, aim 0.45",
    "gate.rps_ratio_to_apache_ldap": "later >= 1.0",
    "gate.rps_256_ratio_to_nginx": "later >= 0.40, aim 0.60",
    "gate.rps_1000_connections_ratio_to_32": ">= 0.8",
    "gate.p99_added_ms_at_1000rps": "< 5",
    "gate.cpu_s_per_10k": "later <= 1.0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long and how often: with these values six or seven minutes.

    Attributes:
        repetitions: of everything; a figure is the median.
        warm_seconds: of each server, once, not counted.
        seconds: of each run at 32 connections.
        many_seconds: of each run at 256 connections, and of that at 1,000.
        steady_seconds: of each run at the steady rate.
    """

    repetitions: int = COMPARED_REPETITIONS
    warm_seconds: int = 2
    seconds: int = 6
    many_seconds: int = 4
    steady_seconds: int = 8


@dataclass(slots=True, kw_only=True)
class Samples:
    """What was measured: the values of each figure, one a repetition."""

    figures: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, name: str, value: float) -> float:
        """Keep a value; gives it back."""
        self.figures[name].append(value)
        return value

    def ratio(self, name: str, of: str, to: str) -> float:
        """Keep the ratio of what was measured last."""
        return self.add(name, self.figures[of][-1] / self.figures[to][-1])


def measure(say: Say, plan: Plan | None = None) -> dict[str, list[float]]:
    """Start the servers, measure, and end them.

    Args:
        say: tells a person how far it has come.
        plan: how long and how often.

    Returns:
        For each figure its value in each repetition.

    Raises:
        MissingProgramError: nginx, Apache, slapd or wrk is not installed.
        DemoError: the gate does not start.
        WrongAnswersError: a server answered something else than the page.
    """
    plan = plan or Plan()
    samples = Samples()
    with standing(say) as stand:
        run = _Run(stand=stand, samples=samples, say=say, plan=plan)
        run.warm_up()
        for number in range(1, plan.repetitions + 1):
            say(f"repetition {number} of {plan.repetitions}")
            run.repeat()
    return samples.figures


@dataclass(slots=True, kw_only=True)
class _Run:
    """One run of the group over servers that stand."""

    stand: Stand
    samples: Samples
    say: Say
    plan: Plan

    def warm_up(self) -> None:
        """Check that each server gives the page, and let it open connections and fill caches."""
        for name, contender in self.stand.contenders.items():
            size = answer_size(contender.asked, page())
            contender.asked = replace(contender.asked, answer_bytes=size)
            self._throughput(contender, CONNECTIONS, self.plan.warm_seconds)
            self.say(f"{name} gives the page ({size} bytes with its head)")

    def repeat(self) -> None:
        """Measure every server once."""
        for name, contender in self.stand.contenders.items():
            self._closed_loop(name, contender)
        self.samples.ratio("gate.rps_ratio_to_nginx", "gate.rps", "nginx.rps")
        self.samples.ratio("gate.rps_ratio_to_apache_ldap", "gate.rps", "apache_ldap.rps")
        # Without Apache, whose event MPM drops kept connections when many of them are busy.
        for name in (NGINX, GATE):
            contender = self.stand.contenders[name]
            seen = self._throughput(contender, MANY_CONNECTIONS, self.plan.many_seconds)
            self.samples.add(f"{name}.rps_256", seen.rps)
            self._tell(f"{name}, {MANY_CONNECTIONS} connections", seen)
        self.samples.ratio("gate.rps_256_ratio_to_nginx", "gate.rps_256", "nginx.rps_256")
        seen = self._throughput(
            self.stand.contenders[GATE], CROWD_CONNECTIONS, self.plan.many_seconds
        )
        self.samples.add("gate.rps_1000_connections", seen.rps)
        self._tell(f"{GATE}, {CROWD_CONNECTIONS:,} connections", seen)
        self.samples.ratio(
            "gate.rps_1000_connections_ratio_to_32", "gate.rps_1000_connections", "gate.rps"
        )
        p99 = {name: self._steady(name) for name in (NGINX, GATE)}
        self.samples.add("gate.p99_added_ms_at_1000rps", p99[GATE] - p99[NGINX])
        again, bound = assertion_costs()
        self.samples.add("gate.assertion_us", again)
        self.samples.add("gate.bound_assertion_us", bound)

    def _closed_loop(self, name: str, contender: Contender) -> None:
        cpu_before = cpu_seconds(contender.pids())
        disk_before = disk_bytes(self.stand.record)
        seen = self._throughput(contender, CONNECTIONS, self.plan.seconds)
        per_10k = 10_000 / seen.requests
        cpu = (cpu_seconds(contender.pids()) - cpu_before) * per_10k
        self.samples.add(f"{name}.rps", seen.rps)
        self.samples.add(f"{name}.p50_ms", seen.p50_ms)
        self.samples.add(f"{name}.p99_ms", seen.p99_ms)
        self.samples.add(f"{name}.cpu_s_per_10k", cpu)
        if name == GATE:
            grown = disk_bytes(self.stand.record) - disk_before
            self.samples.add("gate.log_bytes_per_request", grown / seen.requests)
        self._tell(f"{name}, {CONNECTIONS} connections", seen, f", CPU {cpu:.2f} s/10,000")

    def _throughput(self, contender: Contender, connections: int, seconds: int) -> Throughput:
        """Load one server, and let the record come to rest."""
        seen = run_wrk(contender.asked, self.stand.folder, connections=connections, seconds=seconds)
        self._settle()
        return seen

    def _steady(self, name: str) -> float:
        """Give the 99th percentile of latency at the steady rate, in milliseconds."""
        contender = self.stand.contenders[name]
        ordered = run_open_loop(
            contender.asked, page(), rate=RATE, seconds=self.plan.steady_seconds
        )
        self._settle()
        p50, p99 = percentile(ordered, 0.5), percentile(ordered, 0.99)
        self.samples.add(f"{name}.p50_ms_at_1000rps", p50)
        self.samples.add(f"{name}.p99_ms_at_1000rps", p99)
        self.say(f"  {name}, {RATE} requests/s: p50 {p50:.2f} ms, p99 {p99:.2f} ms")
        return p99

    def _settle(self) -> None:
        lag = wait_until_sealed(self.stand.checkpoint)
        if lag > 1:
            self.say(f"  the sequencer sealed for another {lag:.1f} s")

    def _tell(self, what: str, seen: Throughput, more: str = "") -> None:
        self.say(
            f"  {what}: {seen.rps:,.0f} requests/s,"
            f" p50 {seen.p50_ms:.2f} ms, p99 {seen.p99_ms:.2f} ms{more}"
        )


if __name__ == "__main__":
    sys.exit(
        run_group(
            "gate",
            lambda repetitions: measure(say, Plan(repetitions=repetitions)),
            targets=TARGETS,
            failures=(DemoError, MissingProgramError, NotSettledError, WrongAnswersError),
            repetitions=COMPARED_REPETITIONS,
        )
    )

"""Closed-loop load: wrk asks again as soon as it is answered, over a fixed number of connections.

Every answer must be the page: an answer of 400 or more, a broken connection or a time-out fails the
run, and so does an average size that is not that of the answer seen before the run (a redirect to
sign-in is much shorter).
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.servers import program

THREADS = 2
TIMEOUT_SECONDS = 5
# Answers still under way when the time is up are counted by their bytes only; that is the slack.
SIZE_TOLERANCE = 0.02
# Run by wrk at the end, where alone the number of wrong answers is told.
REPORT = """\
done = function(summary, latency, requests)
  local e = summary.errors
  local values = {
    requests = summary.requests, duration_us = summary.duration, bytes = summary.bytes,
    refused = e.status, broken = e.connect + e.read + e.write, late = e.timeout,
    p50_us = latency:percentile(50), p99_us = latency:percentile(99),
  }
  local parts = {}
  for name, value in pairs(values) do
    parts[#parts + 1] = string.format('"%s": %d', name, value)
  end
  io.write("\\nREPORT {" .. table.concat(parts, ", ") .. "}\\n")
end
"""


class WrongAnswersError(Exception):
    """A server under load answered something else than the page; its figures mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of one server.

    Attributes:
        title: what people call the server.
        port: on the loopback.
        target: path and query.
        headers: sent with each request.
        answer_bytes: size of a whole answer, head and body, as seen before the run.
    """

    title: str
    port: int
    target: str
    headers: Mapping[str, str]
    answer_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """What one run of wrk saw; latencies in milliseconds."""

    requests: int
    rps: float
    p50_ms: float
    p99_ms: float


def run_wrk(asked: Asked, folder: Path, *, connections: int, seconds: int) -> Throughput:
    """Put load on a server for some seconds.

    Raises:
        WrongAnswersError: if any answer was not the page.
    """
    script = folder / "report.lua"
    script.write_text(REPORT, "ascii")
    command = [
        program("wrk", "wrk"), "-t", str(THREADS), "-c", str(connections), "-d", f"{seconds}s",
        "--timeout", f"{TIMEOUT_SECONDS}s", "-s", str(script),
    ]  # fmt: skip
    for name, value in asked.headers.items():
        command += ["-H", f"{name}: {value}"]
    command.append(f"http://127.0.0.1:{asked.port}{asked.target}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if line.startswith("REPORT ")]
    if done.returncode != 0 or not found:
        message = f"wrk on {asked.title}: {done.stderr.strip() or done.stdout.strip()}"
        raise WrongAnswersError(message)
    seen = json.loads(found[0].removeprefix("REPORT "))
    _demand_pages(asked, seen)
    return Throughput(
        requests=seen["requests"],
        rps=seen["requests"] / (seen["duration_us"] / 1e6),
        p50_ms=seen["p50_us"] / 1e3,
        p99_ms=seen["p99_us"] / 1e3,
    )


def _demand_pages(asked: Asked, seen: Mapping[str, int]) -> None:
    if not seen["requests"] or seen["refused"] or seen["broken"] or seen["late"]:
        message = (
            f"{asked.title}: of {seen['requests']} requests {seen['refused']} were refused,"
            f" {seen['broken']} met a broken connection, {seen['late']} were answered too late"
        )
        raise WrongAnswersError(message)
    average = seen["bytes"] / seen["requests"]
    if asked.answer_bytes and abs(average / asked.answer_bytes - 1) > SIZE_TOLERANCE:
        message = (
            f"{asked.title}: an answer has {average:.0f} bytes on average"
            f" and not {asked.answer_bytes}; some were not the page"
        )
        raise WrongAnswersError(message)

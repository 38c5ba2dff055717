"""The frame of a group that starts servers: its arguments, its end, its figures."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.report import say
from tests.benchmarks.results import DEFAULT_FILE, FEWEST_REPETITIONS, Figure, merge, table

if TYPE_CHECKING:
    from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130

# Measures as often as told; gives what each repetition gave, by figure.
Measure = Callable[[int], Mapping[str, list[float]]]


def run_group(
    name: str,
    measure: Measure,
    *,
    targets: Mapping[str, str],
    failures: tuple[type[Exception], ...],
    repetitions: int = FEWEST_REPETITIONS,
) -> int:
    """Measure, print a table and merge the figures into the file; gives the exit code.

    Args:
        name: Of the group, for messages.
        measure: Does it.
        targets: What a figure should reach, in words, by figure.
        failures: The errors that end the group with a message instead of a traceback.
        repetitions: How often, unless the command line says otherwise.
    """
    parser = argparse.ArgumentParser(prog=f"python -m tests.benchmarks.{name}")
    parser.add_argument("--out", type=Path, default=DEFAULT_FILE, help="file of all figures")
    parser.add_argument("--repetitions", type=int, default=repetitions, help="at least 3")
    chosen = parser.parse_args()
    end_in_order()
    try:
        samples = measure(chosen.repetitions)
    except failures as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    except KeyboardInterrupt:
        say(f"{name}: ended before it was done; nothing is left running")
        return INTERRUPTED
    figures = [Figure(key=key, values=tuple(values)) for key, values in sorted(samples.items())]
    merge(figures, chosen.out)
    say(table(figures, targets))
    return 0


def end_in_order() -> None:
    """Have every signal that ends a program end this one through its `finally`s."""

    def end(_number: int, _frame: FrameType | None) -> None:
        # Once: a second signal must not break off the ending of the servers.
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in ENDING:
        signal.signal(number, end)

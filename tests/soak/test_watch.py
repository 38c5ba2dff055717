"""What grows is told with its process; what goes up and down is not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.soak.watch import MEBIBYTE, Watch, judge

LONG = 1500.0


def watched(memory: list[float], descriptors: list[float] | None = None) -> Watch:
    return Watch(
        gateway=1,
        memory={"worker 7": [each * MEBIBYTE for each in memory]},
        descriptors={"worker 7": descriptors or [40.0] * len(memory)},
    )


@pytest.mark.parametrize(
    "memory",
    [[100, 101, 99, 130, 104] * 20, [100 + each / 25 for each in range(100)], [100] * 99 + [150]],
    ids=["up and down", "a little more", "one large request at the end"],
)
def test_what_is_within_a_twentieth_is_flat(memory: list[float]) -> None:
    assert judge(watched(memory), LONG) == []


def test_memory_that_grows_is_told() -> None:
    (told,) = judge(watched([100 + each / 10 for each in range(100)]), LONG)

    assert told.startswith("memory: worker 7 grew from 100.5 to 109.5 MiB (+9.9%")


def test_memory_that_grows_and_happens_to_be_low_at_the_end_is_told() -> None:
    (told,) = judge(watched([100 + each / 4 for each in range(80)] + [100] * 12), LONG)

    assert told.startswith("memory: worker 7 grew from 101.0 to 100.0 MiB (+8.0%")


def test_memory_is_not_judged_while_caches_are_being_filled() -> None:
    assert judge(watched([100 + each for each in range(100)]), 60.0) == []


def test_descriptors_that_are_not_given_back_are_told() -> None:
    (told,) = judge(watched([100.0] * 100, [40.0 + each for each in range(100)]), 60.0)

    assert told.startswith("descriptors: worker 7 had 44 after the warm-up and 134 at the end")


@pytest.mark.parametrize("beside", [False, True], ids=["worker", "the sequencer"])
def test_a_process_that_ends_is_told(*, beside: bool) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    title = "the sequencer" if beside else f"worker {process.pid}"
    watch = Watch(gateway=os.getpid(), beside={title: process.pid} if beside else {})
    watch.sample()
    assert watch.memory[title][0] > 0

    process.communicate(b"\n")
    watch.sample()

    assert f"{title} is gone" in judge(watch, 60.0)


@pytest.mark.parametrize("samples", [[100.0], [100.0, 100.0]])
def test_few_samples_are_enough(samples: list[float]) -> None:
    assert judge(watched(samples), LONG) == []

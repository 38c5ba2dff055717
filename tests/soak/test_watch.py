"""What grows is told with its worker; what goes up and down is not."""

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
        memory={7: [each * MEBIBYTE for each in memory]},
        descriptors={7: descriptors or [40.0] * len(memory)},
    )


def test_what_goes_up_and_down_is_flat() -> None:
    assert judge(watched([100, 101, 99, 130, 104] * 20), LONG) == []


def test_memory_that_grows_is_told() -> None:
    (told,) = judge(watched([100 + each / 10 for each in range(100)]), LONG)

    assert told.startswith("memory: worker 7 grew from 101.0 to 109.0 MiB (+7.9%")


def test_memory_is_not_judged_while_caches_are_being_filled() -> None:
    assert judge(watched([100 + each for each in range(100)]), 60.0) == []


def test_descriptors_that_are_not_given_back_are_told() -> None:
    (told,) = judge(watched([100.0] * 100, [40.0 + each for each in range(100)]), 60.0)

    assert told.startswith("descriptors: worker 7 had 50 after the warm-up and 130 at the end")


def test_a_worker_that_ends_is_told() -> None:
    worker = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    watch = Watch(gateway=os.getpid())
    watch.sample()
    assert worker.pid in watch.memory

    worker.communicate(b"\n")
    watch.sample()

    assert f"worker {worker.pid} is gone" in judge(watch, 60.0)


@pytest.mark.parametrize("samples", [[100.0], [100.0, 100.0]])
def test_few_samples_are_enough(samples: list[float]) -> None:
    assert judge(watched(samples), LONG) == []

"""Watches the workers of the gate while it is under load: memory, descriptors, whether they live.

What they are after the warm-up is compared with what they are at the end, each by the median of a
fifth of the samples, so that one request that happens to be under way counts for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import psutil

MEMORY_GROWTH = 0.05
# Connections that come and go with sign-ins and new lines of the load.
DESCRIPTOR_SLACK = 8
JUDGED_FROM_SECONDS = 300.0
"""In a shorter watch caches are still being filled: memory is told, and not judged."""
SHARE = 5
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a value of one worker went: after the warm-up, and at the end."""

    begun: float
    ended: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Course:
        """Sum up the samples since the warm-up."""
        count = max(1, len(samples) // SHARE)
        return cls(begun=median(samples[:count]), ended=median(samples[-count:]))

    @property
    def growth(self) -> float:
        """Give by which share it grew."""
        return self.ended / self.begun - 1


@dataclass(slots=True, kw_only=True)
class Watch:
    """The samples of all workers.

    Attributes:
        gateway: process whose children the workers are.
        memory: private bytes of each worker, by its process.
        descriptors: open files and sockets of each.
        lost: what has become of workers that are not there any more.
    """

    gateway: int
    memory: dict[int, list[float]] = field(default_factory=dict)
    descriptors: dict[int, list[float]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def sample(self) -> None:
        """Look at each worker once."""
        there: set[int] = set()
        for worker in psutil.Process(self.gateway).children():
            try:
                memory, descriptors = worker.memory_full_info().uss, worker.num_fds()
            except psutil.NoSuchProcess:
                continue
            there.add(worker.pid)
            self.memory.setdefault(worker.pid, []).append(float(memory))
            self.descriptors.setdefault(worker.pid, []).append(float(descriptors))
        gone = self.memory.keys() - there
        self.lost += [f"worker {pid} is gone" for pid in gone]
        for pid in gone:
            del self.memory[pid], self.descriptors[pid]

    def forget(self) -> None:
        """Forget what was seen until now: it was the warm-up."""
        for samples in (*self.memory.values(), *self.descriptors.values()):
            samples.clear()

    def told(self) -> str:
        """Say in short what the workers hold now."""
        return ", ".join(
            f"worker {pid}: {samples[-1] / MEBIBYTE:.1f} MiB,"
            f" {self.descriptors[pid][-1]:.0f} descriptors"
            for pid, samples in sorted(self.memory.items())
            if samples
        )


def judge(watch: Watch, seconds: float) -> list[str]:
    """Say what is not as it should be.

    Args:
        watch: what was seen since the warm-up.
        seconds: for how long.

    Returns:
        A sentence for each violation.
    """
    found = list(watch.lost)
    for pid, samples in watch.memory.items():
        course = Course.of(samples)
        if seconds >= JUDGED_FROM_SECONDS and course.growth > MEMORY_GROWTH:
            found.append(
                f"memory: worker {pid} grew from {course.begun / MEBIBYTE:.1f} to"
                f" {course.ended / MEBIBYTE:.1f} MiB ({course.growth:+.1%}; at most"
                f" {MEMORY_GROWTH:.0%} after the warm-up)"
            )
    for pid, samples in watch.descriptors.items():
        course = Course.of(samples)
        if course.ended > course.begun + DESCRIPTOR_SLACK:
            found.append(
                f"descriptors: worker {pid} had {course.begun:.0f} after the warm-up"
                f" and {course.ended:.0f} at the end (at most {DESCRIPTOR_SLACK} more)"
            )
    return found

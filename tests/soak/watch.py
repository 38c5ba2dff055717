"""Watches the processes of the gate under load: memory, descriptors, whether they live.

After the warm-up memory must be flat: neither the line through all samples (least squares) nor the
last tenth beside the first may rise by more than a twentieth. Descriptors are compared by the same
tenths, so that what happens to be under way counts for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import linear_regression, median

import psutil

MEMORY_GROWTH = 0.05
# Connections that come and go with sign-ins and new lines of the load.
DESCRIPTOR_SLACK = 8
JUDGED_FROM_SECONDS = 300.0
"""In a shorter watch caches are still being filled: memory is told, and not judged."""
SHARE = 10
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a value of one process went.

    Attributes:
        begun: after the warm-up.
        ended: at the end.
        trend: by which share the line through all samples rises.
    """

    begun: float
    ended: float
    trend: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Course:
        """Sum up the samples since the warm-up."""
        count = max(1, len(samples) // SHARE)
        trend = 0.0
        if len(samples) > 1:
            line = linear_regression(range(len(samples)), samples)
            trend = line.slope * (len(samples) - 1) / line.intercept
        return cls(begun=median(samples[:count]), ended=median(samples[-count:]), trend=trend)

    @property
    def growth(self) -> float:
        """Give by which share it grew, by the worse of the two readings."""
        return max(self.ended / self.begun - 1, self.trend)


@dataclass(slots=True, kw_only=True)
class Watch:
    """The samples of all workers, and of what stands beside them.

    Attributes:
        gateway: process whose children the workers are.
        beside: other processes, by what they are called.
        memory: private bytes of each, by what it is called.
        descriptors: open files and sockets of each.
        lost: what has become of those that are not there any more.
    """

    gateway: int
    beside: Mapping[str, int] = field(default_factory=dict)
    memory: dict[str, list[float]] = field(default_factory=dict)
    descriptors: dict[str, list[float]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def sample(self) -> None:
        """Look at each process once."""
        processes: dict[str, psutil.Process] = {
            f"worker {each.pid}": each for each in psutil.Process(self.gateway).children()
        }
        for title, pid in self.beside.items():
            if psutil.pid_exists(pid):
                processes[title] = psutil.Process(pid)
        there: set[str] = set()
        for title, process in processes.items():
            try:
                memory, descriptors = process.memory_full_info().uss, process.num_fds()
            except psutil.Error:
                continue
            there.add(title)
            self.memory.setdefault(title, []).append(float(memory))
            self.descriptors.setdefault(title, []).append(float(descriptors))
        gone = self.memory.keys() - there
        self.lost += [f"{title} is gone" for title in gone]
        for title in gone:
            del self.memory[title], self.descriptors[title]

    def forget(self) -> None:
        """Forget what was seen until now: it was the warm-up."""
        for samples in (*self.memory.values(), *self.descriptors.values()):
            samples.clear()

    def told(self) -> str:
        """Say in short what the processes hold now."""
        return ", ".join(
            f"{title}: {samples[-1] / MEBIBYTE:.1f} MiB,"
            f" {self.descriptors[title][-1]:.0f} descriptors"
            for title, samples in sorted(self.memory.items())
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
    for title, samples in watch.memory.items():
        course = Course.of(samples)
        if seconds >= JUDGED_FROM_SECONDS and course.growth > MEMORY_GROWTH:
            found.append(
                f"memory: {title} grew from {course.begun / MEBIBYTE:.1f} to"
                f" {course.ended / MEBIBYTE:.1f} MiB ({course.growth:+.1%}; at most"
                f" {MEMORY_GROWTH:.0%} after the warm-up)"
            )
    for title, samples in watch.descriptors.items():
        course = Course.of(samples)
        if course.ended > course.begun + DESCRIPTOR_SLACK:
            found.append(
                f"descriptors: {title} had {course.begun:.0f} after the warm-up"
                f" and {course.ended:.0f} at the end (at most {DESCRIPTOR_SLACK} more)"
            )
    return found

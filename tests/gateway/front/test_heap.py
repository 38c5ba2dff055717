"""Threads share a heap, and what is not in use any more goes back to the system."""

from __future__ import annotations

import subprocess
import sys

THREADS = """
import sys, threading
from gateway.front.heap import share_heaps
if sys.argv[1] == "shared":
    share_heaps()
together = threading.Barrier(9)
def work():
    kept = [bytes(2_000) for _ in range(50)]
    together.wait()
    together.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
for each in threads:
    each.start()
together.wait()
reserved = 0
for line in open("/proc/self/maps"):
    place, rights, *_ = line.split()
    begin, end = (int(each, 16) for each in place.split("-"))
    reserved += rights == "---p" and 2**25 < end - begin < 2**26
print(reserved)
together.wait()
"""
TRIMMED = """
import psutil
from gateway.front.heap import give_back
held = [bytes(2_000) for _ in range(20_000)]
kept = held[::100]
del held
before = psutil.Process().memory_full_info().uss
give_back()
print(before - psutil.Process().memory_full_info().uss)
"""


def said(program: str, *arguments: str) -> int:
    command = [sys.executable, "-c", program, *arguments]
    return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def test_threads_share_one_heap() -> None:
    assert said(THREADS, "apart") > 2
    assert said(THREADS, "shared") <= 1


def test_what_was_needed_once_is_given_back() -> None:
    """40 MB were in use at once, and less than one of them is, here and there."""
    assert said(TRIMMED) > 15_000_000

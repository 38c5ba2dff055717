"""A report of 20 MB, or as large as asked for: made as it is sent, alike each time for a person."""

from __future__ import annotations

import random
from collections.abc import Iterator

MEBIBYTE = 1024 * 1024
REPORT_BYTES = 20 * MEBIBYTE
PART_LINES = 1_500  # about 60 kB


def report(title: str, employee_number: str, size: int = REPORT_BYTES) -> Iterator[bytes]:
    """Make a table in CSV.

    Args:
        title: what it is a report of.
        employee_number: for whom it was made; stands in the first line and in each part.
        size: exact length in bytes.

    Yields:
        Parts of about 60 kB, each with a line that numbers it and the same lines otherwise: the
        sending is what is of interest, not the making.
    """
    seeded = random.Random(f"report {title} {employee_number}")
    lines = "".join(_line(seeded) for _ in range(PART_LINES)).encode()
    left = size
    part = 0
    while left > 0:
        heading = f"# {title}, made for {employee_number}, part {part:05d}\n"
        columns = "item,supplier,unit price,quantity\n" if part == 0 else ""
        piece = ((heading + columns).encode() + lines)[:left]
        left -= len(piece)
        part += 1
        yield piece


def _line(seeded: random.Random) -> str:
    item, supplier = seeded.randint(1, 9_999_999), seeded.randint(1, 99_999)
    price, quantity = seeded.randint(10, 99_999) / 100, seeded.randint(0, 499)
    return f"ITEM-{item:010d},SUP-{supplier:07d},{price:.2f},{quantity}\n"

"""A report of 20 MB: made as it is sent, the same bytes each time for the same person."""

from __future__ import annotations

import random
from collections.abc import Iterator

REPORT_BYTES = 20 * 1024 * 1024
PIECE_LINES = 512


def report(title: str, employee_number: str, size: int = REPORT_BYTES) -> Iterator[bytes]:
    """Make a table in CSV.

    Args:
        title: what it is a report of.
        employee_number: for whom it was made; stands in the first line.
        size: exact length in bytes.

    Yields:
        Pieces of about 40 kB.
    """
    seeded = random.Random(f"report {title} {employee_number}")
    left = size
    head = f"# {title}, made for {employee_number}\nline,item,supplier,unit price,quantity\n"
    yield (piece := head.encode()[:left])
    left -= len(piece)
    line = 0
    while left > 0:
        lines = []
        for _ in range(PIECE_LINES):
            line += 1
            bits = seeded.getrandbits(96)
            lines.append(f"{line:08d},ITEM-{bits & 0xFFFFFFFF:010d},SUP-{bits >> 32 & 0xFFFFF:07d},"
                         f"{(bits >> 52) % 100_000 / 100:.2f},{(bits >> 72) % 500}\n")  # fmt: skip
        piece = "".join(lines).encode()[:left]
        left -= len(piece)
        yield piece

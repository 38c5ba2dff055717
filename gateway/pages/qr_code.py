"""A QR code as one path of an SVG, for templates that draw it: no markup is made here."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Final

import segno

QUIET: Final = 4  # modules of quiet zone, as ISO/IEC 18004 asks


@dataclass(frozen=True, slots=True, kw_only=True)
class QrCode:
    """What a template draws.

    Attributes:
        size: side of the whole, quiet zone included, in modules.
        path: the dark modules, as the `d` of a path.
    """

    size: int
    path: str


def qr_code(text: str) -> QrCode:
    """Make the QR code of a text, of middling error correction."""
    rows = list(segno.make(text, error="m", micro=False, boost_error=False).matrix)
    strokes: list[str] = []
    for y, row in enumerate(rows):
        x = 0
        for dark, run in groupby(row):
            length = len(list(run))
            if dark:
                strokes.append(f"M{x + QUIET} {y + QUIET}h{length}v1h-{length}z")
            x += length
    return QrCode(size=len(rows) + 2 * QUIET, path="".join(strokes))

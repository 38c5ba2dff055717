"""What commands write to a terminal: tables, CSV and progress.

Text that came from outside is shown without control characters, so that an entry cannot move the
cursor or repaint the screen of the auditor who reads it.
"""

from __future__ import annotations

import csv
import io
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from types import TracebackType

import click

QUIET_SECONDS = 2.0  # work shorter than this shows no progress
REDRAW_SECONDS = 0.25
MIN_COLUMN = 6
# A spreadsheet takes a cell that begins so for a formula (OWASP, "CSV injection").
# The last four are the full-width forms of = + - @, which some spreadsheets read alike.
FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def printable(text: object) -> str:
    """Show text from outside on one line, without control characters."""
    return "".join(char if char.isprintable() else "?" for char in str(text))


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lay out a table as wide as the terminal.

    Where it is too wide, the last column is cut; when the output is not a terminal, nothing is cut.

    Args:
        heads: the words above the columns.
        rows: the cells.
    """
    cells = [list(heads), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    if sys.stdout.isatty():
        room = shutil.get_terminal_size().columns - sum(widths[:-1]) - 2 * (len(widths) - 1)
        widths[-1] = max(MIN_COLUMN, min(widths[-1], room))
    lines = []
    for row in cells:
        *most, last = row
        shown = last if len(last) <= widths[-1] else last[: widths[-1] - 1] + "…"
        left = [cell.ljust(width) for cell, width in zip(most, widths, strict=False)]
        lines.append("  ".join([*left, shown]).rstrip())
    lines[0] = click.style(lines[0], bold=True)
    return "\n".join(lines)


def to_csv(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write rows as CSV (RFC 4180) in which no cell can become a formula of a spreadsheet."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(heads)
    for row in rows:
        writer.writerow([neutralised(str(cell)) for cell in row])
    return written.getvalue()


def neutralised(cell: str) -> str:
    """Put an apostrophe before a cell that a spreadsheet would take for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


class Progress:
    """A line on standard error for work that takes longer than two seconds.

    On a terminal the line is redrawn; elsewhere a line is written every ten percent at most.
    """

    def __init__(
        self,
        what: str,
        *,
        quiet_seconds: float = QUIET_SECONDS,
        redraw_seconds: float = REDRAW_SECONDS,
    ) -> None:
        """Take what is being done, such as `verifying entries`."""
        self.what = what
        self._quiet_seconds = quiet_seconds
        self._redraw_seconds = redraw_seconds
        self._began = time.monotonic()
        self._drawn = 0.0
        self._tenth = -1
        self._open = False

    def __enter__(self) -> Progress:
        """Begin the work."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the work, and the line if there is one."""
        if self._open:
            sys.stderr.write("\n")

    def __call__(self, done: int, total: int) -> None:
        """Tell how far the work is.

        Args:
            done: how much is done.
            total: how much there is; 0 where that is not known.
        """
        now = time.monotonic()
        if now - self._began < self._quiet_seconds or now - self._drawn < self._redraw_seconds:
            return
        share = f" ({100 * done // total} %)" if total else ""
        text = f"{self.what}: {done:,}" + (f" of {total:,}{share}" if total else "")
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{text}")
            self._open = True
        elif not total or 10 * done // total != self._tenth:
            self._tenth = 10 * done // total if total else self._tenth
            sys.stderr.write(text + "\n")
        sys.stderr.flush()
        self._drawn = now

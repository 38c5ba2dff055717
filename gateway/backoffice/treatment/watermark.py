"""Marks what somebody takes away with who they are: pages, tables and texts; PDFs in `pdf_mark`.

The mark says name, organisation, reference of the visit and time, so a copy leads to its visit in
the record. It is no secret and no proof: whoever wants to can cut it off.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from selectolax.lexbor import LexborHTMLParser

from gateway.backoffice.treatment.unfit import UnfitAnswerError

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from gateway.backoffice.treatment.html_page import Page

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # begins a formula in spreadsheets
_STYLE: Final = (
    "display:block;padding:6px 12px;border:1px solid #505a5f;background:#f3f2f1;color:#0b0c0c;"
    "font:14px sans-serif"
)


def mark_page(page: Page, mark: str) -> None:
    """Put the mark at the beginning and the end of a page."""
    first = page.body.first_child
    if first is not None:
        first.insert_before(_line(mark))
    page.body.insert_child(_line(mark))


def mark_table(text: str, mark: str) -> str:
    """Put the mark below a table of comma-separated values, as a row of one cell."""
    cell = f"'{mark}" if mark.startswith(_FORMULA) else mark
    quoted = cell.replace('"', '""')
    end = "\r\n" if "\r\n" in text or "\n" not in text else "\n"
    joint = "" if not text or text.endswith(("\n", "\r")) else end
    return f'{text}{joint}"{quoted}"{end}'


def mark_text(text: str, mark: str) -> str:
    """Put the mark above and below a text."""
    end = "\r\n" if "\r\n" in text else "\n"
    joint = "" if not text or text.endswith("\n") else end
    return f"{mark}{end}{text}{joint}{mark}{end}"


def _line(mark: str) -> LexborNode:
    written = f'<div role="note" data-gateway-mark="" style="{_STYLE}">{html.escape(mark)}</div>'
    line = LexborHTMLParser(written).css_first("div")
    if line is None:
        raise UnfitAnswerError("answer-html")
    return line

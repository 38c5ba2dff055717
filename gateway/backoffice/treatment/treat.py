"""The one way through a treatment: read, mask, reduce, mark, write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.backoffice.treatment.content_kind import AnswerKind, text_of
from gateway.backoffice.treatment.found import Found
from gateway.backoffice.treatment.html_mask import demand_masked, mask_page
from gateway.backoffice.treatment.html_menus import reduce_page
from gateway.backoffice.treatment.html_page import Page
from gateway.backoffice.treatment.json_mask import mask_json
from gateway.backoffice.treatment.json_text import read_json, write_json
from gateway.backoffice.treatment.menus import Removed, reduce_json
from gateway.backoffice.treatment.pdf_mark import mark_pdf
from gateway.backoffice.treatment.unfit import UnfitAnswerError
from gateway.backoffice.treatment.watermark import mark_page, mark_table, mark_text

if TYPE_CHECKING:
    from gateway.backoffice.treatment.field_mask import FieldMask
    from gateway.backoffice.treatment.menus import Menu

MASKED: Final = "masked"
MENU_REMOVED: Final = "menu-removed"
WATERMARKED: Final = "watermarked"
"""How the record says what was done."""

_STRUCTURED: Final = frozenset({AnswerKind.HTML, AnswerKind.JSON})
_MARKED: Final = frozenset({AnswerKind.HTML, AnswerKind.CSV, AnswerKind.TEXT, AnswerKind.PDF})
_MEBIBYTE: Final = 1024 * 1024
MOST_BYTES: Final = {
    AnswerKind.HTML: 2 * _MEBIBYTE,
    AnswerKind.JSON: 4 * _MEBIBYTE,
    AnswerKind.CSV: 32 * _MEBIBYTE,
    AnswerKind.TEXT: 32 * _MEBIBYTE,
    AnswerKind.PDF: 32 * _MEBIBYTE,
}
"""The largest answer of each kind that something is done to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What is to be done to one answer.

    Attributes:
        mask: the fields that are taken out; None for none.
        menu: what may be opened of what it lists; None where it lists nothing.
        mark: the line that it is marked with; empty for none.
    """

    mask: FieldMask | None = None
    menu: Menu | None = None
    mark: str = ""

    def demand(self, kind: AnswerKind) -> None:
        """Refuse a kind of answer to which it cannot be done.

        Raises:
            UnfitAnswerError: always then.
        """
        structured = self.mask is not None or self.menu is not None
        if (structured and kind not in _STRUCTURED) or (self.mark and kind not in _MARKED):
            raise UnfitAnswerError("answer-type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Treated:
    """What may be shown.

    Attributes:
        body: all of it.
        content_type: of it.
        done: what was done, in the words of the record.
    """

    body: bytes
    content_type: bytes
    done: tuple[str, ...]


def treat(body: bytes, kind: AnswerKind, charset: str, treatment: Treatment) -> Treated:
    """Do to an answer what has to be done.

    Args:
        body: all of it, without a content coding.
        kind: what its head says it is.
        charset: what its head names, empty for none.
        treatment: what is to be done.

    Raises:
        UnfitAnswerError: it cannot be done, and nothing of the answer may be shown.
    """
    treatment.demand(kind)
    if len(body) > MOST_BYTES[kind]:
        raise UnfitAnswerError("answer-too-large")
    found, removed = Found(), Removed()
    if kind is AnswerKind.PDF:
        written, content_type = mark_pdf(body, treatment.mark), kind.encode("ascii")
    else:
        text = text_of(body, kind, charset)
        content_type = kind.encode("ascii") + b"; charset=utf-8"
        if kind is AnswerKind.HTML:
            written = _page(text, treatment, found, removed)
        elif kind is AnswerKind.JSON:
            written, content_type = _json(text, treatment, found, removed), kind.encode("ascii")
        else:
            mark = mark_table if kind is AnswerKind.CSV else mark_text
            written = mark(text, treatment.mark).encode("utf-8")
    if treatment.mask is not None and not treatment.mask.required <= found.fields:
        raise UnfitAnswerError("answer-field-missing")
    return Treated(body=written, content_type=content_type, done=_done(treatment, found, removed))


def _page(text: str, treatment: Treatment, found: Found, removed: Removed) -> bytes:
    page = Page(text)
    if treatment.mask is not None:
        mask_page(page, treatment.mask, found)
    if treatment.menu is not None:
        reduce_page(page, treatment.menu, removed)
    if treatment.mark:
        mark_page(page, treatment.mark)
    written = page.write()
    if treatment.mask is not None:
        demand_masked(written, found)
    return written


def _json(text: str, treatment: Treatment, found: Found, removed: Removed) -> bytes:
    value = read_json(text)
    if treatment.mask is not None:
        value = mask_json(value, treatment.mask, found)
    if treatment.menu is not None:
        value = reduce_json(value, treatment.menu, removed)
    return write_json(value)


def _done(treatment: Treatment, found: Found, removed: Removed) -> tuple[str, ...]:
    done = []
    if treatment.mask is not None:
        done += [f"{MASKED}:{words}" for words in sorted(found.fields)] or [f"{MASKED}:none"]
    if treatment.menu is not None:
        done.append(f"{MENU_REMOVED}:{removed.count}")
    if treatment.mark:
        done.append(WATERMARKED)
    return tuple(done)

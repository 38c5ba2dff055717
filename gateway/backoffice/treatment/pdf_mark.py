"""Marks every page of a PDF. The one user of pypdf."""

from __future__ import annotations

import io
import unicodedata
from typing import Final

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import (
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    RectangleObject,
)

from gateway.backoffice.treatment.unfit import UnfitAnswerError

MAX_PAGES: Final = 1_000
_FONT: Final = "/GatewayMark"
_SIZE: Final = 8  # points, as all lengths here
_MARGIN: Final = 12
_WITH_FILES: Final = frozenset(
    {"/FileAttachment", "/RichMedia", "/Movie", "/Sound", "/Screen", "/3D"}
)
# What a document of somebody else's making can cause in the library beside its own errors.
_FAULTS: Final = (
    PyPdfError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
)


def mark_pdf(body: bytes, mark: str) -> bytes:
    """Put the mark at the head and the foot of every page.

    Args:
        body: the document.
        mark: one line.

    Raises:
        UnfitAnswerError: it cannot be read, is encrypted, holds other files, or has no page or too
            many.
    """
    try:
        return _marked(body, mark)
    except _FAULTS as error:
        raise UnfitAnswerError("answer-pdf") from error


def _marked(body: bytes, mark: str) -> bytes:
    reader = PdfReader(io.BytesIO(body), strict=False)
    if reader.is_encrypted or not 0 < len(reader.pages) <= MAX_PAGES:
        raise UnfitAnswerError("answer-pdf")
    if _holds_files(reader):  # they would be taken away unmarked
        raise UnfitAnswerError("answer-pdf")
    writer = PdfWriter(clone_from=reader)
    for page in writer.pages:
        page.merge_page(_stamp(page.cropbox, mark))
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def _holds_files(reader: PdfReader) -> bool:
    kept = next(iter(reader.attachments), None) is not None
    return (
        kept
        or "/Collection" in reader.root_object
        or any(
            note.get_object().get("/Subtype") in _WITH_FILES
            for page in reader.pages
            for note in page.annotations or ()
        )
    )


def _stamp(box: RectangleObject, mark: str) -> PageObject:
    left, low, right, high = (float(side) for side in box)
    stamp = PageObject.create_blank_page(width=right - left, height=high - low)
    for name in ("/MediaBox", "/CropBox", "/TrimBox"):
        stamp[NameObject(name)] = RectangleObject((left, low, right, high))
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
            NameObject("/Encoding"): NameObject("/WinAnsiEncoding"),
        }
    )
    fonts = DictionaryObject({NameObject(_FONT): font})
    stamp[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    drawing = DecodedStreamObject()
    drawing.set_data(
        b"".join(
            b"q BT %b %d Tf 0.3 g %.2f %.2f Td (%b) Tj ET Q\n"
            % (_FONT.encode("ascii"), _SIZE, left + _MARGIN, height, _drawn(mark))
            for height in (low + _MARGIN, high - _MARGIN - _SIZE)
        )
    )
    stamp[NameObject("/Contents")] = drawing
    return stamp


def _drawn(mark: str) -> bytes:
    """Write a line for the font, which has the letters of the west; others without their marks."""
    letters = []
    for letter in mark:
        plain = unicodedata.normalize("NFKD", letter)[0]
        fits = letter.encode("cp1252", "ignore")
        letters.append(fits or plain.encode("cp1252", "replace"))
    line = b"".join(letters)
    return line.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")

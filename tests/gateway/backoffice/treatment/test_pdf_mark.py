"""Marks on the pages of a PDF."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject

from gateway.backoffice.treatment import pdf_mark
from gateway.backoffice.treatment.pdf_mark import mark_pdf
from gateway.backoffice.treatment.unfit import UnfitAnswerError


def pdf(pages: int = 2, *, password: str = "") -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(300, 200)
    if password:
        writer.encrypt(password)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def test_every_page_says_who_takes_it_twice() -> None:
    marked = PdfReader(io.BytesIO(mark_pdf(pdf(), "Shown to Siân (Ŵyn) \\ 1")))

    assert len(marked.pages) == 2
    assert [page.extract_text().count("Shown to Siân (Wyn) \\ 1") for page in marked.pages] == [
        2,
        2,
    ]
    assert [tuple(map(float, page.mediabox)) for page in marked.pages] == [(0, 0, 300, 200)] * 2


@pytest.mark.parametrize(
    "body", [b"", b"%PDF-1.7\n%%EOF", b"no pdf", pdf(password="x"), pdf()[:300], pdf(0)]
)
def test_what_cannot_be_marked_is_refused(body: bytes) -> None:
    with pytest.raises(UnfitAnswerError):
        mark_pdf(body, "M")


@pytest.mark.parametrize("way", ["attached", "collected", "annotated"])
def test_a_document_that_holds_other_files_is_refused(way: str) -> None:
    """They would be taken away without a mark."""
    writer = PdfWriter(clone_from=io.BytesIO(pdf()))
    if way == "attached":
        writer.add_attachment("people.csv", b"a,b")
    elif way == "collected":
        writer.root_object[NameObject("/Collection")] = DictionaryObject()
    else:
        note = DictionaryObject({NameObject("/Subtype"): NameObject("/FileAttachment")})
        writer.pages[1][NameObject("/Annots")] = ArrayObject([writer._add_object(note)])
    written = io.BytesIO()
    writer.write(written)

    with pytest.raises(UnfitAnswerError, match="answer-pdf"):
        mark_pdf(written.getvalue(), "M")


def test_links_of_a_document_stay() -> None:
    writer = PdfWriter(clone_from=io.BytesIO(pdf()))
    link = DictionaryObject({NameObject("/Subtype"): NameObject("/Link")})
    notes = writer._add_object(ArrayObject([writer._add_object(link)]))
    writer.pages[0][NameObject("/Annots")] = notes
    written = io.BytesIO()
    writer.write(written)

    marked = PdfReader(io.BytesIO(mark_pdf(written.getvalue(), "M"))).pages[0]
    assert [note.get_object()["/Subtype"] for note in marked.annotations or ()] == ["/Link"]


def test_too_many_pages_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_mark, "MAX_PAGES", 1)
    with pytest.raises(UnfitAnswerError):
        mark_pdf(pdf(), "M")

"""The one way through a treatment."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from pypdf import PdfReader

from gateway.backoffice.treatment import html_mask
from gateway.backoffice.treatment.content_kind import AnswerKind
from gateway.backoffice.treatment.menus import Menu
from gateway.backoffice.treatment.treat import MOST_BYTES, Treatment, treat
from gateway.backoffice.treatment.unfit import UnfitAnswerError
from tests.gateway.backoffice.treatment.bank import BANK, HIDDEN, mask
from tests.gateway.backoffice.treatment.test_pdf_mark import pdf

MASKED = Treatment(mask=mask())
LISTED = Treatment(menu=Menu(opens={}, may_open=lambda address: address == "/yes"))
MARKED = Treatment(mark="Shown to M")


def test_a_page_is_masked_reduced_and_marked_in_one_go() -> None:
    whole = Treatment(mask=MASKED.mask, menu=LISTED.menu, mark=MARKED.mark)
    body = b"<ul><li><a href=/no>N</a><li><a href=/yes>Y</a></ul><p>Sort code: 12-34-56"

    done = treat(body, AnswerKind.HTML, "", whole)

    assert done.content_type == b"text/html; charset=utf-8"
    assert done.done == ("masked:bank.sort_code", "menu-removed:1", "watermarked")
    assert HIDDEN.encode() in done.body
    assert done.body.count(b"Shown to M") == 2
    assert all(gone not in done.body for gone in (b"12-34-56", b"/no", b">N<"))


def test_json_is_masked_and_reduced() -> None:
    done = treat(b'{"sort_code":1,"u":"/yes"}', AnswerKind.JSON, "", MASKED)

    assert (done.body, done.content_type) == (
        f'{{"sort_code":"{HIDDEN}","u":"/yes"}}'.encode(),
        b"application/json",
    )
    assert treat(b'["/no","a"]', AnswerKind.JSON, "", LISTED).body == b'["a"]'


def test_the_record_says_where_nothing_was_found_to_mask() -> None:
    assert treat(b"{}", AnswerKind.JSON, "", MASKED).done == ("masked:none",)


def test_an_answer_in_which_a_field_that_has_to_be_found_is_not_is_refused() -> None:
    """The back office may call it otherwise by now."""
    must = Treatment(mask=mask(replace(BANK, required=frozenset({"sort_code", "#iban"}))))
    page = b"<p class=P_SORT_CODE>1</p>%b"

    done = treat(page % b"<p id=iban>2</p>", AnswerKind.HTML, "", must)
    assert done.done == ("masked:bank.#iban", "masked:bank.sort_code")
    for kind, body in ((AnswerKind.HTML, page % b""), (AnswerKind.JSON, b'{"sort_code":1}')):
        with pytest.raises(UnfitAnswerError, match="answer-field-missing"):
            treat(body, kind, "", must)


def test_a_page_that_would_still_show_what_was_masked_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(html_mask._Masking, "sweep", lambda _: None)
    with pytest.raises(UnfitAnswerError, match="answer-mask"):
        treat(b"<p class=sort-code>12-34-56</p><p>12-34&#45;56", AnswerKind.HTML, "", MASKED)


def test_tables_texts_and_pdfs_are_marked() -> None:
    assert treat(b"a\r\n", AnswerKind.CSV, "", MARKED).body == b'a\r\n"Shown to M"\r\n'
    told = treat(b"caf\xe9", AnswerKind.TEXT, "latin1", MARKED)
    assert told.content_type == b"text/plain; charset=utf-8"
    assert told.body == "Shown to M\ncafé\nShown to M\n".encode()
    marked = treat(pdf(1), AnswerKind.PDF, "", MARKED).body
    assert "Shown to M" in PdfReader(io.BytesIO(marked)).pages[0].extract_text()


@pytest.mark.parametrize(
    ("kind", "treatment"),
    [
        (AnswerKind.CSV, MASKED),
        (AnswerKind.TEXT, LISTED),
        (AnswerKind.PDF, MASKED),
        (AnswerKind.JSON, MARKED),
    ],
)
def test_what_cannot_be_done_to_a_kind_refuses_the_answer(
    kind: AnswerKind, treatment: Treatment
) -> None:
    with pytest.raises(UnfitAnswerError):
        treat(b"{}", kind, "", treatment)


def test_an_answer_beyond_the_limit_is_refused() -> None:
    body = b" " * MOST_BYTES[AnswerKind.JSON] + b"{}"
    with pytest.raises(UnfitAnswerError):
        treat(body, AnswerKind.JSON, "", MASKED)

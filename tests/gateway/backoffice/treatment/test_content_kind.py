"""What kind an answer is, and its text: one reading, or refused."""

from __future__ import annotations

import pytest

from gateway.backoffice.treatment.content_kind import AnswerKind, kind_of, text_of
from gateway.backoffice.treatment.unfit import UnfitAnswerError


@pytest.mark.parametrize(
    ("told", "kind", "charset"),
    [
        (b"text/html", AnswerKind.HTML, ""),
        (b"Text/HTML; Charset=UTF-8", AnswerKind.HTML, "utf-8"),
        (b'application/json;charset="utf-8"', AnswerKind.JSON, "utf-8"),
        (b"text/csv; charset=windows-1252", AnswerKind.CSV, "windows-1252"),
        (b"application/pdf", AnswerKind.PDF, ""),
        (b"text/plain;", AnswerKind.TEXT, ""),
    ],
)
def test_the_head_tells_the_kind(told: bytes, kind: AnswerKind, charset: str) -> None:
    assert kind_of([told]) == (kind, charset)


@pytest.mark.parametrize(
    "told",
    [
        [],
        [b""],
        [b"text/html", b"text/html"],
        [b"text/html, application/json"],
        [b"text/event-stream"],
        [b"application/octet-stream"],
        [b"image/png"],
        [b"application/zip"],
        [b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
        [b"text/xml"],
        [b"application/xhtml+xml"],
        [b"text/html; charset=utf-8; charset=utf-7"],
        [b"text/html; charset=utf-7"],
        [b"text/html; charset=utf-16"],
        [b"multipart/mixed; boundary=x"],
    ],
)
def test_what_nothing_can_be_done_to_is_refused(told: list[bytes]) -> None:
    with pytest.raises(UnfitAnswerError):
        kind_of(told)


@pytest.mark.parametrize(
    ("body", "kind", "charset", "text"),
    [
        ("Gŵyl".encode(), AnswerKind.HTML, "utf-8", "Gŵyl"),
        (b"\xef\xbb\xbfG", AnswerKind.CSV, "", "G"),
        (b"caf\xe9", AnswerKind.TEXT, "iso-8859-1", "café"),
        ("é".encode(), AnswerKind.JSON, "", "é"),
        (b"plain", AnswerKind.HTML, "", "plain"),
        (b"<meta charset=utf-8>\xc3\xa9", AnswerKind.HTML, "", "<meta charset=utf-8>é"),
    ],
)
def test_a_text_is_read_as_browsers_read_it(
    body: bytes, kind: AnswerKind, charset: str, text: str
) -> None:
    assert text_of(body, kind, charset) == text


@pytest.mark.parametrize(
    ("body", "kind", "charset"),
    [
        (b"\xff\xfeG\x00", AnswerKind.HTML, ""),
        (b"\xef\xbb\xbfG", AnswerKind.HTML, "iso-8859-1"),
        (b"\xef\xbb\xbf{}", AnswerKind.JSON, "utf-8"),
        (b"<meta charset=iso-8859-1>x", AnswerKind.HTML, "utf-8"),
        (b"<meta http-equiv=a content='text/html; charset=utf-7'>", AnswerKind.HTML, ""),
        (b"caf\xe9", AnswerKind.HTML, ""),
        (b"caf\xe9", AnswerKind.HTML, "utf-8"),
        (b"\x81", AnswerKind.TEXT, "windows-1252"),
        (b'"\xe9"', AnswerKind.JSON, "iso-8859-1"),
        (b"a\x00b", AnswerKind.HTML, "utf-8"),
    ],
)
def test_a_text_with_two_readings_is_refused(body: bytes, kind: AnswerKind, charset: str) -> None:
    with pytest.raises(UnfitAnswerError):
        text_of(body, kind, charset)

"""Watching uploads: names that tell something, and frames with two readings, are cut."""

from __future__ import annotations

import pytest

from gateway.backoffice.canonical import TargetError
from gateway.backoffice.multipart_check import MultipartCheck

WATCHED = frozenset({"person_id", "OAFunc"})


def part(head: str, content: str = "x") -> str:
    return f"--B\r\n{head}\r\n\r\n{content}\r\n"


def named(name: str, more: str = "") -> str:
    return f'Content-Disposition: form-data; name="{name}"{more}'


def look(body: bytes, size: int) -> MultipartCheck:
    """Hand a body over in pieces of a size."""
    check = MultipartCheck(b"B", WATCHED)
    for at in range(0, len(body), size):
        check.piece(body[at : at + size])
    return check


END = "--B--\r\n"
FILE = named("file", '; filename="a photo.png"') + "\r\nContent-Type: image/png"
HONEST = (
    part(named("place"), "HQ") + part(named("no"), "") + part(FILE, "\x00-B\r\n-\r\n--\r\n") + END,
    part(named("näme"), "é") + END.strip(),
    part("content-disposition: form-data;name=\"a\"\r\ncontent-type: text/plain; charset=\"utf-8\"")
    + END,
)  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 7, 4096])
@pytest.mark.parametrize("body", HONEST)
def test_an_honest_upload_passes_however_it_is_cut(body: str, size: int) -> None:
    look(body.encode(), size).end()


def test_a_long_file_is_not_held() -> None:
    check = look((part(FILE)[:-3]).encode(), 4096)
    for _ in range(100):
        check.piece(b"x" * 65_536)
        assert len(check._held) < 10


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (part(named("person_id")), "parameter-disguised"),
        (part(named("a")) + part(named("Person_ID")), "parameter-disguised"),
        (part(named("person%5Fid")), "parameter-disguised"),
        (part(named("person_id[]")), "parameter-disguised"),
        (part(named("oafunc", '; filename="a"')), "parameter-disguised"),
        (part(named("_charset_")), "parameter-disguised"),
        (part("Content-Disposition: form-data; name=person_id"), "upload-part-head"),
        (part(named("a", "; name=person_id")), "upload-part-head"),
        (part(named("a", "; filename*=utf-8''x")), "upload-part-head"),
        (part(named("a", '; filename="x\\"; name=\\"y"')), "upload-part-head"),
        (part(named('a\\"')), "upload-part-head"),
        (part(named("a") + "\r\n" + named("b")), "upload-part-head"),
        (part(named("a") + "\r\n" + "X-Other: 1"), "upload-part-head"),
        (part(named("a") + "\r\n continued"), "upload-part-head"),
        (part(named("a") + "\n" + named("person_id")), "upload-part-head"),
        (part(named("a\x00")), "upload-part-head"),
        (part(named("a") + "\r\nContent-Transfer-Encoding: base64"), "upload-part-head"),
        (part("Content-Type: text/plain"), "upload-part-head"),
        (part(""), "upload-part-head"),
        (part(named("a" * 9000)), "upload-part-head"),
        ("--B\r\n" + "a" * 9000, "upload-part-head"),
        (part(named("a") + "\r\nContent-Type: application/json"), "upload-part-type"),
        (part(named("a") + "\r\nContent-Type: multipart/mixed; boundary=C"), "upload-part-type"),
        (part(named("a") + "\r\nContent-Type: Application/X-WWW-Form-Urlencoded"),
         "upload-part-type"),
        ("preamble\r\n" + part(named("a")), "upload-boundary"),
        ("\r\n" + part(named("a")), "upload-boundary"),
        ("--Bx\r\n" + named("a"), "upload-boundary"),
        ("--B \r\n" + named("a"), "upload-boundary"),
        ("--B\n" + named("a"), "upload-boundary"),
        ("--B--\r\n", "upload-boundary"),
        (part(named("a"), "x\n--B\n" + named("person_id") + "\n\ny"), "upload-boundary"),
        (part(named("a"), "x--By"), "upload-boundary"),
        (f"--B\r\n{named('a')}\r\n\r\n--B--\r\n", "upload-boundary"),
        (part(named("a")) + END + part(named("person_id")), "upload-end"),
        (part(named("a")) + END + " ", "upload-end"),
        (part(named("a")) * 1001, "upload-parts"),
    ],
)  # fmt: skip
def test_what_tells_something_or_has_two_readings_is_cut(body: str, code: str) -> None:
    """Whatever the pieces are in which it comes."""
    for size in (1, 3, 4096):
        with pytest.raises(TargetError, match=f"^{code}$"):
            look(body.encode(), size)


@pytest.mark.parametrize("body", ["", "--B", part(named("a")), part(named("a")) + "--B",
                                  part(named("a")) + END.strip() + "\r",
                                  f"--B\r\n{named('person_id')}"])  # fmt: skip
def test_an_upload_ends_where_its_parts_do(body: str) -> None:
    """A lenient reader takes the part in which it was cut."""
    with pytest.raises(TargetError, match="upload-end"):
        look(body.encode(), 5).end()


def test_a_head_that_is_no_text_is_cut() -> None:
    with pytest.raises(TargetError, match="upload-part-head"):
        look(part(named("a")).encode().replace(b'"a"', b'"\xff"'), 9)

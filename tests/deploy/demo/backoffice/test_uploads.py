"""Bodies are read by their media type, and a broken one is said to be broken."""

from __future__ import annotations

import hashlib
import io

import pytest

from deploy.demo.backoffice.exchange import Asked
from deploy.demo.backoffice.uploads import MAX_FORM_BYTES, BadBodyError, read_sent


def asked(content_type: str, body: bytes) -> Asked:
    return Asked.from_target(
        "POST", "/x?name=a.bin", {"content-type": content_type}, io.BytesIO(body)
    )


def test_a_form_gives_its_fields() -> None:
    sent = read_sent(asked("application/x-www-form-urlencoded; charset=utf-8", b"a=1&b=%C3%A9"))

    assert sent.fields == {"a": "1", "b": "é"}


def test_json_gives_its_fields() -> None:
    assert read_sent(asked("application/json", b'{"a": 1}')).fields == {"a": "1"}


def test_anything_else_is_a_file() -> None:
    (file,) = read_sent(asked("image/png", b"pixels")).files

    assert (file.name, file.size) == ("a.bin", 6)
    assert file.sha256 == hashlib.sha256(b"pixels").hexdigest()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"[1]"),
        ("multipart/form-data", b"--B--"),
        ("multipart/form-data; boundary=B", b"no boundary in here"),
        ("multipart/form-data; boundary=B", b'--B\r\nContent-Disposition: x; name="a"\r\n\r\ncut'),
        ("application/x-www-form-urlencoded", b"a=" + b"x" * MAX_FORM_BYTES),
    ],
)
def test_a_body_that_is_not_what_it_says_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(BadBodyError):
        read_sent(asked(content_type, body))


def test_an_empty_body_holds_nothing() -> None:
    for content_type in ("", "application/json", "multipart/form-data; boundary=B"):
        sent = read_sent(asked(content_type, b""))

        assert (sent.fields, sent.files) == ({}, ())

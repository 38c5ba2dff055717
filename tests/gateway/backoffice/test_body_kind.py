"""Telling kinds of body apart: one spelling each, and none for what readers could disagree on."""

from __future__ import annotations

import pytest

from gateway.backoffice.body_kind import boundary_of, kind_of
from policies.catalogue import BodyKind


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("application/x-www-form-urlencoded", "form"),
        ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", "form"),
        ("application/json", "json"),
        ('application/json;charset="utf-8"', "json"),
        ("multipart/form-data; boundary=----WebKitFormBoundaryAbC7", "multipart"),
        ('multipart/form-data; boundary="a b"', None),
        ('multipart/form-data; boundary="a:b"', "multipart"),
        ("application/octet-stream", "other"),
        ('text/plain; charset=utf-8; format="flowed"', "other"),
        ("", "other"),
        ("application/x-www-form-urlencoded; charset=ibm037", None),
        ("application/x-www-form-urlencoded; charset=utf-7", None),
        ("application/x-www-form-urlencoded, text/plain", None),
        ("application/json; charset=utf-16", None),
        ("application/json; profile=x", None),
        ("application/json, text/plain", None),
        ("application/problem+json", None),
        ("text/json", None),
        ("text/plain, application/json", None),
        ("text/plain; x=multipart/form-data", None),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=a; boundary=b", None),
        ("multipart/form-data; charset=utf-8; boundary=a", None),
        (f"multipart/form-data; boundary={'a' * 71}", None),
        ("multipart/mixed; boundary=a", None),
        ("plain", None),
        ("text/plain/x", None),
    ],
)
def test_a_kind_has_one_spelling(content_type: str, kind: str | None) -> None:
    """Some readers look for a word anywhere in the field, or decode by any character set."""
    found = kind_of({b"content-type": content_type.encode()})

    assert found == (None if kind is None else BodyKind(kind))


def test_no_type_at_all_is_other() -> None:
    assert kind_of({}) is BodyKind.OTHER


@pytest.mark.parametrize("coding", [b"gzip", b"identity, gzip", b"br"])
def test_what_is_read_comes_without_a_content_coding(coding: bytes) -> None:
    """We would read the coded bytes, and the back office what is in them."""
    for read in (b"application/json", b"application/x-www-form-urlencoded",
                 b"multipart/form-data; boundary=a"):  # fmt: skip
        assert kind_of({b"content-type": read, b"content-encoding": coding}) is None
        assert kind_of({b"content-type": read, b"content-encoding": b"Identity"}) is not None
    assert kind_of({b"content-type": b"a/b", b"content-encoding": coding}) is BodyKind.OTHER


def test_the_boundary_is_taken_as_it_is_written() -> None:
    for written, boundary in ((b"AbC", b"AbC"), (b'"a:b"', b"a:b")):
        headers = {b"content-type": b"Multipart/Form-Data; Boundary=" + written}
        assert boundary_of(headers) == boundary

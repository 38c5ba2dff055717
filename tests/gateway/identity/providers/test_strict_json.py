"""What has two readings is refused."""

from __future__ import annotations

import pytest

from gateway.identity.providers.strict_json import StrictJsonError, read_object


def test_an_object_is_read() -> None:
    assert read_object('{"a": [1, "é", null, {"b": true}]}'.encode()) == {
        "a": [1, "é", None, {"b": True}]
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": {"b": 1, "b": 1}}', "twice"),
        (b'{"a": NaN}', "number"),
        (b'{"a": -Infinity}', "number"),
        (b"[1]", "not an object"),
        (b'"text"', "not an object"),
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_anything_else_is_not(text: bytes, fault: str) -> None:
    with pytest.raises(StrictJsonError, match=fault):
        read_object(text)

"""What an upgrade must be before anybody looks at it: a whole handshake of RFC 6455, or refused."""

from __future__ import annotations

import pytest

from gateway.wire.request_head import HeadError, RequestHead, check_head
from gateway.wire.websocket_head import WEBSOCKET

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
WHOLE = {
    b"Upgrade": b"websocket",
    b"Connection": b"Upgrade",
    b"Sec-WebSocket-Version": b"13",
    b"Sec-WebSocket-Key": KEY,
}


def check(
    *more: tuple[bytes, bytes],
    changed: dict[str, bytes | None] | None = None,
    method: str = "GET",
    version: str = "1.1",
) -> RequestHead:
    fields = {**WHOLE, **{name.encode(): value for name, value in (changed or {}).items()}}
    return check_head(
        method=method,
        target=b"/",
        version=version,
        fields=[
            (b"Host", b"gate"),
            *((name, value) for name, value in fields.items() if value is not None),
            *more,
        ],
        hosts=frozenset({b"gate"}),
    )


@pytest.mark.parametrize("words", [b"Upgrade", b"upgrade", b"keep-alive, Upgrade"])
@pytest.mark.parametrize("kind", [b"websocket", b"WebSocket"])
def test_a_whole_handshake_is_taken_under_a_method_of_its_own(words: bytes, kind: bytes) -> None:
    """And the connection never serves another request."""
    head = check(changed={"Connection": words, "Upgrade": kind})

    assert (head.method, head.keep_alive, head.body_length) == (WEBSOCKET, False, 0)


@pytest.mark.parametrize(
    "changed",
    [
        {"Upgrade": b"h2c"}, {"Upgrade": b"websocket, h2c"}, {"Upgrade": b""},
        {"Upgrade": b"websocket/13"}, {"Connection": None}, {"Connection": b"keep-alive"},
        {"Connection": b"Upgrade, HTTP2-Settings"}, {"Connection": b"Upgrade, Cookie"},
        {"Connection": b"close, Upgrade"}, {"Content-Length": b"0"}, {"Content-Length": b"5"},
        {"Transfer-Encoding": b"chunked"}, {"Expect": b"100-continue"}, {"TE": b"trailers"},
    ],
)  # fmt: skip
def test_any_other_upgrade_is_refused(changed: dict[str, bytes | None]) -> None:
    with pytest.raises(HeadError) as refused:
        check(changed=changed)

    assert (refused.value.status, refused.value.code) == (400, "upgrade")


@pytest.mark.parametrize(("method", "version"), [("POST", "1.1"), ("HEAD", "1.1"), ("GET", "1.0")])
def test_only_a_get_of_1_1_is_upgraded(method: str, version: str) -> None:
    with pytest.raises(HeadError, match="upgrade"):
        check(method=method, version=version)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Sec-WebSocket-Version": None}, "websocket-version"),
        ({"Sec-WebSocket-Version": b"8"}, "websocket-version"),
        ({"Sec-WebSocket-Version": b"13, 8"}, "websocket-version"),
        ({"Sec-WebSocket-Key": None}, "websocket-key"),
        ({"Sec-WebSocket-Key": b""}, "websocket-key"),
        ({"Sec-WebSocket-Key": KEY[:-4]}, "websocket-key"),
        ({"Sec-WebSocket-Key": KEY + b"="}, "websocket-key"),
        ({"Sec-WebSocket-Key": b"dGhlIHNhbXBsZSBub25jZR=="}, "websocket-key"),  # two readings
        ({"Sec-WebSocket-Protocol": b""}, "websocket-protocol"),
        ({"Sec-WebSocket-Protocol": b"a b"}, "websocket-protocol"),
        ({"Sec-WebSocket-Protocol": b"a,,b"}, "websocket-protocol"),
    ],
)
def test_a_handshake_out_of_shape_is_refused(changed: dict[str, bytes | None], code: str) -> None:
    with pytest.raises(HeadError) as refused:
        check(changed=changed)

    assert (refused.value.status, refused.value.code) == (400, code)


def test_a_repeated_key_or_version_is_refused() -> None:
    for name in (b"Sec-WebSocket-Key", b"Sec-WebSocket-Version", b"Upgrade"):
        with pytest.raises(HeadError, match="header-repeated"):
            check((name, WHOLE[name]))

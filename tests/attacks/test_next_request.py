"""What is no request is answered shortly, before a byte is sent on; the next has its own answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attacks.target import OWN_PAYSLIP, Target
from tests.attacks.wire import Wire

AFTER = b"/estates/jobs"
ITS_ANSWER = b'data-function="est.job"'
SHORT_BYTES = 1_000
QUIET_SECONDS = 0.5
HOST = b"Host: HOST\r\n"
POSTED = b"POST /estates/jobs HTTP/1.1\r\n" + HOST + b"Origin: http://HOST\r\n"
LINE = b"GET " + OWN_PAYSLIP + b" HTTP/1.1\r\n"
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n"
# fmt: off
CASES = {
    "a foreign host": LINE + b"Host: evil.example\r\n",
    "no host": LINE,
    "an empty host": LINE + b"Host:\r\n",
    "two hosts": LINE + HOST + HOST,
    "two hosts in one": LINE + b"Host: HOST, HOST\r\n",
    "an authority": b"GET gw:443 HTTP/1.1\r\n" + HOST,
    "the absolute form": b"GET http://HOST" + OWN_PAYSLIP + b" HTTP/1.1\r\n" + HOST,
    "an asterisk": b"OPTIONS * HTTP/1.1\r\n" + HOST,
    "an underscore": LINE + HOST + b"X_Gateway_User: chief\r\n",
    "a repeated field": LINE + HOST + b"Authorization: a\r\nAuthorization: b\r\n",
    "two cookie fields": LINE + HOST + b"Cookie: a=b\r\n",
    "our cookie twice": LINE + HOST,
    "a trailer": POSTED + CHUNKS + b"X-Gateway-User: chief\r\n",
    "chunks without an end": POSTED + CHUNKS,
    "a malformed expectation": POSTED + b"Expect: y 100-continue\r\nContent-Length: 0\r\n",
    "a field that names a field": LINE + HOST + b"Connection: close, Cookie\r\n",
    "another method": LINE + HOST + b"X-HTTP-Method-Override: DELETE\r\n",
    "chunks in 1.0": POSTED.replace(b"1.1", b"1.0") + CHUNKS,
    "bare line feeds": (LINE + HOST).replace(b"\r\n", b"\n"),
    "one bare line feed": LINE + HOST + b"X: a\nY: b\r\n",
    "a bare carriage return": LINE + HOST + b"X: a\rY: b\r\n",
    "a line end too many": LINE + HOST + b"X: a\r\n\rX\r\n",
    "two lengths": POSTED + b"Content-Length: 2\r\nContent-Length: 2\r\n",
    "length and chunks": POSTED + b"Content-Length: 2\r\n" + CHUNKS,
    "half a WebSocket": LINE + HOST + b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
    "an upgrade to h2c": LINE + HOST + b"Upgrade: h2c\r\nConnection: Upgrade\r\n",
    "dots": b"GET /fleet/bookings/..;/restricted HTTP/1.1\r\n" + HOST,
}
# fmt: on
KEEPS = frozenset({"our cookie twice", "dots", "the absolute form", "an asterisk"})
"""Read without doubt, and refused for what it says: the connection goes on."""


def written(target: Target, name: str, username: str = "firefighter") -> bytes:
    """Write a case: with a good cookie, so that nothing but its form can refuse it."""
    raw = CASES[name].replace(b"HOST", target.host)
    cookie = target.cookie(username)
    cookies = {"our cookie twice": cookie + b"; " + cookie}.get(name, cookie)
    if b"\r\n\r\n" in raw:
        head, body = raw.split(b"\r\n\r\n", 1)
        return head + b"\r\nCookie: " + cookies + b"\r\n\r\n" + body
    line = b"\n" if name == "bare line feeds" else b"\r\n"
    return raw + b"Cookie: " + cookies + line + line


def test_each_is_refused_before_a_byte_and_the_next_has_its_own_answer(target: Target) -> None:
    """Its own answer, or none: then the connection has been closed behind the refusal."""
    target.token()
    mark = target.relay.count

    def ask(name: str) -> tuple[str, bool, list[int]]:
        with Wire(target.port) as wire:
            wire.send(written(target, name))
            wire.send(target.request(AFTER))
            first, *rest = wire.replies(seconds=QUIET_SECONDS)
            short = len(first.body) < SHORT_BYTES
            refused = 400 <= first.status < 500 and first.reference is not None and short
            own = all(ITS_ANSWER in one.body for one in rest)
            ended = wire.ended or name in KEEPS
            return name, refused and own and ended, [first.status, *(one.status for one in rest)]

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(ask, CASES))
    seen = [one.target.encode() for one in target.let_through(mark)]

    assert [one for one in told if not one[1]] == []
    assert {name for name, _, statuses in told if len(statuses) == 2} == KEEPS
    assert seen == [AFTER] * len(KEEPS)


def test_an_upload_that_may_not_be_is_refused_before_it_is_asked_for(target: Target) -> None:
    """Whoever waits for `100 Continue` hears the refusal in its place, and keeps the body."""
    mark = target.relay.count
    fields = [
        (b"Origin", target.origin),
        (b"Content-Type", b"application/octet-stream"),
        (b"Expect", b"100-continue"),
        (b"Content-Length", b"900000000"),
    ]
    for wanted in (b"/dms/me/roster", b"/nothing", b"/OA_HTML/%2e%2e/x"):
        with Wire(target.port) as wire:
            wire.send(target.request(wanted, method=b"POST", fields=fields))
            raw = wire.raw(1)

        assert raw.startswith(b"HTTP/1.1 4"), raw[:80]
    assert target.let_through(mark) == []


@pytest.mark.parametrize("cookies", [True, False])
def test_an_upgrade_is_refused_like_any_request(target: Target, *, cookies: bool) -> None:
    """Whole handshakes too: without a session, elsewhere, from another site's page."""
    mark = target.relay.count
    fields = [
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Sec-WebSocket-Version", b"13"),
        (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    ]
    own = (b"Origin", target.origin)
    live = b"/ict/tickets/ICT-10001/live"
    cases = [
        (OWN_PAYSLIP, own, 404), (live, (b"Origin", b"http://evil.example"), 403),
        (live, (b"Sec-Fetch-Site", b"same-origin"), 403), (live + b"?person_id=40012", own, 403),
        (live + b"/..;/x", own, 400), (b"/dms/me/roster/live", own, 404),
    ]  # fmt: skip
    for wanted, origin, status in cases:
        username = "firefighter" if cookies else None
        raw = target.request(wanted, fields=[*fields, origin], username=username)
        with Wire(target.port) as wire:
            wire.send(raw)
            first = wire.reply()
            wire.send(target.request(AFTER))
            assert first is not None
            asked = cookies or origin is not own or status == 400
            assert first.status == (status if asked else 401), wanted
            assert wire.wait_for_end()
    assert target.let_through(mark) == []

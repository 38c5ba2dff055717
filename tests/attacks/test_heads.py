"""Fields of a head that pretend: nothing of them reaches the back office, whatever it is called."""

from __future__ import annotations

import base64
import json

import pytest

from tests.attacks.relay import SeenRequest
from tests.attacks.target import OWN_PAYSLIP, Target

# All that the back office is ever sent: what a browser needs, who asks, the visit.
PASSED = frozenset(
    {
        "host", "accept", "accept-language", "accept-encoding", "user-agent", "content-type",
        "content-encoding", "range", "if-range", "if-match", "if-none-match", "if-modified-since",
        "if-unmodified-since", "last-event-id", "x-requested-with", "gateway-assertion", "cookie",
        "x-request-id", "content-length", "transfer-encoding",
    }
)  # fmt: skip
LIE = b"cheshire-police/20015"
SPOOFS = (
    b"X-Forwarded-Uri", b"X-Forwarded-Host", b"X-Forwarded-Proto", b"X-Forwarded-Prefix",
    b"X-Forwarded-For", b"X-Forwarded-Port", b"X-Forwarded-Method", b"X-Original-URL",
    b"X-Rewrite-URL", b"Forwarded", b"X-Real-IP", b"SCRIPT-NAME", b"PATH-INFO", b"REMOTE-USER",
    b"Remote-User", b"Proxy", b"X-Remote-User", b"X-Gateway-User", b"x-gateway-user",
    b"X-GATEWAY-USER", b"X-Auth-Request-User", b"USER-NAME", b"OAM-REMOTE-USER", b"EBS-USER",
    b"X-Client-IP", b"True-Client-IP", b"X-User", b"Authorization", b"Gateway-Reference",
    b"X-Request-ID", b"X-Asker", b"Gateway-Assertion", b"gateway-assertion", b"GATEWAY-ASSERTION",
)  # fmt: skip
ODD_NAMES = (
    b"X_Gateway_User", b"X.Gateway.User", b"SCRIPT_NAME", b"PATH_INFO", b"REMOTE_USER",
    b"HTTP_HOST",
    b"Gateway_Assertion", b"gateway_assertion", b"USER_NAME", b"X-Gateway-User ",
    b"X-Gateway-User\t", b"X-Gateway-User\x85", b"X-Gateway-User\xa0", b" X-Gateway-User",
    b"Gateway-Assertion ",
    b"Gateway.Assertion", b"X-Gateway\x00-User",
)  # fmt: skip


def claims(seen: SeenRequest) -> dict[str, object]:
    """Read whom the one assertion of a request vouches for."""
    (assertion,) = seen.values("gateway-assertion")
    payload = assertion.split(".")[1]
    padded = payload + "=" * (-len(payload) % 4)
    read: dict[str, object] = json.loads(base64.urlsafe_b64decode(padded))
    return read


def forged() -> bytes:
    """Write an assertion that nobody signed, as an outsider would."""
    parts = ({"alg": "none"}, {"sub": LIE.decode(), "employee_number": "20015"})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*encoded, b""])


@pytest.mark.parametrize("name", SPOOFS)
def test_a_field_that_pretends_does_not_reach_the_back_office(target: Target, name: bytes) -> None:
    """What goes out is built from a list of ours; the asker is who signed in."""
    account = target.stack.accounts["firefighter"]
    value = forged() if b"ssertion" in name.lower() else LIE
    mark = target.relay.count
    reply = target.say(target.request(fields=[(name, value)]))
    seen = target.let_through(mark)

    if reply.status == 400:
        assert seen == []
        return
    assert reply.status == 200
    (one,) = seen
    assert {held.lower() for held, _ in one.fields} <= PASSED
    assert claims(one)["employee_number"] == account.employee_number
    assert value.decode() not in "\n".join(held for _, held in one.fields)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_field_whose_name_others_fold_is_refused(target: Target, name: bytes) -> None:
    """CGI and its heirs make one name of `-`, `_` and `.`."""
    mark = target.relay.count
    reply = target.say(target.request(fields=[(name, LIE)]))

    assert reply.status == 400
    assert reply.reference
    assert target.let_through(mark) == []


def test_a_repeated_identity_field_reaches_nobody(target: Target) -> None:
    mark = target.relay.count
    twice = [(b"X-Gateway-User", LIE), (b"x-gateway-user", b"b"), (b"Gateway-Assertion", forged())]
    reply = target.say(target.request(fields=[*twice, *twice]))
    seen = target.let_through(mark)

    assert reply.status in {200, 400}
    for one in seen:
        assert {held.lower() for held, _ in one.fields} <= PASSED
        assert len(one.values("gateway-assertion")) == 1
        assert claims(one)["org"] == "cheshire-fire"


@pytest.mark.parametrize(
    "path", [b"/-/portal", b"/-/audit", b"/-/policy", b"/-/vetting", b"/-/sign-out"]
)
def test_no_field_opens_a_page_of_ours(target: Target, path: bytes) -> None:
    """The pages believe the session that the front found, and nothing that came with it."""
    account = target.stack.accounts["security-officer"]
    fields = [
        (b"Remote-User", account.username.encode()),
        (b"X-Gateway-User", LIE),
        (b"X-Forwarded-For", b"10.0.0.1"),
        (b"Gateway-Session", b"x"),
        (b"Gateway-Grant", b"x"),
        (b"Authorization", b"Basic c2VjdXJpdHktb2ZmaWNlcjpkZW1v"),
    ]
    reply = target.say(target.request(path, fields=fields, username=None))
    own = target.say(target.request(path, fields=fields))

    assert reply.status == (200 if path == b"/-/sign-out" else 303)
    assert account.name.encode() not in reply.body + own.body
    if path in {b"/-/audit", b"/-/policy", b"/-/vetting"}:
        assert own.status == 403


@pytest.mark.parametrize(
    "words",
    [
        b"close, X-Gateway-User", b"Close, x-gateway-user", b"X-Gateway-User", b"Gateway-Assertion",
        b"host", b"Content-Length", b"cookie", b"Cookie, close", b'"close"', b"close;x", b"upgrade",
        b"keep-alive, Authorization", b"X-Request-ID", b"close, content-type",
    ],
)  # fmt: skip
def test_a_connection_field_that_names_others_is_refused(target: Target, words: bytes) -> None:
    """It would have the next hop drop what the gateway vouches for."""
    mark = target.relay.count
    reply = target.say(target.request(fields=[(b"Connection", words)]))

    assert reply.status == 400
    assert target.let_through(mark) == []


def test_two_connection_fields_count_together(target: Target) -> None:
    mark = target.relay.count
    fields = [(b"Connection", b"close"), (b"Connection", b"Cookie")]

    assert target.say(target.request(fields=fields)).status == 400
    assert target.let_through(mark) == []


@pytest.mark.parametrize(
    "words", [b"close", b"keep-alive", b"Keep-Alive", b"TE, close", b"close, TE"]
)
def test_an_ordinary_connection_field_is_served_and_stays_here(
    target: Target, words: bytes
) -> None:
    mark = target.relay.count
    reply = target.say(target.request(fields=[(b"Connection", words)]))
    (seen,) = target.let_through(mark)

    assert reply.status == 200
    assert seen.values("connection") == []


def test_the_sessions_cookie_stays_here(target: Target) -> None:
    """The back office could be somebody else the next day; only its own cookies go there."""
    mark = target.relay.count
    for _ in range(2):
        target.say(target.request(fields=[(b"X-Requested-With", b"x")]))
    seen = target.let_through(mark)

    assert len(seen) == 2
    for one in seen:
        head = "\n".join(f"{name}: {value}" for name, value in one.fields)
        assert target.token() not in head
        assert "gateway-" not in " ".join(one.values("cookie"))


def test_the_back_offices_cookies_stay_here_too(target: Target) -> None:
    """They are kept for the session, and never shown to the browser."""
    visitor = target.sign_in("paramedic")
    mark = target.relay.count
    pages = [visitor.get("/estates/jobs") for _ in range(2)]
    seen = target.let_through(mark)
    visitor.sign_out()

    assert [page.set_cookies for page in pages] == [(), ()]
    cookies = [one.values("cookie") for one in seen if one.target == "/estates/jobs"]
    assert cookies[0] == []
    assert cookies[1] != []


def test_more_fields_than_anybody_needs_are_refused(target: Target) -> None:
    mark = target.relay.count
    many = [(b"X-%d" % number, b"x") for number in range(300)]
    large = [(b"X-Large", b"x" * 100_000)]
    replies = [target.say(target.request(OWN_PAYSLIP, fields=one)) for one in (many, large)]

    assert [reply.status for reply in replies] == [431, 431]
    assert all(reply.reference for reply in replies)
    assert target.let_through(mark) == []

"""The heads of both directions: what is not on the list does not pass, however it is spelt."""

import pytest

from gateway.backoffice.canonical import CanonicalTarget
from gateway.backoffice.headers import (
    identity_fields,
    local_location,
    passed_on,
    request_head,
    response_head,
    told_fields,
)
from gateway.wire.request_head import CHUNKED, RequestHead

UPSTREAM = "http://back.office:9000"


def head(method: str = "GET", length: int = 0, **fields: str) -> RequestHead:
    headers = {name.replace("_", "-").encode(): value.encode() for name, value in fields.items()}
    return RequestHead(
        method=method,
        target=b"/raw/../never",
        headers=headers,
        body_length=length,
        keep_alive=True,
        expects_continue=False,
        http_1_0=False,
    )


def written(given: RequestHead, *, cookies: bytes = b"") -> bytes:
    return request_head(
        head=given,
        target=CanonicalTarget("/a", (("b", "c"),), b"/a?b=c"),
        host=b"back.office:9000",
        told=told_fields([(b"Gateway-Assertion", b"signed")], cookies),
        reference="0123456789",
    )


def test_the_request_is_what_was_decided_on_with_who_is_asking() -> None:
    given = head(accept="text/html", range="bytes=0-1", cookie="ours=1", x_forwarded_for="1.2.3.4")

    assert written(given, cookies=b"jar=1") == (
        b"GET /a?b=c HTTP/1.1\r\nHost: back.office:9000\r\nAccept: text/html\r\n"
        b"Range: bytes=0-1\r\nGateway-Assertion: signed\r\nCookie: jar=1\r\n"
        b"X-Request-ID: 0123456789\r\n\r\n"
    )


def test_what_was_worked_out_for_one_request_says_nothing_of_another() -> None:
    given = head("POST", 3, accept="text/html")
    asked = [
        (target, host, told, reference)
        for target in (b"/a", b"/b?c=d")
        for host in (b"back.office", b"other")
        for told in (b"\r\nGateway-Assertion: one", b"\r\nGateway-Assertion: two")
        for reference in ("0123456789", "ABCDEFGHJK")
    ]
    for target, host, told, reference in asked:
        said = request_head(
            head=given.for_target(b"/raw"),
            target=CanonicalTarget("/", (), target),
            host=host,
            told=told,
            reference=reference,
        )
        assert said == (
            b"POST %b HTTP/1.1\r\nHost: %b\r\nAccept: text/html%b\r\nX-Request-ID: %b\r\n"
            b"Content-Length: 3\r\n\r\n" % (target, host, told, reference.encode())
        )


@pytest.mark.parametrize(
    "field",
    [
        "authorization",
        "connection",
        "cookie",
        "expect",
        "forwarded",
        "gateway_assertion",
        "host",
        "origin",
        "proxy",
        "referer",
        "te",
        "trailer",
        "x_forwarded_proto",
        "x_request_id",
    ],
)
def test_nothing_else_of_the_client_passes(field: str) -> None:
    given = head()
    given.headers[field.replace("_", "-").encode()] = b"forged"

    assert b"forged" not in written(given)


@pytest.mark.parametrize(
    ("method", "length", "framing"),
    [
        ("GET", 0, b""),
        ("DELETE", 0, b""),
        ("POST", 0, b"\r\nContent-Length: 0\r\n"),
        ("PUT", 12, b"\r\nContent-Length: 12\r\n"),
        ("GET", 3, b"\r\nContent-Length: 3\r\n"),
        ("POST", CHUNKED, b"\r\nTransfer-Encoding: chunked\r\n"),
    ],
)
def test_the_body_is_framed_by_us(method: str, length: int, framing: bytes) -> None:
    said = written(head(method, length, content_length="99", transfer_encoding="gzip"))

    assert framing in said
    assert said.count(b"Content-Length") + said.count(b"Transfer-Encoding") == bool(framing)


def test_the_answer_has_the_fields_that_describe_its_body_and_ours() -> None:
    said = response_head(
        status=200,
        fields=passed_on(
            [
                (b"content-type", b"text/css"),
                (b"etag", b'"1"'),
                (b"set-cookie", b"s=1"),
                (b"cache-control", b"public"),
                (b"server", b"x"),
                (b"access-control-allow-origin", b"*"),
            ]
        ),
        framing=b"Content-Length: 2\r\n",
        connection=b"Connection: close\r\n",
        location=b"/there",
        reference="0123456789",
        resource=False,
    )

    assert said == (
        b'HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nETag: "1"\r\nLocation: /there\r\n'
        b"Cache-Control: private, no-store\r\nVary: Cookie\r\nX-Content-Type-Options: nosniff\r\n"
        b"Referrer-Policy: same-origin\r\nGateway-Reference: 0123456789\r\n"
        b"Content-Length: 2\r\nConnection: close\r\n\r\n"
    )


def of_resource(status: int) -> bytes:
    return response_head(
        status=status,
        fields=b"",
        framing=b"",
        connection=b"",
        location=None,
        reference="0123456789",
        resource=True,
    )


def test_a_resource_may_be_kept_by_the_browser_alone() -> None:
    said = of_resource(200)

    assert b"Cache-Control: private, no-cache\r\n" in said
    assert said.endswith(b"\r\n\r\n")


def test_a_status_without_a_name_has_a_line_too() -> None:
    for status, line in ((404, b"404 Not Found"), (299, b"299 Answer"), (599, b"599 Answer")):
        assert of_resource(status).startswith(b"HTTP/1.1 " + line + b"\r\n")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"/there", b"/there"),
        (b"/there?a=b#c", b"/there?a=b"),
        (b"there", b"there"),
        (b"?page=2", b"?page=2"),
        (b"http://back.office:9000", b"/"),
        (b"HTTP://Back.Office:9000/x?y", b"/x?y"),
        (b"//back.office:9000/x", b"/x"),
        (b"", b"/"),
        (b"https://back.office:9000/x", None),
        (b"http://back.office/x", None),
        (b"http://back.office:9000@evil.example/", None),
        (b"http://evil.example/", None),
        (b"//evil.example/", None),
        (b"/\t/evil.example/", None),
        (b"http://back.office:9000//evil.example/", None),
        (b"/\\evil.example/", None),
        (b"javascript:alert(1)", None),
        (b"http://[broken", None),
        (b"/caf\xc3\xa9", None),
    ],
)
def test_a_location_leads_to_the_gateway_or_nowhere(said: bytes, told: bytes | None) -> None:
    """A system that sends people elsewhere could send them to a page that looks like ours."""
    assert local_location(said, {UPSTREAM: b""}) == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"https://fleet.gate/x?y", b"https://fleet.gate/x?y"),
        (b"https://fleet.gate:443", b"https://fleet.gate/"),
        (b"//fleet.gate/x", b"https://fleet.gate/x"),
        (b"https://fleet.gate@evil.example/", None),
        (b"https://fleet.gate//evil.example/", None),
        (b"http://fleet.gate/x", None),
    ],
)
def test_another_host_of_ours_is_named_whole(said: bytes, told: bytes | None) -> None:
    fleet = dict.fromkeys(("https://fleet.gate", "https://fleet.gate:443"), b"https://fleet.gate")

    assert local_location(said, {UPSTREAM: b"", **fleet}) == told


def test_identity_fields_are_filled_from_what_is_known_and_hold_no_control_characters() -> None:
    names = {"EBS-User": "username", "EBS-Unit": "unit", "EBS-Name": "name"}
    claims = {"username": "fred\r\nEBS-User: admin", "name": "Zoë"}

    assert identity_fields(names, claims) == [
        (b"EBS-User", b"fredEBS-User: admin"),
        (b"EBS-Unit", b""),
        (b"EBS-Name", b"Zo?"),
    ]

"""Bodies in disguise: what the back office could read from one has been read, or is not sent on."""

from __future__ import annotations

import pytest

from tests.attacks.target import Target
from tests.attacks.wire import Wire

JSON = b"application/json"
UPLOAD = b"multipart/form-data; boundary=B"
JOBS = b"/estates/jobs"
TYPES = (
    b"application/json; charset=utf-16", b"text/json", b"application/x+json", b"application/JSON,a",
    b"application/x-www-form-urlencoded; charset=ibm037", b"multipart/mixed; boundary=B",
    b"multipart/form-data; boundary=B; boundary=C", b"text/plain", b"application/xml",
)  # fmt: skip
JSONS = (
    b'{"person_id": "40012"}', b'{"a": {"person_id": "40012"}}', b'[{"person_id": "40012"}]',
    b'{"place": "x", "person_id": 40012}', b'{"Person_Id": "40012"}', b'{"personId": "40012"}',
    b'{"person\\u005fid": "40012"}', b'{"a": 1, "a": {"person_id": 1}}', b'{"person_id[]": ["1"]}',
    b'{"a": NaN}', b'\xef\xbb\xbf{"person_id": "40012"}', b'{"a": "\xff"}', b'{"a": 1}{"b": 2}',
    b"[" * 5000,
)  # fmt: skip


def part(name: bytes, content: bytes = b"x", more: bytes = b"") -> bytes:
    return b'--B\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n' % (
        name,
        more,
        content,
    )


END = b"--B--\r\n"
UPLOADS = (
    part(b"person_id", b"40012") + END,
    part(b"place") + part(b"Person_ID", b"40012") + END,
    part(b"place", more=b"\r\nContent-Type: application/json") + END,
    part(b"place", b"x\n--B\nContent-Disposition: form-data; name=person_id\n\n40012") + END,
    part(b"place", more=b"; name=person_id") + END,
    part(b"place") + END + part(b"person_id", b"40012") + END,
    part(b"place") + b"--B\r\nContent-Disposition: form-data; name=person_id",
    b"x\r\n" + part(b"place") + END,
)


@pytest.mark.parametrize(
    ("kinds", "bodies"),
    [(TYPES, JSONS[:1]), ((JSON,), JSONS), ((UPLOAD,), UPLOADS)],
    ids=["types", "json", "uploads"],
)
def test_no_body_says_what_the_address_does_not(
    target: Target, kinds: tuple[bytes, ...], bodies: tuple[bytes, ...]
) -> None:
    mark = target.relay.count
    replies = [
        (
            kind,
            body[:80],
            target.say(target.request(JOBS, method=b"POST", fields=fields, body=body)),
        )
        for kind in kinds
        for fields in [[(b"Origin", target.origin), (b"Content-Type", kind)]]
        for body in bodies
    ]
    seen = target.let_through(mark)

    wrong = [(k, b, r.status) for k, b, r in replies if r.status not in {400, 404, 415}]
    assert wrong == []
    assert all(reply.reference for _, _, reply in replies)
    assert [one for one in seen if one.complete] == []


def test_a_coded_body_is_not_passed_on_where_it_is_read(target: Target) -> None:
    mark = target.relay.count
    for kind in (JSON, UPLOAD, b"application/x-www-form-urlencoded"):
        fields = [
            (b"Origin", target.origin),
            (b"Content-Type", kind),
            (b"Content-Encoding", b"gzip"),
        ]
        reply = target.say(target.request(JOBS, method=b"POST", fields=fields, body=b"\x1f\x8b"))
        assert reply.status == 415

    assert target.let_through(mark) == []


@pytest.mark.parametrize("chunked", [True, False])
def test_an_upload_that_goes_wrong_late_never_arrives_whole(
    target: Target, *, chunked: bool
) -> None:
    """It has begun at the back office: there it is cut, and here it is 400."""
    mark = target.relay.count
    begun = part(b"place", b"y" * 300_000)
    rest = part(b"person_id", b"40012") + END
    framing = (
        (b"Transfer-Encoding", b"chunked")
        if chunked
        else (b"Content-Length", b"%d" % len(begun + rest))
    )
    fields = [(b"Origin", target.origin), (b"Content-Type", UPLOAD), framing]
    with Wire(target.port) as wire:
        wire.send(target.request(JOBS, method=b"POST", fields=fields))
        for piece in (begun, rest):
            wire.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        wire.send(b"0\r\n\r\n" if chunked else b"")
        reply = wire.reply()

    assert reply is not None
    assert (reply.status, bool(reply.reference)) == (400, True)
    seen = target.let_through(mark)
    assert [one for one in seen if one.complete] == []
    assert all(b"person_id" not in bytes(one.body) for one in seen)


def test_honest_bodies_pass(target: Target) -> None:
    """The control: refusing every body would pass all of the above."""
    sent = (
        (JSON, b'{"place": "Chester station", "fault": "Door", "urgent": "No"}'),
        (JSON + b"; charset=utf-8", '{"place": "Ynys Môn", "more": [{"x": 1.5}]}'.encode()),
        (UPLOAD, part(b"place") + part(b"file", b"\x00\r\n-", b'; filename="a.png"') + END),
    )
    for kind, body in sent:
        mark = target.relay.count
        fields = [(b"Origin", target.origin), (b"Content-Type", kind)]
        reply = target.say(target.request(JOBS, method=b"POST", fields=fields, body=body))
        (seen,) = target.let_through(mark)

        assert reply.status in {201, 303}, (kind, reply.status)
        assert bytes(seen.body) == body

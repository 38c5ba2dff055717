"""One canonical form, or none: every reading of what is sent is the reading that was decided on."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.backoffice.canonical import (
    TargetError,
    canonicalise_form,
    canonicalise_target,
)

DECLARED = frozenset({"OAFunc", "function_id", "page", "person_id", "porMode"})


def canonical(raw: bytes) -> str:
    return canonicalise_target(raw, DECLARED).sent.decode()


def is_refused(raw: bytes) -> bool:
    try:
        canonicalise_target(raw, DECLARED)
    except TargetError:
        return True
    return False


@pytest.mark.parametrize(
    "raw",
    [
        b"/../admin", b"/./admin", b"/a/..", b"/...", b"//a//b", b"/public../admin",
        b"/%2e%2e/admin", b"/.%2e/x", b"/%2e%2e%2fadmin", b"/..%2fadmin", b"/a%2fb", b"/a%5cb",
        b"/%252e%252e%252fadmin", b"/%2561dmin", b"/%%32%65", b"/%25252e", b"/..;/admin",
        b"/..;x=y/admin", b"/.;/admin", b"/;/../admin", b"/admin;x/users", b"/users;.css",
        b"/..%3b/admin", b"/;%2f..%2fadmin", b"/a;jsessionid=A", b"/%c0%ae%c0%ae/", b"/%c0%af",
        b"/%e0%80%ae", b"/%ef%bc%8e", b"/%u002e", b"/%zz", b"/%2", b"/%", b"/%ef%bd%81dmin",
        b"/%e2%84%aa", b"/a%00", b"/a%0a", b"/a%0d%0a", b"/a%09", b"/a%20", b"/%20a", b"/a%ff",
        b"/a.", b"/a#/../admin", b"/a%23/../admin", b"/a%3f", b"http://other/admin",
        b"HTTP://gw:80/x", b"*", b"gw:443", b"admin", b"", b"/a\\b", b"/a b", b"/a\x7f", b"/\xff",
        b"/a%00.css", b"/%61dmin", b"/%4fA_HTML/OA.jsp", b"/%e2%80%ae", b"/%ef%bb%bfa",
    ],
)  # fmt: skip
def test_a_path_with_two_readings_is_refused(raw: bytes) -> None:
    assert is_refused(raw)


@pytest.mark.parametrize(
    "query",
    [
        "OAFunc=A&OAFunc=B", "OAFunc=A&oafunc=B", "oafunc=A", "%4fAFunc=A", "OAFunc%20=A",
        "OAFunc=A&x=1;person_id=2", "x=%26person_id=3", "x=1%26person_id%3D3", "person_id[]=1",
        "person_id=%39000", "person_id=9000%00", "person_id=9+0", "x=%00", "x=%0a", "x=%zz",
        "%2570erson_id=1", "person%255fid=1", "PERSON_ID=1", "person_id.x=1", "x=%ff",
        "\xef\xbd\x90erson_id=1",
    ],
)  # fmt: skip
def test_a_parameter_that_could_be_read_as_a_declared_one_is_refused(query: str) -> None:
    assert is_refused(b"/OA_HTML/OA.jsp?" + query.encode("latin-1"))


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        (b"/", "/"),
        (b"/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP", "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"),
        (b"/a?", "/a"),
        (b"/caf%c3%a9/%7Ea", "/caf%C3%A9/~a"),
        (b"/gwe%C5%B7/x", "/gwe%C5%B7/x"),
        (b"/a%20b", "/a%20b"),
        (b"/a?q=100%25&w=%C5%B5+y&mail=a%40b.uk", "/a?q=100%25&w=%C5%B5+y&mail=a%40b.uk"),
        (b"/a?when=2026-11-21T10:00:00Z", "/a?when=2026-11-21T10:00:00Z"),
        (b"/a?page=/oracle/apps/x&y=", "/a?page=/oracle/apps/x&y="),
        (b"/a?return=/b%3Fc%3D1", "/a?return=/b%3Fc%3D1"),
        (b"/report-2026.v2.pdf", "/report-2026.v2.pdf"),
        (b"/a/", "/a/"),
    ],
)
def test_ordinary_targets_pass(raw: bytes, sent: str) -> None:
    assert canonical(raw) == sent


def test_the_query_is_decoded_for_matching_and_sent_as_it_was() -> None:
    target = canonicalise_target(b"/a?b=%C3%A9&c=x+y&person_id=40011", DECLARED)

    assert target.query == (("b", "é"), ("c", "x y"), ("person_id", "40011"))
    assert target.sent == b"/a?b=%C3%A9&c=x+y&person_id=40011"


def test_a_value_of_a_form_may_have_several_lines() -> None:
    assert canonicalise_form(b"note=first%0D%0Asecond%09third", DECLARED) == (
        ("note", "first\r\nsecond\tthird"),
    )


@pytest.mark.parametrize(
    "form",
    [
        b"note%0A=x",
        b"note=a%00b",
        b"note=a%1Bb",
        b"note=a%0D%0Aperson_id=6",
        b"note=a%0Aperson_id%3D6",
        b"note=a%250Aperson_id%253D6",
        b"person_id=5%0A",
    ],
)
def test_lines_of_a_form_hide_nothing(form: bytes) -> None:
    with pytest.raises(TargetError):
        canonicalise_form(form, DECLARED)


def test_a_query_has_one_line() -> None:
    with pytest.raises(TargetError, match="query-text"):
        canonicalise_target(b"/a?note=first%0D%0Asecond", DECLARED)


def test_a_form_is_read_under_the_same_rules() -> None:
    assert canonicalise_form(b"a=1&person_id=5", DECLARED) == (("a", "1"), ("person_id", "5"))
    assert canonicalise_form(b"", DECLARED) == ()
    with pytest.raises(TargetError):
        canonicalise_form(b"person_id=5&person_id=6", DECLARED)
    with pytest.raises(TargetError):
        canonicalise_form(b"a=\xc3\xa9", DECLARED)


def collapse(path: str) -> str:
    """Remove dot segments and repeated slashes, as a file system or a Java server would."""
    kept: list[str] = []
    for segment in re.split(r"/+", path):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in {"", "."}:
            kept.append(segment)
    return "/".join(kept)


PIECES = st.sampled_from(
    ["a", "Z", "9", "/", "..", ".", ";", "%2e", "%2F", "%5c", "%00", "%25", "%c3%a9", "\\", "#",
     "%", "~", "//", "%61", "x.y", "+", "=", "%0a", "%ef%bc%8f", "%20", ":", "@", "!"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12))
def test_every_reading_of_what_is_sent_is_one_reading(pieces: list[str]) -> None:
    """The oracle of the forwarding: nine ways to read the path that leaves, and one meaning."""
    raw = ("/" + "".join(pieces)).encode()
    try:
        sent = canonicalise_target(raw, DECLARED).path
    except TargetError:
        return
    plain = collapse(unquote(sent))
    readings = {
        collapse(sent.split("#")[0].split("\0")[0]).replace("%20", " "),
        collapse(unquote(unquote(sent))),
        collapse(re.sub(r";[^/]*", "", unquote(sent))),
        collapse(unquote(sent).replace("\\", "/")),
    }

    assert {collapse(unquote(reading)) for reading in readings} == {plain}
    assert canonicalise_target(sent.encode(), DECLARED).path == sent

"""The cookies a system sets: kept as a browser would keep them, for one system and session."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.backoffice.cookie_jar import CookieJar

AT = 1_800_000_000.0
PATH = "/OA_HTML/OA.jsp"


def jar(*values: bytes, path: str = PATH) -> CookieJar:
    return CookieJar().with_set_cookie(values, path=path, at=AT)


@pytest.mark.parametrize(
    ("value", "asked", "sent"),
    [
        (b"s=1", "/OA_HTML/x", b"s=1"),
        (b"s=1", "/OA_HTML", b"s=1"),
        (b"s=1", "/OA_HTMLX", b""),
        (b"s=1", "/other", b""),
        (b"s=1; Path=/", "/other", b"s=1"),
        (b"s=1; path=/a/", "/a/b", b"s=1"),
        (b"s=1; Path=relative", "/OA_HTML/x", b"s=1"),
        (b"s=a=b==; Secure; HttpOnly; SameSite=Lax; Domain=evil.example", "/OA_HTML", b"s=a=b=="),
        (b's="quoted"', "/OA_HTML", b's="quoted"'),
        (b"s=", "/OA_HTML", b"s="),
    ],
)
def test_a_cookie_is_sent_to_its_path(value: bytes, asked: str, sent: bytes) -> None:
    assert jar(value).header_for(asked, AT) == sent


def test_a_cookie_set_at_the_root_is_for_everything() -> None:
    assert jar(b"s=1", path="/login").header_for("/x", AT) == b"s=1"


def test_longer_paths_come_first() -> None:
    kept = jar(b"a=1; Path=/", b"b=2; Path=/x/y", b"c=3; Path=/x")

    assert kept.header_for("/x/y", AT) == b"b=2; c=3; a=1"


@pytest.mark.parametrize(
    ("value", "later", "sent"),
    [
        (b"s=1; Path=/; Max-Age=60", 59, b"s=1"),
        (b"s=1; Path=/; Max-Age=60", 60, b""),
        (b"s=1; Path=/; Expires=Fri, 15 Jan 2027 08:01:00 GMT", 59, b"s=1"),
        (b"s=1; Path=/; Expires=Fri, 15 Jan 2027 08:01:00 GMT", 61, b""),
        (b"s=1; Path=/; Expires=Fri, 15 Jan 2027 08:01:00", 59, b"s=1"),
        (b"s=1; Path=/; Expires=nonsense", 10**9, b"s=1"),
        (b"s=1; Path=/; Expires=Fri, 15 Jan 2027 08:01:00 +" + b"9" * 30, 10**9, b"s=1"),
        (b"s=1; Path=/; Max-Age=nonsense", 10**9, b"s=1"),
        (b"s=1; Path=/; Max-Age=--1", 10**9, b"s=1"),
        (b"s=1; Path=/; Max-Age=99999999999999999999", 10**7, b"s=1"),
        (b"s=1; Path=/; Max-Age=60; Expires=Fri, 15 Jan 2021 08:01:00 GMT", 59, b"s=1"),
    ],
)
def test_a_cookie_lives_until_its_date(value: bytes, later: int, sent: bytes) -> None:
    """A date that cannot be read is no date, and must not be the end of the answer either."""
    assert jar(value).header_for("/", AT + later) == sent


@pytest.mark.parametrize(
    "value",
    [b"s=; Path=/; Max-Age=0", b"s=; Path=/; Max-Age=-1", b"s=; Path=/; Expires=Thu, 01 Jan 1970"],
)
def test_a_cookie_that_ended_is_dropped(value: bytes) -> None:
    kept = jar(b"s=1; Path=/")
    if b"Expires" in value:
        value += b" 00:00:00 GMT"

    assert kept.with_set_cookie([value], path=PATH, at=AT).cookies == ()


@pytest.mark.parametrize(
    "value",
    [
        b"nothing",
        b"=1",
        b"",
        b"s=1 2",
        b"s=1,2",
        b"s=1\\2",
        b"s s=1",
        b"s=caf\xc3\xa9",
        b"s=" + b"x" * 5000,
        b"s=1\r\nX: y",
    ],
)
def test_what_could_not_be_sent_as_it_is_is_left_out(value: bytes) -> None:
    before = CookieJar()

    assert before.with_set_cookie([value], path=PATH, at=AT) is before


def test_the_same_cookie_again_changes_nothing() -> None:
    """Only a changed jar costs a write to the store."""
    kept = jar(b"s=1; Path=/")

    assert kept.with_set_cookie([b"s=1; Path=/"], path=PATH, at=AT) is kept
    assert kept.with_set_cookie([b"s=2; Path=/"], path=PATH, at=AT).header_for("/", AT) == b"s=2"


def test_a_jar_holds_so_many_and_drops_the_eldest() -> None:
    kept = jar(*(b"c%d=1; Path=/" % number for number in range(60)))

    names = [cookie.name for cookie in kept.cookies]
    assert (len(names), names[0], names[-1]) == (50, "c10", "c59")


@given(st.lists(st.binary(max_size=40)), st.text(max_size=20).map(lambda text: "/" + text))
@example([b"\x7f=1"], "/").via("the one control that comes after all letters")
def test_whatever_a_system_sets_what_is_sent_is_one_line_of_ascii(
    values: list[bytes], path: str
) -> None:
    sent = CookieJar().with_set_cookie(values, path=path, at=AT).header_for(path, AT)

    assert all(0x20 <= byte < 0x7F for byte in sent)


@given(st.lists(st.binary(max_size=40)))
def test_a_jar_is_read_back_as_it_was_written(values: list[bytes]) -> None:
    kept = CookieJar().with_set_cookie(values, path=PATH, at=AT)

    assert CookieJar.from_json(kept.to_json()) == kept


@pytest.mark.parametrize("text", ["", "{", "[1]", '[["a"]]', "null"])
def test_a_text_we_did_not_write_is_an_empty_jar(text: str) -> None:
    assert CookieJar.from_json(text) == CookieJar()


def test_it_tells_until_when_it_gives_the_same() -> None:
    kept = jar(b"a=1; Path=/; Max-Age=60", b"b=2; Path=/; Max-Age=20", b"c=3; Path=/")

    assert kept.stands_until(AT) == AT + 20
    assert kept.header_for("/", AT + 20) != kept.header_for("/", AT + 19.9)
    assert kept.stands_until(AT + 20) == AT + 60
    assert kept.stands_until(AT + 60) == float("inf")

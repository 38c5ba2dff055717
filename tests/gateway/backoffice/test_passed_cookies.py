"""Cookies that go to the browser: renamed, kept to us, and back for the same sign-in only."""

import pytest

from gateway.backoffice.passed_cookies import PassedCookies

SECRET = b"s" * 32
ALICE, BOB = b"fire/alice\x001", b"fire/bob\x002"
OURS = "Path=/OA_HTML"
AT = 1_800_000_000.0
EBS = PassedCookies("ebs", secure=True, secret=SECRET)


def given(value: bytes, *, whose: bytes = ALICE, cookies: PassedCookies = EBS) -> str:
    """Give the field a browser is sent for one `Set-Cookie`, empty for none."""
    return cookies.to_browser([value], whose, path="/OA_HTML/OA.jsp", at=AT).decode()


def pair(field: str) -> bytes:
    """Give what a browser sends back of a field it was sent."""
    return field.removeprefix("Set-Cookie: ").partition(";")[0].encode()


@pytest.mark.parametrize(
    ("said", "attributes"),
    [
        (b"a=1", "Path=/OA_HTML; Secure; SameSite=Lax"),
        (b"a=1; Path=/", "Path=/; Secure; SameSite=Lax"),
        (b"a=1; Path=/; HttpOnly; SameSite=Strict", "Path=/; Secure; HttpOnly; SameSite=Strict"),
        (b"a=1; Path=/; SameSite=None; Partitioned", "Path=/; Secure; SameSite=Lax"),
        (b"a=1; Domain=example.com; path=x", "Path=/OA_HTML; Secure; SameSite=Lax"),
        (b"a=1; Max-Age=60; Path=/", "Path=/; Max-Age=60; Secure; SameSite=Lax"),
        (b"a=1; Max-Age=-1; Path=/", "Path=/; Max-Age=0; Secure; SameSite=Lax"),
        (b"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", f"{OURS}; Max-Age=0; Secure; SameSite=Lax"),
    ],
)  # fmt: skip
def test_what_a_system_says_of_a_cookie_stands_where_it_may(said: bytes, attributes: str) -> None:
    field = given(said)

    assert field.startswith("Set-Cookie: ebs.a=1")
    assert field.partition("; ")[2] == attributes + "\r\n"


def test_on_plain_localhost_a_cookie_is_not_secure() -> None:
    plain = PassedCookies("ebs", secure=False, secret=SECRET)

    assert "Secure" not in given(b"a=1; Secure", cookies=plain)


@pytest.mark.parametrize(
    "odd",
    [b"a", b"=1", b"a b=1", b"a=1\r\nSet-Cookie: b=2", b"a=\xe9", b"a=1,2", b'a="1', b"(a)=1"],
)
def test_what_is_odd_is_not_passed(odd: bytes) -> None:
    field = given(odd)

    assert not field or field.count("\r\n") == 1
    assert "b=2" not in field


def test_a_cookie_comes_back_as_the_system_gave_it() -> None:
    first, second = given(b"JSESSIONID=a.b==; Path=/"), given(b'x="quoted"')
    sent = b"gateway-localhost=token; " + pair(first) + b"; theme=dark; " + pair(second)

    assert EBS.to_system(sent, ALICE) == b'JSESSIONID=a.b==; x="quoted"'


def test_nothing_of_another_sign_in_or_another_system_comes_back() -> None:
    """One browser may serve two people, one after the other."""
    cookie = pair(given(b"JSESSIONID=alice"))
    other = PassedCookies("payroll", secure=True, secret=SECRET)

    assert EBS.to_system(cookie, BOB) == b""
    assert other.to_system(cookie, ALICE) == b""
    assert EBS.to_system(cookie.removeprefix(b"ebs."), ALICE) == b""
    assert other.to_system(cookie.replace(b"ebs.", b"payroll."), ALICE) == b""


@pytest.mark.parametrize(
    "forged",
    [
        b"ebs.JSESSIONID=planted",
        b"ebs.JSESSIONID=planted" + b"0" * 24,
        b"JSESSIONID=planted",
        b"ebs.=",
        b"ebs.\xe9=\xe9",
        b"",
    ],
)
def test_what_the_system_did_not_give_does_not_come_back(forged: bytes) -> None:
    assert EBS.to_system(forged, ALICE) == b""


def test_what_was_given_to_one_name_does_not_come_back_under_another() -> None:
    cookie = pair(given(b"view=admin"))

    assert EBS.to_system(cookie.replace(b"ebs.view", b"ebs.role"), ALICE) == b""


def test_there_are_so_many_at_most() -> None:
    many = [b"c%d=1" % number for number in range(80)]

    assert EBS.to_browser(many, ALICE, path="/", at=AT).count(b"Set-Cookie: ") == 50

"""Forms of other sites, and forms that are none of ours: nothing changes by them."""

from __future__ import annotations

import pytest

from deploy.demo.visitor import FORM_TYPE, Visitor
from gateway.system_hosts import LONGEST_NEXT
from tests.attacks.target import COOKIE, Target

LEAVE = b"/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS"
BODY = b"kind=Annual+leave"


@pytest.mark.parametrize(
    "origin",
    [
        b"http://evil.example", b"null", b"", b"http://localhost", b"http://localhost:1",
        b"https://HOST", b"http://HOST.evil.example", b"http://evil.example/http://HOST",
        b"http://HOST@evil.example", b"http://HOST, http://evil.example", b"http://HOST/",
        b"HOST", b"//HOST", b"file://", b"http://127.0.0.1:PORT",
    ],
)  # fmt: skip
def test_a_foreign_origin_is_refused(target: Target, origin: bytes) -> None:
    """Also for a stranger to the site: the session's cookie came along by itself."""
    value = origin.replace(b"HOST", target.host).replace(b"PORT", b"%d" % target.port)
    mark = target.relay.count
    for path in (LEAVE, b"/estates/jobs", b"/-/sign-out", b"/-/sign-in"):
        reply = target.say(
            target.request(
                path,
                method=b"POST",
                fields=[(b"Origin", value), (b"Content-Type", FORM_TYPE.encode())],
                body=BODY,
            )
        )
        assert reply.status in {400, 403}
        assert reply.reference

    assert target.let_through(mark) == []


def test_no_sign_of_where_a_form_comes_from_is_refused(target: Target) -> None:
    """Every browser says it; who says nothing is no browser of our staff."""
    mark = target.relay.count
    for method in (b"POST", b"PUT", b"PATCH", b"DELETE"):
        reply = target.say(target.request(LEAVE, method=method, body=BODY))
        assert reply.status == 403
        assert reply.reference

    assert target.let_through(mark) == []


@pytest.mark.parametrize("site", [b"cross-site", b"same-site", b"none", b"", b"Same-Origin", b"x"])
def test_another_site_is_refused_whatever_its_origin(target: Target, site: bytes) -> None:
    mark = target.relay.count
    kind = (b"Content-Type", FORM_TYPE.encode())
    for fields in (
        [(b"Sec-Fetch-Site", site), kind],
        [(b"Sec-Fetch-Site", site), (b"Origin", target.origin), kind],
    ):
        reply = target.say(target.request(LEAVE, method=b"POST", fields=fields, body=BODY))
        assert reply.status == 403
        assert reply.reference

    assert target.let_through(mark) == []


def test_a_form_of_our_own_pages_passes(target: Target) -> None:
    """The control, with either sign."""
    kind = (b"Content-Type", FORM_TYPE.encode())
    for sign in ((b"Origin", target.origin), (b"Sec-Fetch-Site", b"same-origin")):
        reply = target.say(target.request(LEAVE, method=b"POST", fields=[sign, kind], body=BODY))
        assert reply.status == 303


def test_a_link_of_another_site_only_shows(target: Target) -> None:
    """GET changes nothing, so it may come from anywhere."""
    fields = [(b"Origin", b"http://evil.example"), (b"Sec-Fetch-Site", b"cross-site")]

    assert target.say(target.request(fields=fields)).status == 200


def assert_not_signed_in(target: Target, visitor: Visitor, form: dict[str, str]) -> None:
    """Send the right name and password with this form's hidden fields, and be refused."""
    account = target.stack.accounts["firefighter"]
    typed = {
        "organisation": account.organisation,
        "username": account.username,
        "password": target.stack.accounts.password,
    }
    page = visitor.post("/-/sign-in", {**form, **typed})

    assert page.status == 400
    assert COOKIE not in visitor.cookies


@pytest.mark.parametrize("token", [None, "", "x", "A" * 43, "é", "FOREIGN"])
def test_a_sign_in_form_that_is_none_of_ours_is_refused(target: Target, token: str | None) -> None:
    """Signing somebody in as somebody else is an attack too."""
    visitor = Visitor(port=target.port)
    form = visitor.get("/-/sign-in").seen.fields
    if token is None:
        form.pop("csrf_token")
    elif token == "FOREIGN":
        form["csrf_token"] = Visitor(port=target.port).get("/-/sign-in").seen.fields["csrf_token"]
    else:
        form["csrf_token"] = token
    assert_not_signed_in(target, visitor, form)


def test_a_form_token_without_its_cookie_is_worth_nothing(target: Target) -> None:
    visitor = Visitor(port=target.port)
    form = visitor.get("/-/sign-in").seen.fields
    visitor.cookies.clear()
    assert_not_signed_in(target, visitor, form)


def test_nobody_is_signed_out_by_a_form_that_is_none_of_ours(target: Target) -> None:
    visitor = target.sign_in("paramedic")
    for form in ({}, {"csrf_token": "A" * 43}):
        page = visitor.post("/-/sign-out", form)
        assert page.status == 400
    still = visitor.get("/-/portal").status
    visitor.sign_out()

    assert still == 200


NEXT = (
    "//evil.example", "/\\evil.example", "/%09/evil.example", "\t//evil.example",
    "https:evil.example",
    "https://evil.example", "http://HOST@evil.example", "HOST.evil.example", "javascript:alert(1)",
    "/%0d%0aLocation:%20http://evil.example", "/\r\nLocation: http://evil.example", "evil",
    "///evil.example", "/..//evil.example", "/%2f/evil.example", "/%5cevil.example",
    " //evil.example",
    "/./\\evil.example", "data:text/html,x", "/.//evil.example", "\\\\evil.example",
    "/\u2028/evil.example", "/#//evil.example", "/-/sign-out", "/-/sign-in?next=//evil.example",
    "/;@evil.example", "http:///evil.example", "/a/%2e%2e//evil.example", "//evil.example%2f@HOST",
    "/\x00/evil.example", "/x" * LONGEST_NEXT,
)  # fmt: skip


@pytest.mark.parametrize("wanted", NEXT)
def test_sign_in_leads_to_no_other_place(target: Target, wanted: str) -> None:
    """Where one goes after signing in is a path of ours that has one reading, or the portal."""
    account = target.stack.accounts["firefighter"]
    visitor = Visitor(port=target.port)
    form = visitor.get("/-/sign-in").seen.fields
    typed = {
        "organisation": account.organisation,
        "username": account.username,
        "password": target.stack.accounts.password,
        "next": wanted.replace("HOST", target.host.decode()),
    }
    page = visitor.post("/-/sign-in", {**form, **typed})
    location = page.headers["location"]
    visitor.sign_out()

    assert page.status == 303
    assert location.startswith("/")
    assert location in {"/-/portal", "/;@evil.example"}


def test_sign_in_leads_on_to_where_one_wanted(target: Target) -> None:
    """The control: the address that asked for the sign-in, with its parameters."""
    stranger = Visitor(port=target.port)
    wanted = "/estates/jobs?state=open&q=blue%20watch"
    first = stranger.get(wanted)
    form = stranger.get(first.headers["location"]).seen.fields
    account = target.stack.accounts["firefighter"]
    typed = {
        "organisation": account.organisation,
        "username": account.username,
        "password": target.stack.accounts.password,
    }
    page = stranger.post("/-/sign-in", {**form, **typed})
    stranger.sign_out()

    assert page.headers["location"] == wanted

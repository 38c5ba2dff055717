"""Names and passwords of all kinds: nobody gets in as another, and nobody learns who exists."""

from __future__ import annotations

import re

import pytest

from deploy.demo.staff import staff_of
from deploy.demo.visitor import Page, Visitor
from tests.attacks.target import COOKIE, Target
from tests.attacks.wire import Wire

FIRE = "cheshire-fire"
NAMES = (
    "*", "a*", "fire*", "f?refighter", ")(uid=*", "firefighter)(uid=*", "*)(|(uid=*", "*))%00",
    "firefighter)(|(cn=*", "\\2a", "\\00", "firefighter\\00", "firefighter,ou=people", "#6162",
    "firefighter+cn=b", "uid=firefighter", "uid=firefighter,ou=people,dc=cheshirefire,dc=gov,dc=uk",
    "fire\u200bfighter", "firefighter\u202e", "firefighter\0", "\0", "fire\nfighter",
    "firefighter\r\nX: y", "firefighter;", "firefighter@evil@cheshire-fire", "../firefighter",
    "cheshire-police\\constable", "40011", "f\u0131refighter", "root", "(objectClass=*)",
    "cn=gateway,ou=services,dc=cheshirefire,dc=gov,dc=uk", "firefighter' OR '1'='1", "a\x85b",
    "${jndi:ldap://127.0.0.1/x}", "=cmd|'/c calc'!A1", "x" * 10_240, "\U0001f692", "\x1b[31mred",
)  # fmt: skip
# What the matching rules of LDAP (RFC 4518) take for the same name.
SAME_NAMES = (
    " firefighter", "firefighter ", "FIREFIGHTER", "FireFighter", "\uff46irefighter",
    "\ufb01refighter",
)  # fmt: skip
PASSWORDS = (
    "", "\0", "demo\0", "\0demo", "x" * 10_240, " ", "demo ", " demo", "DEMO", "*",
    "d\u0435mo",
)  # fmt: skip


def sign_in(target: Target, username: str, password: str, organisation: str = FIRE) -> Page:
    """Try to sign in at a browser of one's own."""
    visitor = Visitor(port=target.port)
    page = visitor.sign_in(organisation, username, password)
    assert page.status == 303 or COOKIE not in visitor.cookies
    return page


def as_told(page: Page, username: str) -> bytes:
    """Give a page without what differs from visit to visit: token, reference, the name typed."""
    text = page.text
    for part in filter(None, re.findall(r'name="csrf_token" value="([^"]*)"', text)):
        text = text.replace(part, "TOKEN")
    if page.reference:
        reference = page.reference
        for part in (reference, reference[:5], reference[5:]):
            text = text.replace(part, "REFERENCE")
    text = re.sub(r"<time[^>]*>[^<]*</time>", "TIME", text)
    return text.replace(f'value="{username}"', 'value="NAME"').encode()


@pytest.mark.parametrize("name", NAMES)
def test_an_odd_name_is_nobody(target: Target, name: str) -> None:
    """The right password of the demo, so that a name that slips into a filter would get in."""
    page = sign_in(target, name, target.stack.accounts.password)

    assert 400 <= page.status < 500


@pytest.mark.parametrize("name", SAME_NAMES)
def test_a_name_that_the_directory_takes_is_still_one_person(target: Target, name: str) -> None:
    """Directories fold case, space and width: whoever gets in that way is the same staff."""
    visitor = Visitor(port=target.port)
    page = visitor.sign_in(FIRE, name, target.stack.accounts.password)
    if page.status != 303:
        assert 400 <= page.status < 500
        return
    payslip = visitor.get("/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP")
    visitor.sign_out()

    assert payslip.seen.data["data-asker"] == ["40011"]


@pytest.mark.parametrize("turn", range(len(PASSWORDS)))
def test_an_odd_password_is_not_the_right_one(target: Target, turn: int) -> None:
    """An empty one would be an anonymous bind, which a directory may call a success.

    Of somebody else each time: who is locked is refused whatever the password.
    """
    (fire,) = (each for each in target.stack.scenario.organisations if each.id == FIRE)
    username = staff_of(fire, target.stack.accounts)[-1 - turn].username
    page = sign_in(target, username, PASSWORDS[turn])

    assert page.status in {400, 401}


def test_a_password_of_a_megabyte_is_not_read(target: Target) -> None:
    """The form has a limit; the answer is a refusal, and the worker lives."""
    visitor = Visitor(port=target.port)
    page = visitor.sign_in(FIRE, "firefighter", "x" * 1_000_000)

    assert page.status == 413
    assert page.reference
    assert visitor.get("/-/health").status == 200


def test_unknown_people_and_wrong_passwords_look_alike(target: Target) -> None:
    """To the byte, but for the reference, the token and the name that was typed."""
    known = [sign_in(target, "fire-hr", "wrong-password") for _ in range(2)]
    unknown = [sign_in(target, "nobody-here", "wrong-password") for _ in range(2)]
    told = {as_told(page, "fire-hr") for page in known}
    told |= {as_told(page, "nobody-here") for page in unknown}

    assert {page.status for page in (*known, *unknown)} == {401}
    assert len(told) == 1
    heads = {tuple(sorted(set(page.headers) - {"content-length"})) for page in (*known, *unknown)}
    assert len(heads) == 1


def test_staff_of_one_organisation_are_nobody_in_another(target: Target) -> None:
    accounts = target.stack.accounts
    page = sign_in(target, "firefighter", accounts.password, "cheshire-police")
    assert page.status == 401
    # Who signs in at a provider has no password here at all.
    visitor = Visitor(port=target.port)
    form = visitor.get("/-/sign-in").seen.fields
    typed = {"organisation": "nwas", "username": "paramedic", "password": accounts.password}
    assert visitor.post("/-/sign-in", {**form, **typed}).status == 400


@pytest.mark.parametrize(
    "organisation",
    ["", "no-such", "CHESHIRE-FIRE", "cheshire-fire ", "../cheshire-fire", "*", "\0"],
)
def test_an_organisation_that_there_is_not_is_refused(target: Target, organisation: str) -> None:
    page = sign_in(target, "firefighter", target.stack.accounts.password, organisation)

    assert page.status == 400


@pytest.mark.parametrize("field", ["organisation", "username", "password", "next", "csrf_token"])
def test_a_field_that_comes_twice_is_refused(target: Target, field: str) -> None:
    """A second reading of who signs in."""
    visitor = Visitor(port=target.port)
    form = visitor.get("/-/sign-in").seen.fields
    account = target.stack.accounts["firefighter"]
    typed = {
        **form,
        "organisation": account.organisation,
        "username": account.username,
        "password": target.stack.accounts.password,
    }
    pairs = [*typed.items(), (field, typed.get(field, "/"))]
    page = visitor.post("/-/sign-in", pairs)  # type: ignore[arg-type]  # urlencode takes pairs too

    assert page.status == 400
    assert COOKIE not in visitor.cookies


def test_a_sign_in_with_the_address_alone_is_none(target: Target) -> None:
    """Credentials in a URL end up in logs; they are not read there."""
    account = target.stack.accounts["firefighter"]
    query = f"organisation={account.organisation}&username={account.username}&password=demo"
    visitor = Visitor(port=target.port)
    page = visitor.get(f"/-/sign-in?{query}")

    assert page.status == 200
    assert COOKIE not in visitor.cookies


def test_guessing_for_long_is_stopped_for_the_name_whether_it_exists_or_not(
    target: Target,
) -> None:
    """From an address of its own, for the others' sake; the same for a name nobody has."""
    answers = {}
    for name, source in (("f.nobody", "127.0.0.41"), ("fire-lapsed", "127.0.0.42")):
        statuses = []
        for _ in range(12):
            reply = post_sign_in(target, name, "wrong", source)
            statuses.append(reply)
        answers[name] = statuses
    stopped = post_sign_in(target, "fire-lapsed", target.stack.accounts.password, "127.0.0.43")

    assert answers["f.nobody"] == answers["fire-lapsed"]
    assert answers["f.nobody"][-1] == 429
    assert answers["f.nobody"][0] == 401
    assert stopped == 429


def post_sign_in(target: Target, username: str, password: str, source: str) -> int:
    """Send the sign-in form from an address of the loopback; gives the status."""
    visitor = Visitor(port=target.port)
    token = visitor.get("/-/sign-in").seen.fields["csrf_token"]
    cookies = visitor.cookie_field
    body = (
        f"csrf_token={token}&organisation={FIRE}&username={username}&password={password}"
    ).encode()
    raw = target.request(
        b"/-/sign-in",
        method=b"POST",
        username=None,
        fields=[
            (b"Origin", target.origin),
            (b"Cookie", cookies.encode()),
            (b"Content-Type", b"application/x-www-form-urlencoded"),
        ],
        body=body,
    )
    with Wire(target.port, source) as wire:
        wire.send(raw)
        reply = wire.reply()
    assert reply is not None
    return reply.status

"""Cookies out of shape: nobody gets a session by them, and nobody's session breaks by theirs."""

from __future__ import annotations

import pytest

from tests.attacks.target import COOKIE, OWN_PAYSLIP, Target
from tests.attacks.wire import Reply

NAME = COOKIE.encode()


def with_cookies(target: Target, *values: bytes) -> Reply:
    """Ask for the own payslip with Cookie fields as given."""
    fields = [(b"Cookie", value) for value in values]
    return target.say(target.request(OWN_PAYSLIP, fields=fields, username=None))


def is_asked_to_sign_in(reply: Reply) -> bool:
    location = reply.values("location")
    return reply.status == 303 and location[0].startswith("/-/sign-in")


def test_a_good_cookie_is_good_among_others(target: Target) -> None:
    """The control: a browser has cookies of its own making beside ours."""
    good = target.cookie()
    for value in (
        good,
        good + b";",
        b"theme=dark; " + good,
        good + b"; _ga=GA1.2.3",
        b"a=; " + good + b'; quoted="x y"',
        b"novalue; " + good,
    ):
        assert with_cookies(target, value).status == 200, value


@pytest.mark.parametrize(
    "shape",
    [
        b"", b"NAME", b"NAME=", b"NAME=x", b"NAME=" + b"A" * 43, b'NAME="TOKEN"', b"NAME='TOKEN'",
        b"NAME=TOKENx", b"NAME=xTOKEN", b"NAME=%54OKEN", b"NAME=TOKEN%00", b"NAME= TOKEN",
        b"=NAME=TOKEN", b"=__Host-gateway=TOKEN", b"__Host-gateway=TOKEN", b"__host-gateway=TOKEN",
        b"gateway=TOKEN", b"NAMEx=TOKEN", b"xNAME=TOKEN", b"NAME[]=TOKEN", b"NAME;TOKEN",
        b"NAME:TOKEN",
        b"NAME=" + b"A" * 5_000, b"NAME=../../etc/passwd", b"NAME=' OR 1=1--", b"NAME=TOKEN TOKEN",
        b"$Version=1", b"NAME=NAME=TOKEN", b"NAME=UPPER", b"NAME=HASH", b"GATEWAY-LOCALHOST=TOKEN",
        b"Gateway-Localhost=TOKEN", b"NAME\t=TOKEN", b"NAME =TOKEN",
    ],
)  # fmt: skip
def test_a_cookie_out_of_shape_is_no_session(target: Target, shape: bytes) -> None:
    """Quoted, encoded, cut, renamed: what we did not set is not what we set."""
    token = target.token().encode()
    value = (
        shape.replace(b"NAME", NAME).replace(b"TOKEN", token).replace(b"UPPER", token.swapcase())
    )
    mark = target.relay.count
    reply = with_cookies(target, value)

    assert is_asked_to_sign_in(reply) or reply.status == 400
    assert target.let_through(mark) == []


def test_two_of_our_cookies_are_refused_in_each_order(target: Target) -> None:
    """Servers disagree about which one counts."""
    good = target.cookie()
    other = NAME + b"=" + b"A" * 43
    mark = target.relay.count
    for first, second in ((good, other), (other, good), (good, good)):
        reply = with_cookies(target, first + b"; " + second)
        assert reply.status == 400
        assert reply.reference

    assert target.let_through(mark) == []


def test_two_cookie_fields_are_refused(target: Target) -> None:
    mark = target.relay.count
    for values in ((target.cookie(), b"a=b"), (b"a=b", target.cookie()), (b"a=b", b"a=c")):
        reply = with_cookies(target, *values)
        assert reply.status == 400
        assert reply.reference

    assert target.let_through(mark) == []


@pytest.mark.parametrize("byte", [b"\xe9", b"\x01", b"\x7f", b"\x00", b"\x85"])
def test_a_cookie_with_bytes_that_are_no_text_is_refused(target: Target, byte: bytes) -> None:
    mark = target.relay.count
    reply = with_cookies(target, target.cookie() + b"; name=" + byte)

    assert reply.status == 400
    assert reply.reference
    assert target.let_through(mark) == []


def test_many_cookies_are_read_or_refused_and_break_nothing(target: Target) -> None:
    """300 pairs and 5 kB are more than browsers send, and nothing to fall over."""
    pairs = b"; ".join(b"name%d=%d" % (number, number) for number in range(300))
    large = b"name=" + b"x" * 5_000
    replies = [
        with_cookies(target, value)
        for value in (
            pairs + b"; " + target.cookie(),
            target.cookie() + b"; " + pairs,
            large + b"; " + target.cookie(),
        )
    ]

    assert {reply.status for reply in replies} == {200}


def test_old_forms_of_cookies_are_nothing_special(target: Target) -> None:
    """`$Version` and `$Path` (RFC 2965) are names like any other."""
    value = b'$Version="1"; ' + target.cookie() + b'; $Path="/admin"'

    assert with_cookies(target, value).status == 200


def test_a_made_up_session_id_is_not_taken_over_at_sign_in(target: Target) -> None:
    """Whoever plants one in a browser does not know the one that it gets at sign-in."""
    visitor = target.sign_in("paramedic")
    visitor.sign_out()
    made_up = "A" * 43
    visitor.cookies[COOKIE] = made_up
    account = target.stack.accounts["paramedic"]
    visitor.sign_in(account.organisation, account.username, target.stack.accounts.password)
    given = visitor.cookies[COOKIE]
    visitor.sign_out()

    assert given != made_up
    assert is_asked_to_sign_in(with_cookies(target, NAME + b"=" + made_up.encode()))


def test_our_cookies_are_for_this_host_and_no_script(target: Target) -> None:
    visitor = target.sign_in("paramedic")
    page = visitor.sign_in("nwas", "paramedic", target.stack.accounts.password)
    visitor.sign_out()
    cookies = [cookie for cookie in page.set_cookies if "Max-Age=0" not in cookie]

    for cookie in cookies:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "path=/"} <= attributes, cookie
        assert attributes & {"samesite=lax", "samesite=strict"}, cookie
        assert not any(part.startswith("domain") for part in attributes), cookie

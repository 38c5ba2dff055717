"""Targets that are no path, and methods that are none of ours."""

from __future__ import annotations

import pytest

from tests.attacks.target import OWN_PAYSLIP, Target

ROSTER = b"/dms/me/roster"  # the police's own, which the firefighter is not offered
FORMS = (
    b"http://other/admin/console",
    b"http://localhost/fleet/bookings",
    b"HTTP://gw:80/fleet/bookings",
    b"http://u:p@gw/fleet/bookings",
    b"https://localhost/fleet/bookings",
    b"*",
    b"gw:443",
    b"localhost:80",
    b"admin/console",
    b"fleet/bookings",
    b"./fleet/bookings",
    b"?OAFunc=XX_PAYSLIP",
    b"//localhost/fleet/bookings",
    b"/\\localhost/fleet/bookings",
    b"\\fleet\\bookings",
    b"%2ffleet/bookings",
)


@pytest.mark.parametrize("form", FORMS)
def test_only_the_origin_form_is_served(target: Target, form: bytes) -> None:
    """A target with an authority of its own, or none at all, has as many readings as readers."""
    mark = target.relay.count
    reply = target.say(target.request(form))

    assert 400 <= reply.status < 500
    assert reply.reference
    assert target.let_through(mark) == []


@pytest.mark.parametrize(
    "method",
    [
        b"get", b"Get", b"GETX", b"TRACE", b"CONNECT", b"PROPFIND", b"DEBUG", b"TRACK", b"SEARCH",
        b"PURGE", b"LINK", b"MOVE", b"PRI", b"QUERY", b"G\x00T",
    ],
)  # fmt: skip
def test_a_method_that_is_none_of_ours_is_refused(target: Target, method: bytes) -> None:
    mark = target.relay.count
    for wanted in (OWN_PAYSLIP, b"/fleet/bookings"):
        reply = target.say(target.request(wanted, method=method))
        assert 400 <= reply.status < 500
        assert reply.reference

    assert target.let_through(mark) == []


@pytest.mark.parametrize("method", [b"PUT", b"PATCH", b"DELETE", b"OPTIONS"])
def test_a_method_that_a_function_does_not_have_is_refused(target: Target, method: bytes) -> None:
    mark = target.relay.count
    reply = target.say(
        target.request(OWN_PAYSLIP, method=method, fields=[(b"Origin", target.origin)])
    )

    assert reply.status == 404
    assert reply.reference
    assert target.let_through(mark) == []


@pytest.mark.parametrize(
    "name",
    [b"X-HTTP-Method-Override", b"X-HTTP-Method", b"X-Method-Override", b"x-http-method-override"],
)
def test_no_field_changes_the_method(target: Target, name: bytes) -> None:
    """A reading of the gateway as GET and of the back office as DELETE must not come up."""
    mark = target.relay.count
    reply = target.say(target.request(b"/fleet/bookings", fields=[(name, b"DELETE")]))

    assert reply.status == 400
    assert target.let_through(mark) == []


def test_a_parameter_that_overrides_the_method_stays_a_parameter(target: Target) -> None:
    """`_method` is the back office's own; what matters is that ours stays what was decided on."""
    mark = target.relay.count
    reply = target.say(target.request(b"/fleet/bookings?_method=DELETE"))
    seen = target.let_through(mark)

    assert reply.status == 200
    assert [one.method for one in seen] == ["GET"]


HOSTS = (
    b"",
    b"localhost",
    b"LOCALHOST.",
    b"localhost:0",
    b"localhost:80",
    b"evil.example",
    b"localhost@evil.example",
    b"localhost,evil.example",
    b"localhost/x",
    b"[::ffff:127.0.0.1]",
    b"127.0.0.1",
    b"localhost evil.example",
)


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_is_not_ours_is_refused(target: Target, host: bytes) -> None:
    mark = target.relay.count
    head = b"GET " + OWN_PAYSLIP + b" HTTP/1.1\r\nHost: " + host
    reply = target.say(head + b"\r\nCookie: " + target.cookie() + b"\r\n\r\n")

    assert reply.status == 400
    assert reply.reference
    assert target.let_through(mark) == []


@pytest.mark.parametrize("suffix", [b",evil", b"@evil", b".", b"/x", b"\x80", b":"])
def test_our_host_with_more_behind_it_is_refused(target: Target, suffix: bytes) -> None:
    mark = target.relay.count
    reply = target.say(target.request(host=target.host + suffix))

    assert reply.status == 400
    assert target.let_through(mark) == []


def test_no_host_and_two_hosts_are_refused(target: Target) -> None:
    mark = target.relay.count
    line = b"GET " + OWN_PAYSLIP + b" HTTP/1.1\r\n"
    cookie = b"Cookie: " + target.cookie() + b"\r\n\r\n"
    ours = b"Host: " + target.host + b"\r\n"
    heads = (
        line + cookie,
        line + ours + ours + cookie,
        line + ours + b"Host: evil.example\r\n" + cookie,
        line + b"Host: evil.example\r\n" + ours + cookie,
        line + b"Host : " + target.host + b"\r\n" + cookie,
    )
    replies = [target.say(head) for head in heads]

    assert {reply.status for reply in replies} == {400}
    assert target.let_through(mark) == []


def test_our_host_in_capitals_is_ours(target: Target) -> None:
    """Names of hosts are the same in any case; refusing it would be refusing people."""
    assert target.say(target.request(host=target.host.upper())).status == 200


@pytest.mark.parametrize(
    "version", [b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/3", b"HTTP/1", b"http/1.1", b"ICY"]
)
def test_a_version_that_is_none_of_ours_is_refused(target: Target, version: bytes) -> None:
    mark = target.relay.count
    reply = target.say(target.request(version=version))

    assert 400 <= reply.status <= 505
    assert target.let_through(mark) == []


def test_a_target_beyond_the_limit_is_refused(target: Target) -> None:
    mark = target.relay.count
    for length in (9_000, 70_000):
        reply = target.say(target.request(b"/fleet/bookings/" + b"a" * length))
        assert reply.status in {400, 414, 431}
        assert reply.reference

    assert target.let_through(mark) == []

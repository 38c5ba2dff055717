"""Names and flags of the cookies."""

from __future__ import annotations

import pytest

from gateway.cookies import CookiePolicy


def test_https_binds_every_cookie_to_the_host() -> None:
    """The prefix makes the browser refuse one that a neighbour plants."""
    policy = CookiePolicy.for_origin("https://gate.example.police.uk")

    assert policy.secure
    assert all(cookie.name.startswith("__Host-") for cookie in policy.all())


@pytest.mark.parametrize(
    "origin", ["http://localhost:8080", "http://localhost", "http://127.0.0.1:1"]
)
def test_plain_http_is_for_this_machine_alone(origin: str) -> None:
    """There the prefix cannot be used, and the name says why."""
    policy = CookiePolicy.for_origin(origin)

    assert not policy.secure
    assert policy.session.name == "gateway-localhost"


@pytest.mark.parametrize(
    "origin",
    [
        "http://gate.example.police.uk",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "ftp://localhost",
        "localhost",
        "",
    ],
)
def test_plain_http_elsewhere_is_refused(origin: str) -> None:
    """A session cookie would cross the network in the clear."""
    with pytest.raises(ValueError, match="neither https nor"):
        CookiePolicy.for_origin(origin)


def test_names_are_distinct() -> None:
    """Two cookies of one name would be two readings."""
    names = [cookie.name for cookie in CookiePolicy.for_origin("https://a.example").all()]

    assert len(names) == len(set(names)) == 5


def test_the_cookie_of_signing_on_is_told_of_where_there_are_hosts_to_sign_on_at() -> None:
    """The cookies page is written from this list: it tells of nothing that is never set."""
    alone = CookiePolicy.for_origin("https://gate.example")
    several = CookiePolicy.for_origin("https://gate.example", hosts=True)

    assert several.all() == (*alone.all(), several.sign_on)
    assert several.sign_on.name == "__Host-gateway-sign-on"

"""The ways between the gateway's origin and a system's host."""

from __future__ import annotations

from bisect import bisect
from urllib.parse import quote

import pytest

from gateway.backoffice.canonical import MAX_TARGET_BYTES
from gateway.pages.local_path import local_path
from gateway.system_hosts import LONGEST_NEXT, SystemHost, can_be_led_back, parts_of

FLEET = SystemHost(system="fleet", origin="https://fleet.gate:8443", main="https://gate:8443")
SENT = "/OA_HTML/OA.jsp?OAFunc=X&page=/a%2Fb"


def test_an_address_comes_back_as_it_went() -> None:
    written = FLEET.begin(SENT).partition("to=")[2]

    assert parts_of(written) == (SENT, "")
    assert parts_of(f"{written}.ticket") == (SENT, "ticket")
    assert "&" not in FLEET.way_back(SENT)
    assert "OAFunc" not in FLEET.way_back(SENT)


def test_each_way_is_at_its_host() -> None:
    assert FLEET.authority == "fleet.gate:8443"
    assert FLEET.begin("/a") == "/-/sign-on?to=L2E"
    assert FLEET.way_back("/a") == "/-/sign-on/fleet?to=L2E"
    assert FLEET.ask("/a", "abc") == "https://gate:8443/-/sign-on/fleet?to=L2E.abc"
    assert FLEET.take("/a", "abc") == "https://fleet.gate:8443/-/sign-on?to=L2E.abc"
    assert FLEET.at_main("/-/portal") == "https://gate:8443/-/portal"


def test_the_way_back_is_a_path_that_pages_go_on_to() -> None:
    assert local_path(FLEET.way_back(SENT)) == FLEET.way_back(SENT)


def longest(text: str, host: SystemHost | None) -> str:
    """Give the longest address of such a text that one is led back to."""
    sizes = range(MAX_TARGET_BYTES)
    return "/" + text * (
        bisect(sizes, False, key=lambda size: not can_be_led_back("/" + text * size, host)) - 1
    )


def test_whatever_can_be_led_back_fits_every_address_on_the_way() -> None:
    """The longest at a host, and the longest at the gateway, each written into the next."""
    at_host, at_main = longest("a", FLEET), longest("%2B", None)
    asked = FLEET.ask(at_host, "f" * 64).removeprefix(FLEET.main)

    assert len(at_host) > 5_600
    assert local_path(asked) == asked
    assert local_path(at_main) == at_main
    for path in (asked, at_main):
        assert len("/-/sign-in/an-organisation?next=" + quote(path, safe="")) < MAX_TARGET_BYTES
    assert not can_be_led_back("/" + "a" * LONGEST_NEXT, None)


@pytest.mark.parametrize("said", ["x", "w6k", "L2E=!", " L2E", "L2E\n", "é"])
def test_what_is_no_address_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        parts_of(said)

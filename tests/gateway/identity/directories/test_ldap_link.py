"""Searches that are whole or refused, on a real connection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.errors import DirectoryMisconfigured, DirectoryUnavailable
from gateway.identity.directories.directory_channel import Server, Trust
from gateway.identity.directories.ldap_link import Link, NotWhole, linked
from tests.doubles.slapd import PASSWORD, PEOPLE, SERVICE_DN, SERVICE_PASSWORD, SUFFIX, Slapd
from tests.gateway.identity.directory_parts import ALICE

pytestmark = pytest.mark.directory

EVERYBODY = "(objectClass=inetOrgPerson)"


@contextmanager
def link_to(server: Slapd, *, password: str = SERVICE_PASSWORD) -> Iterator[Link]:
    with linked(
        Server.from_uri(server.ldaps_uri),
        Trust(server.ca_file),
        deadline=time.monotonic() + 5,
        monotonic=time.monotonic,
    ) as link:
        assert link.bind(SERVICE_DN, password).accepted is (password == SERVICE_PASSWORD)
        yield link


def test_a_search_of_many_pages_is_whole(fire: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    with link_to(fire) as link:
        at_once = link.whole(PEOPLE, EVERYBODY, ("uid",), most=100)
        monkeypatch.setattr("gateway.identity.directories.ldap_link.PAGE", 2)

        assert link.whole(PEOPLE, EVERYBODY, ("uid",), most=100) == at_once
    assert len(at_once) > 5


def test_more_than_was_meant_is_no_answer(fire: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.identity.directories.ldap_link.PAGE", 2)
    with link_to(fire) as link, pytest.raises(NotWhole):
        link.whole(PEOPLE, EVERYBODY, ("uid",), most=3)


def test_a_server_lost_between_two_pages_leaves_no_part(
    own_server: Slapd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 6 of the fault matrix: what the first pages gave is not taken for all."""
    monkeypatch.setattr("gateway.identity.directories.ldap_link.PAGE", 1)
    asked = []

    def search() -> None:
        with link_to(own_server) as link:
            in_time = link._in_time

            def stop_at_the_second() -> object:
                asked.append(1)
                if len(asked) == 2:
                    own_server.stop()
                return in_time()

            monkeypatch.setattr(link, "_in_time", stop_at_the_second)
            link.whole(SUFFIX, "(objectClass=*)", ("1.1",), most=100)

    with pytest.raises(DirectoryUnavailable):
        search()
    assert len(asked) == 2


def test_one_entry_is_found_and_several_are_nobody(fire: Slapd) -> None:
    with link_to(fire) as link:
        found = link.find(PEOPLE, "(uid=alice)", ("uid", "employeeNumber"))

        assert found is not None
        assert (found.dn, found.entry["employeenumber"]) == (ALICE, [b"40011"])
        assert link.find(PEOPLE, "(uid=twin)", ("uid",)) is None
        assert link.find(PEOPLE, EVERYBODY, ("uid",)) is None
        assert link.find(PEOPLE, "(uid=nobody)", ("uid",)) is None


def test_a_base_that_is_not_there_is_told_apart_from_nobody(fire: Slapd) -> None:
    with link_to(fire) as link:
        assert link.read(f"ou=nowhere,{SUFFIX}", ("1.1",)) is None
        with pytest.raises(DirectoryMisconfigured):
            link.find(f"ou=nowhere,{SUFFIX}", "(uid=alice)", ("uid",))


def test_a_password_is_judged_and_nothing_else_said(fire: Slapd) -> None:
    with link_to(fire) as link:
        assert link.bind(ALICE, PASSWORD).accepted
        assert not link.bind(ALICE, "wrong").accepted
        assert not link.bind(f"uid=nobody,{PEOPLE}", PASSWORD).accepted
    with link_to(fire, password="wrong"):
        pass


def test_an_error_that_was_not_expected_makes_the_server_no_use(own_server: Slapd) -> None:
    def lose() -> None:
        with link_to(own_server) as link:
            own_server.stop()
            link.bind(SERVICE_DN, SERVICE_PASSWORD)

    with pytest.raises(DirectoryUnavailable, match="failed"):
        lose()

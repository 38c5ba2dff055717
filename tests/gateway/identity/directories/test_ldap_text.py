"""Text in filters and DNs means itself, whatever is in it."""

from __future__ import annotations

import uuid

import pytest

from gateway.identity.directories.ldap_text import (
    any_of,
    dn_key,
    equals,
    equals_id,
    escape,
    escape_in_dn,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("alice", "alice"),
        ("*", r"\2a"),
        (")(uid=*", r"\29\28uid=\2a"),
        (r"\2a", r"\5c2a"),
        ("a\0", r"a\00"),
    ],
)
def test_a_value_means_itself_in_a_filter(value: str, written: str) -> None:
    assert equals("uid", value) == f"(uid={written})"


def test_only_text_is_escaped() -> None:
    """The library lets octets and lists through unescaped (CVE-2025-61911)."""
    for value in (b"*", ["*"], {"*": 1}):
        with pytest.raises(TypeError):
            escape(value)  # type: ignore[arg-type]  # the point of the test


@pytest.mark.parametrize(
    ("value", "written"),
    [("a,ou=x", r"a\,ou=x"), ("a+cn=b", r"a\+cn=b"), ("#6162", r"\#6162"), (" a", r"\ a")],
)
def test_a_value_means_itself_in_a_dn(value: str, written: str) -> None:
    assert escape_in_dn(value).replace(r"\=", "=") == written


def test_a_guid_is_searched_for_by_its_octets() -> None:
    guid = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")

    assert equals_id("objectGUID", str(guid)) == (
        r"(objectGUID=\33\22\11\00\55\44\77\66\88\99\aa\bb\cc\dd\ee\ff)"
    )
    assert equals_id("objectGUID", "*") is None
    assert equals_id("entryUUID", "*") == r"(entryUUID=\2a)"


@pytest.mark.parametrize(
    "spelling",
    ["cn=A B,ou=G,dc=x", "CN=a b, OU=g , DC=X", "cn=A\\20B,ou=G,dc=x", "cn=A  B,ou=G,dc=x"],
)
def test_spellings_of_a_dn_are_one(spelling: str) -> None:
    assert dn_key(spelling) == dn_key("cn=a b,ou=g,dc=x")


@pytest.mark.parametrize(
    "other", ["cn=a\\,ou=b,dc=x", "cn=a,ou=b", "cn=a+ou=b,dc=x", "ou=b,cn=a,dc=x"]
)
def test_other_dns_stay_others(other: str) -> None:
    assert dn_key(other) != dn_key("cn=a,ou=b,dc=x")


@pytest.mark.parametrize("no_dn", ["", "payroll", "cn=" + "a" * 5_000])
def test_what_is_no_dn_has_no_form(no_dn: str) -> None:
    assert dn_key(no_dn) is None


def test_one_filter_needs_no_or() -> None:
    assert any_of(["(a=1)"]) == "(a=1)"
    assert any_of(["(a=1)", "(a=2)"]) == "(|(a=1)(a=2))"

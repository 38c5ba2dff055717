"""What is not enough to be somebody: wrong, malformed and hostile names and passwords.

All entries of the directory have the same password, so a filter that matches any lets a name in.
"""

from __future__ import annotations

import pytest

from gateway.errors import WrongCredentials
from gateway.identity.directories.directory import (
    BeforeBind,
    DirectoryPerson,
    GuessingStopped,
    MalformedCredentials,
    UnknownPerson,
    WrongPassword,
)
from gateway.identity.directories.ldap_directory import LdapDirectory
from tests.doubles.slapd import PASSWORD, PEOPLE, Slapd
from tests.gateway.identity.conftest import settings_for

pytestmark = pytest.mark.directory

BUDGET = 5.0

HOSTILE_NAMES = [
    "*",
    "a*",
    "alic*",
    "*lice",
    ")(uid=*",
    "*)(|(uid=*",
    "alice)(uid=*",
    "alice)(|(uid=alice",
    "*)(objectClass=*",
    "alice))(|(uid=*",
    "(alice)",
    "alice&",
    "|(uid=alice)",
    "!(uid=bob)",
    r"\2a",
    r"\61lice",
    r"\00",
    r"alice\00",
    r"alice\20",
    "\\",
    "alice\\",
    "alice,ou=people",
    f"uid=alice,{PEOPLE}",
    "alice+cn=b",
    "#616c696365",
    "#6162",
    "alice\u200b",
    "\u200balice",
    "al\u00adice",
    "alice\ufe0f",
    "alice\u034f",
    "alice\r\n",
    "alice\nuserPassword: x",
    "alice\t",
    "alice;bob",
    'alice"',
    "<alice>",
    "alice=",
    "alice/40012",
    "alice@cheshire-police",
    "../alice",
    "%61lice",
    "alice%00",
    "{name}",
    "{alice}",
    "\u202ealice",
    "\ud800",
    "a" * 257,
    "a" * 10_000,
    "é" * 129,
    "nobody",
    "dc=fire,dc=example",
    "cn=gateway",
    "gateway",
]


def ask(
    server: Slapd,
    name: str = "alice",
    password: str = PASSWORD,
    *,
    before_bind: BeforeBind | None = None,
) -> DirectoryPerson:
    directory = LdapDirectory(settings_for(server))
    return directory.authenticate(name, password, BUDGET, before_bind=before_bind)


def test_a_wrong_password_is_refused(fire: Slapd) -> None:
    with pytest.raises(WrongPassword) as refused:
        ask(fire, "ALICE", "wrong")

    assert refused.value.username == "alice"


def test_an_unknown_name_is_refused(fire: Slapd) -> None:
    with pytest.raises(UnknownPerson):
        ask(fire, "nobody")


def test_the_password_is_taken_byte_for_byte(fire: Slapd) -> None:
    for password in (PASSWORD + " ", PASSWORD.upper(), " " + PASSWORD, PASSWORD[:-1]):
        with pytest.raises(WrongPassword):
            ask(fire, "alice", password)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("alice", ""),
        ("alice", "\0"),
        ("alice", f"{PASSWORD}\0"),
        ("alice", "x" * 1025),
        ("alice", "x" * 1_000_000),
        ("alice", "\ud800"),
        ("", PASSWORD),
        ("   ", PASSWORD),
        ("alice\0", PASSWORD),
        ("alice\0bob", PASSWORD),
        ("x" * 257, PASSWORD),
        ("x" * 10_240, PASSWORD),
    ],
)
def test_malformed_credentials_are_refused_before_any_bind(
    fire: Slapd, name: str, password: str
) -> None:
    """This slapd answers an empty password with success: the check cannot be left to it."""
    length = fire.log_length()
    with pytest.raises(MalformedCredentials):
        ask(fire, name, password)

    assert not fire.connections(length)


def test_that_slapd_would_have_let_an_empty_password_in(fire: Slapd) -> None:
    """The check above, checked."""
    import ldap

    link = ldap.initialize(fire.starttls_uri)

    assert link.simple_bind_s(f"uid=alice,{PEOPLE}", "")
    link.unbind_s()


def test_a_name_of_two_entries_is_nobody(fire: Slapd) -> None:
    with pytest.raises(UnknownPerson):
        ask(fire, "twin")


def test_an_entry_without_a_password_is_nobody(fire: Slapd) -> None:
    with pytest.raises(WrongPassword):
        ask(fire, "nopassword")


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
def test_a_hostile_name_signs_in_as_nobody(fire: Slapd, name: str) -> None:
    """Every entry has the same password, so any filter that matches one lets the name in."""
    with pytest.raises(WrongCredentials):
        ask(fire, name)


def test_a_name_with_a_star_is_that_name(fire: Slapd) -> None:
    """Escaping must not refuse whoever is really called so."""
    assert ask(fire, "star*").employee_number == "40018"
    assert ask(fire, "a,ou=x").employee_number == "40019"


def test_whoever_is_refused_costs_the_same_steps_in_the_same_order(fire: Slapd) -> None:
    """A wrong password, a name that is not there, and a guesser who is stopped look alike."""
    walks = []
    for name, wanted in (("alice", True), ("nobody", True), ("alice", False), ("nobody", False)):
        length = fire.log_length()
        with pytest.raises(WrongCredentials) as refused:
            ask(fire, name, "wrong", before_bind=[lambda *_: False, lambda *_: True][wanted])
        assert isinstance(refused.value, GuessingStopped) is not wanted
        walks.append(fire.operations(length))

    assert walks[0] == walks[1] == walks[2] == walks[3]
    assert walks[0].count("BIND") >= 2


def test_a_guesser_who_is_stopped_never_reaches_the_entry(fire: Slapd) -> None:
    """Or the directory would count the try, right password or not."""
    length = fire.log_length()
    with pytest.raises(GuessingStopped):
        ask(fire, "alice", PASSWORD, before_bind=lambda *_: False)

    assert not [line for line in fire.binds(length) if "uid=alice" in line]


def test_every_name_of_a_person_leads_to_one_identity(fire: Slapd) -> None:
    """Sign-in name, its spellings and the e-mail address are one person to be counted."""
    both = settings_for(fire, name_filter="(|(uid={name})(mail={name}))")
    seen: list[tuple[str, str]] = []

    def note(username: str, identity: str) -> bool:
        seen.append((username, identity))
        return True

    for name in ("alice", " ALICE ", "Alice@fire.example", "bob", "nobody"):
        with pytest.raises(WrongCredentials):
            LdapDirectory(both).authenticate(name, "wrong", BUDGET, before_bind=note)
    usernames, identities = zip(*seen, strict=True)

    assert usernames == ("alice", "alice", "alice", "bob", "nobody")
    assert len(set(identities[:3])) == 1
    assert len({*identities}) == 3
    assert identities[4] == ""


def test_the_caller_may_object_before_the_password_is_tried(fire: Slapd) -> None:
    directory = LdapDirectory(settings_for(fire))
    seen: list[str] = []

    class ObjectedError(Exception):
        pass

    def object_to(name: str, _identity: str) -> bool:
        seen.append(name)
        raise ObjectedError

    length = fire.log_length()
    for name in (" ALICE ", "nobody"):
        with pytest.raises(ObjectedError):
            directory.authenticate(name, PASSWORD, BUDGET, before_bind=object_to)

    assert seen == ["alice", "nobody"]
    assert not [line for line in fire.binds(length) if "cn=gateway" not in line]

"""Groups of an OpenLDAP directory: all of them, through any nesting, or none at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from gateway.errors import DirectoryMisconfigured
from gateway.identity.directories.directory import DirectoryPerson
from gateway.identity.directories.ldap_dialect import Groups
from gateway.identity.directories.ldap_directory import LdapDirectory
from gateway.identity.directories.ldap_groups import posts_of
from gateway.identity.directories.ldap_text import dn_key
from tests.doubles.slapd import PASSWORD, PEOPLE, SUFFIX, Slapd, person
from tests.gateway.identity.conftest import settings_for

pytestmark = pytest.mark.directory

BASE = f"ou=groups,{SUFFIX}"
ALICE, MANY = f"uid=alice,{PEOPLE}", f"uid=many,{PEOPLE}"
DEEP = 50
MEMBERSHIPS = 1_200


def group(name: str, *members: str) -> str:
    lines = [f"dn: cn={name},{BASE}", "objectClass: groupOfNames", f"cn: {name}"]
    return "\n".join(lines + [f"member: {each}" for each in members]) + "\n\n"


def dn(name: str) -> str:
    return f"cn={name},{BASE}"


TREE = (
    person("alice", "1", title="Firefighter")
    + person("bob", "2")
    + person("many", "3")
    + person("deep", "4")
    + f"dn: {BASE}\nobjectClass: organizationalUnit\nou: groups\n\n"
    # alice is in red, red in blue, blue in red and in green: a cycle with a way out
    + group("red", ALICE, dn("blue"))
    + group("blue", dn("red"))
    + group("green", dn("blue"))
    + group("other", f"uid=bob,{PEOPLE}")
    + group("level-0", f"uid=deep,{PEOPLE}")
    + "".join(group(f"level-{each}", dn(f"level-{each - 1}")) for each in range(1, DEEP))
    + "".join(group(f"m{each}", MANY) for each in range(MEMBERSHIPS))
)


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Slapd]:
    """A directory with groups in groups."""
    limits = "limits * size.prtotal=unlimited"
    folder = tmp_path_factory.mktemp("grouped")
    with Slapd(folder, authority, people=TREE, limits=limits) as server:
        yield server


def ask(server: Slapd, name: str, **posts: str) -> DirectoryPerson:
    groups = Groups(base=BASE, posts={dn(each): post for each, post in posts.items()})
    return LdapDirectory(settings_for(server, groups=groups)).authenticate(name, PASSWORD, 10.0)


def test_groups_within_groups_count_and_a_cycle_ends(grouped: Slapd) -> None:
    found = ask(grouped, "alice", green="Watch manager", other="Trainer")

    assert found.groups == {dn("red"), dn("blue"), dn("green")}
    assert found.posts == {"Firefighter", "Watch manager"}


def test_who_is_in_no_group_has_none(grouped: Slapd) -> None:
    """`bob` is in one, `level-*` in others; nobody gets another's."""
    assert ask(grouped, "bob", green="Watch manager").groups == {dn("other")}


def test_groups_fifty_deep_are_all_found(grouped: Slapd) -> None:
    found = ask(grouped, "deep", **{f"level-{DEEP - 1}": "Chief"})

    assert len(found.groups) == DEEP
    assert found.posts == {"Chief"}


def test_deeper_than_is_believed_refuses(grouped: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.identity.directories.ldap_groups.MAX_DEPTH", DEEP - 1)

    with pytest.raises(DirectoryMisconfigured, match="nested deeper"):
        ask(grouped, "deep", other="Trainer")


def test_twelve_hundred_groups_are_read_page_by_page(grouped: Slapd) -> None:
    assert len(ask(grouped, "many", m7="Member").groups) == MEMBERSHIPS


def test_part_of_the_groups_is_never_taken_for_all(authority: trustme.CA, tmp_path: Path) -> None:
    """Row 6 of the fault matrix: the server's own limit cuts the pages short."""
    limits = "limits * size.prtotal=500"
    with Slapd(tmp_path / "short", authority, people=TREE, limits=limits) as server:
        with pytest.raises(DirectoryMisconfigured, match="a part of the answer"):
            ask(server, "many", m7="Member")
        assert ask(server, "alice", green="Watch manager").posts >= {"Watch manager"}


def test_groups_whose_base_is_not_there_refuse(grouped: Slapd) -> None:
    groups = Groups(base=f"ou=nowhere,{SUFFIX}", posts={dn("red"): "x"})
    directory = LdapDirectory(settings_for(grouped, groups=groups))

    with pytest.raises(DirectoryMisconfigured, match="ou=nowhere"):
        directory.authenticate("alice", PASSWORD, 5.0)


def test_a_post_goes_by_the_dn_however_it_is_spelt() -> None:
    posts = {dn_key("cn=Payroll, OU=groups,dc=x") or "": "Payroll officer"}

    assert posts_of(["CN=payroll,ou=Groups,DC=X"], posts) == {"Payroll officer"}
    assert posts_of(["CN=payroll,ou=Groups2,DC=X", "no dn"], posts) == frozenset()

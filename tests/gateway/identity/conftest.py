"""Real directories, started once for all tests that ask them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from gateway.identity.ldap_directory import LdapDirectory
from gateway.identity.ldap_settings import LdapSettings
from tests.doubles.slapd import PEOPLE, SERVICE_DN, Slapd, person
from tests.gateway.identity.parts import Parts, new_parts

ATTRIBUTES = {
    "directory_id": "entryUUID",
    "employee_number": "employeeNumber",
    "username": "uid",
    "name": "cn",
    "post": "title",
    "unit": "ou",
    "mail": "mail",
    "manager": "manager",
}

ALICE = f"uid=alice,{PEOPLE}"

FIRE_STAFF = (
    person(
        "alice",
        "40011",
        cn="Alice Ashe",
        title=["Watch manager", "Trainer"],
        ou="Warrington",
        mail="alice@fire.example",
        # What a partner's directory claims about vetting must not matter to anybody.
        policeVettingLevel="DV",
    )
    + person("bob", "40012", manager=ALICE, ou=["Chester", "Crewe"])
    + person("carol", "40013", manager=ALICE)
    + person("nonumber", None)
    + person("twonumbers", "40014", departmentNumber=["40014", "40015"])
    + person("twin", "40016", dn=f"cn=one,{PEOPLE}")
    + person("twin", "40017", dn=f"cn=two,{PEOPLE}")
    + person("star*", "40018", dn=f"cn=star,{PEOPLE}")
    + person("a,ou=x", "40019", dn=f"cn=comma,{PEOPLE}")
    + f"dn: uid=nopassword,{PEOPLE}\nobjectClass: inetOrgPerson\nuid: nopassword\ncn: N\nsn: N\n"
    "employeeNumber: 40020\n\n"
)

DirectoryMaker = Callable[..., LdapDirectory]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """The authority that signs the directory's certificate."""
    return trustme.CA()


@pytest.fixture(scope="session")
def fire(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Slapd]:
    """A directory that takes an empty password for an anonymous bind, and says it succeeded."""
    with Slapd(
        tmp_path_factory.mktemp("fire"),
        authority,
        people=FIRE_STAFF,
        extra="allow bind_anon_cred bind_anon_dn",
    ) as server:
        yield server


@pytest.fixture
def own_server(tmp_path: Path, authority: trustme.CA) -> Iterator[Slapd]:
    """A directory that a test may stop or silence."""
    with Slapd(tmp_path / "own", authority, people=person("alice", "40011")) as server:
        yield server


def settings_for(
    server: Slapd,
    *uris: str,
    ca_file: Path | None = None,
    name_filter: str = "(uid={name})",
    base: str | None = None,
    attributes: dict[str, str] | None = None,
    bind_dn: str | None = SERVICE_DN,
    bind_password_file: Path | None = None,
) -> LdapSettings:
    """Give the settings of a server, or of others in its place."""
    return LdapSettings(
        uris=uris or (server.ldaps_uri,),
        ca_file=ca_file or server.ca_file,
        base=base or server.base,
        attributes=ATTRIBUTES if attributes is None else attributes,
        bind_dn=bind_dn,
        bind_password_file=bind_password_file or (server.bind_password_file if bind_dn else None),
        name_filter=name_filter,
    )


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    """A store, a bulletin, a register and a worker's sessions."""
    with new_parts(tmp_path) as made:
        yield made

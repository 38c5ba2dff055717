"""Real directories, started once for all tests that ask them, of whatever folder."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import trustme

from tests.doubles.desktop import Desktop
from tests.doubles.samba import Samba
from tests.doubles.slapd import PEOPLE, Slapd, person

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


@pytest.fixture(scope="session")
def police(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Samba]:
    """A domain of Active Directory; each test makes the people it needs, by names of its own."""
    if os.geteuid() != 0:
        pytest.skip("a domain controller takes ports below 1024: only root can start one")
    with Samba(tmp_path_factory.mktemp("police"), authority) as domain:
        yield domain


@pytest.fixture(scope="session")
def desktop(tmp_path_factory: pytest.TempPathFactory, police: Samba) -> Desktop:
    """A computer of that domain."""
    return Desktop(police, tmp_path_factory.mktemp("desktop"))

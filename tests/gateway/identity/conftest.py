"""Real directories, started once for all tests that ask them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import trustme

from gateway.identity.directories.ldap_dialect import Groups
from gateway.identity.directories.ldap_directory import LdapDirectory
from gateway.identity.directories.ldap_settings import Domain, LdapSettings
from tests.doubles.provider import RunningProvider
from tests.doubles.samba import BASE, DOMAIN, NETBIOS, SERVICE_NAME, Samba
from tests.doubles.slapd import SERVICE_DN, Slapd, person
from tests.doubles.token_issuer import TokenIssuer
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

DirectoryMaker = Callable[..., LdapDirectory]


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
    direct_bind: str = "",
    groups: Groups | None = None,
    crl_file: Path | None = None,
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
        direct_bind=direct_bind,
        groups=groups,
        crl_file=crl_file,
    )


DOMAIN_ATTRIBUTES = {
    **ATTRIBUTES,
    "directory_id": "objectGUID",
    "employee_number": "employeeID",
    "username": "sAMAccountName",
    "name": "displayName",
    "unit": "department",
}


def domain_settings(
    domain: Samba,
    *uris: str,
    base: str = BASE,
    upn_suffixes: tuple[str, ...] = (),
    posts: Mapping[str, str] | None = None,
    with_account: bool = True,
    attributes: Mapping[str, str] = DOMAIN_ATTRIBUTES,
) -> LdapSettings:
    """Give the settings of a domain."""
    return LdapSettings(
        uris=uris or (domain.ldaps_uri,),
        ca_file=domain.ca_file,
        base=base,
        attributes=attributes,
        bind_dn=SERVICE_NAME if with_account else None,
        bind_password_file=domain.bind_password_file if with_account else None,
        domain=Domain(name=DOMAIN, netbios=NETBIOS, upn_suffixes=upn_suffixes),
        groups=None if posts is None else Groups(posts=posts),
    )


@pytest.fixture(scope="session")
def nwas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProvider]:
    """A real OpenID provider; who changes it puts it back."""
    with RunningProvider(tmp_path_factory.mktemp("nwas")) as running:
        yield running


@pytest.fixture
def issuer() -> Iterator[TokenIssuer]:
    """An issuer that does as it is told."""
    with TokenIssuer() as running:
        yield running


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    """A store, a bulletin, a register and a worker's sessions."""
    with new_parts(tmp_path) as made:
        yield made

"""What must hold of the directories in the settings: between keys and organisations, on disk."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from urllib.parse import urlsplit

from gateway.settings_directories import (
    ActiveDirectorySection,
    LdapSection,
    OidcSection,
    OrganisationSection,
    PasswordDirectorySection,
)
from gateway.settings_faults import FaultList, Place
from vetting.errors import quoted

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
BREAK_GLASS = "break-glass"  # what sessions of the gateway's own accounts name as their directory


def check_directories(
    organisations: Sequence[tuple[int, OrganisationSection]], faults: FaultList
) -> None:
    """Check every directory of every organisation.

    Args:
        organisations: those that stood by themselves, each with its place in the file.
        faults: where the faults go.
    """
    first: dict[str, Place] = {}
    domains: dict[str, Place] = {}
    for index, organisation in organisations:
        taken = 0
        _check_domains(index, organisation, domains, faults)
        for number, section in enumerate(organisation.directories):
            where: Place = ("organisation", index, "directory", number)
            _check_id(where, section.id, first, faults)
            if isinstance(section, OidcSection):
                _check_provider(where, section, faults)
            if isinstance(section, LdapSection | ActiveDirectorySection):
                taken += 1
                _check_servers(where, section, faults)
                _check_kerberos(where, section, faults)
                if taken > 1:
                    faults.add(
                        (*where, "kind"),
                        f"{quoted(organisation.id)} has a directory that takes passwords already",
                        "leave one of them: a password is never shown to two directories",
                    )


def _check_domains(
    index: int, organisation: OrganisationSection, domains: dict[str, Place], faults: FaultList
) -> None:
    for number, domain in enumerate(organisation.email_domains):
        where: Place = ("organisation", index, "email_domains", number)
        if domain in domains:
            line = faults.source.line(*domains[domain])
            faults.add(
                where,
                f"{quoted(domain)} leads to another organisation, line {line}",
                "give each domain to one organisation",
            )
        domains.setdefault(domain, where)


def _check_provider(where: Place, section: OidcSection, faults: FaultList) -> None:
    issuer = urlsplit(section.issuer)
    if issuer.scheme == "http" and issuer.hostname not in LOOPBACK:
        faults.add(
            (*where, "issuer"),
            f"{quoted(section.issuer)} is plain HTTP off this machine",
            "write https://",
        )
    if "openid" not in section.scopes:
        faults.add((*where, "scopes"), "`openid` is missing", "add it")
    if section.ca_file:
        faults.demand_readable((*where, "ca_file"), section.ca_file)
    if (section.client_secret_file is None) != (section.client_authentication == "none"):
        faults.add(
            (*where, "client_authentication"),
            f"{quoted(section.client_authentication)} does not go with"
            f" {'no' if section.client_secret_file is None else 'a'} `client_secret_file`",
            "name the file of the secret, or write `none` for a client without one",
        )
    if section.client_secret_file and faults.demand_readable(
        (*where, "client_secret_file"), section.client_secret_file
    ):
        faults.demand_private((*where, "client_secret_file"), section.client_secret_file)


def _check_id(where: Place, known: str, first: dict[str, Place], faults: FaultList) -> None:
    if known in first:
        line = faults.source.line(*first[known], "id")
        faults.add(
            (*where, "id"),
            f"{quoted(known)} is the id of another directory, line {line}",
            "give each directory its own `id`",
        )
    if known == BREAK_GLASS:
        faults.add((*where, "id"), f"{quoted(known)} is the gateway's own", "give it another `id`")
    first.setdefault(known, where)


def _check_servers(where: Place, section: PasswordDirectorySection, faults: FaultList) -> None:
    faults.demand_readable((*where, "ca_file"), section.ca_file)
    if section.crl_file:
        faults.demand_readable((*where, "crl_file"), section.crl_file)
    if (section.bind_dn is None) != (section.bind_password_file is None):
        given, lacking = ("bind_dn", "bind_password_file")[:: 1 if section.bind_dn else -1]
        faults.add(
            (*where, given),
            f"`{given}` stands without `{lacking}`",
            f"write `{lacking}` too, or neither",
        )
    if section.lockout_threshold == 1:
        faults.add(
            (*where, "lockout_threshold"),
            "a directory that locks at the first wrong password leaves no room to stop before",
            "raise it in the directory, then write it here; 0 if it never locks",
        )
    if section.bind_password_file and faults.demand_readable(
        (*where, "bind_password_file"), section.bind_password_file
    ):
        faults.demand_private((*where, "bind_password_file"), section.bind_password_file)


def _check_kerberos(where: Place, section: PasswordDirectorySection, faults: FaultList) -> None:
    kerberos = section.kerberos
    if kerberos is None:
        return
    place: Place = (*where, "kerberos")
    if importlib.util.find_spec("gssapi") is None:
        faults.add(
            place,
            "the extra `kerberos` is not installed",
            "run `pip install 'vetted-gateway[kerberos]'`, with the system's Kerberos library",
        )
    if faults.demand_readable((*place, "keytab_file"), kerberos.keytab_file):
        faults.demand_private((*place, "keytab_file"), kerberos.keytab_file)
    if not isinstance(section, ActiveDirectorySection):
        return
    if section.bind_dn is None:
        faults.add(
            place,
            "people who come with a ticket cannot be looked up without `bind_dn`",
            "give the directory an account to search with",
        )
    known = {each.casefold() for each in (section.domain, *section.upn_suffixes)}
    for number, realm in enumerate(kerberos.realms):
        if realm.casefold() not in known:
            faults.add(
                (*place, "realms", number),
                f"{quoted(realm)} is not the realm of this domain",
                f"write {quoted(section.domain.upper())}",
            )

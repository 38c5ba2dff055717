"""What must hold of the directories in the settings: between keys and organisations, on disk."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.settings_directories import (
    ActiveDirectorySection,
    LdapSection,
    OrganisationSection,
    PasswordDirectorySection,
)
from gateway.settings_faults import FaultList, Place
from vetting.errors import quoted


def check_directories(
    organisations: Sequence[tuple[int, OrganisationSection]], faults: FaultList
) -> None:
    """Check every directory of every organisation.

    Args:
        organisations: those that stood by themselves, each with its place in the file.
        faults: where the faults go.
    """
    first: dict[str, Place] = {}
    for index, organisation in organisations:
        taken = 0
        for number, section in enumerate(organisation.directories):
            where: Place = ("organisation", index, "directory", number)
            _check_id(where, section.id, first, faults)
            if isinstance(section, LdapSection | ActiveDirectorySection):
                taken += 1
                _check_servers(where, section, faults)
                if taken > 1:
                    faults.add(
                        (*where, "kind"),
                        f"{quoted(organisation.id)} has a directory that takes passwords already",
                        "leave one of them: a password is never shown to two directories",
                    )


def _check_id(where: Place, known: str, first: dict[str, Place], faults: FaultList) -> None:
    if known in first:
        line = faults.source.line(*first[known], "id")
        faults.add(
            (*where, "id"),
            f"{quoted(known)} is the id of another directory, line {line}",
            "give each directory its own `id`",
        )
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

"""The organisations that a policy set speaks of: who they are and which of them is the host."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from policies.findings import Findings, TableReader

if TYPE_CHECKING:
    from pathlib import Path

ORGANISATION_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class OrganisationKind(StrEnum):
    """What an organisation is; rules may speak of the kind instead of naming each one."""

    POLICE = "police"
    FIRE = "fire"
    AMBULANCE = "ambulance"
    COUNCIL = "council"
    SUPPLIER = "supplier"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOrganisation:
    """One organisation.

    Attributes:
        id: short name, e.g. `cheshire-fire`; never reused.
        name: as people know it.
        kind: what it is.
        host: whether the back office is this organisation's.
        accepts_vetting_by: of the host: the other bodies whose vetting counts here, whichever
            function is asked for; an agreement may accept more for its own functions.
    """

    id: str
    name: str
    kind: OrganisationKind
    host: bool = False
    accepts_vetting_by: frozenset[str] = frozenset()


def load_organisations(path: Path) -> tuple[PolicyOrganisation, ...]:
    """Read the organisations of a policy set, in the order of the file.

    Raises:
        PolicyFileError: with every fault of the file; exactly one organisation must be the host.
    """
    findings = Findings.read(path)
    document = findings.document()
    organisations: dict[str, PolicyOrganisation] = {}
    for reader in document.tables("organisation"):
        organisation = _organisation(reader)
        if organisation is None:
            continue
        if organisation.id in organisations:
            reader.fault(
                "id", message=f"`{organisation.id}` is declared twice", remedy="remove one"
            )
        organisations[organisation.id] = organisation
    document.finish()
    hosts = [organisation.id for organisation in organisations.values() if organisation.host]
    if len(hosts) != 1:
        findings.add(
            "organisation",
            message=f"{len(hosts)} organisations are the host",
            remedy="write host = true for exactly one organisation",
        )
    findings.refuse_if_any()
    return tuple(organisations.values())


def _organisation(reader: TableReader) -> PolicyOrganisation | None:
    organisation_id = reader.text("id", pattern=ORGANISATION_ID)
    name = reader.text("name")
    kind = reader.choice("kind", OrganisationKind)
    host = reader.flag("host")
    accepted = frozenset(
        reader.texts("accepts_vetting_by", pattern=ORGANISATION_ID, required=False)
    )
    if accepted and not host:
        reader.fault(
            "accepts_vetting_by",
            message="only the host accepts vetting",
            remedy="write it for the host, or remove it",
        )
    reader.finish()
    if not organisation_id or kind is None:
        return None
    return PolicyOrganisation(
        id=organisation_id, name=name, kind=kind, host=host, accepts_vetting_by=accepted
    )

"""A policy set: everything a decision rests on besides the question, as one value with a digest.

A directory holds it as four files: `organisations.toml`, `catalogue.toml`, `agreements.toml` and
`rules.toml`. Rules kept here:

1. Nothing is half loaded: one fault in one file refuses the set, and all faults of all files are
   told at once.
2. What the files say about each other must agree: every organisation, function and agreement that
   is named exists.
3. The digest is of what the files mean, not of how they are written: comments, blanks and the
   order of keys do not change it, everything a decision could depend on does.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, TypeVar

from policies.agreements import EVERY_FUNCTION, load_agreements
from policies.base_file import BASED_ON, base_of
from policies.catalogue_file import load_catalogue
from policies.criteria import Terms
from policies.errors import PolicyFileError
from policies.findings import Findings, nearest_of
from policies.floors import is_screening
from policies.function import GATEWAY_SYSTEM
from policies.organisations import OrganisationKind, load_organisations
from policies.rules import load_rules
from vetting.errors import quoted
from vetting.levels import LevelOrder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from policies.agreements import Agreement
    from policies.catalogue import Catalogue
    from policies.organisations import PolicyOrganisation
    from policies.rules import Rule
    from vetting.errors import Fault

FILES = ("organisations.toml", "catalogue.toml", "agreements.toml", "rules.toml")

_Loaded = TypeVar("_Loaded")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySet:
    """The versioned whole.

    Attributes:
        levels: The levels of vetting and their order.
        organisations: The organisations, in the order of the file.
        catalogue: The functions.
        agreements: The agreements, in the order of the file.
        rules: The rules, in the order of the file. Empty means that nothing is permitted.
        digest: SHA-256 over the canonical content, 64 hexadecimal digits.
    """

    levels: LevelOrder
    organisations: tuple[PolicyOrganisation, ...]
    catalogue: Catalogue
    agreements: tuple[Agreement, ...]
    rules: tuple[Rule, ...]
    digest: str

    @property
    def terms(self) -> Terms:
        """The words that criteria of this set may use."""
        return Terms(
            organisations=frozenset(organisation.id for organisation in self.organisations),
            order=self.levels,
            agreements={agreement.id: agreement for agreement in self.agreements},
            purposes=frozenset(self.catalogue.purposes),
            field_sets=frozenset(self.catalogue.field_sets),
        )

    @property
    def zones(self) -> frozenset[str]:
        """The network zones that the rules name."""
        return frozenset[str]().union(*(rule.zones for rule in self.rules))

    @property
    def host(self) -> PolicyOrganisation:
        """The organisation whose back office it is."""
        return next(organisation for organisation in self.organisations if organisation.host)

    @property
    def accepted_bodies(self) -> frozenset[str]:
        """The bodies whose vetting counts at the host: its own, and those it accepts."""
        return self.host.accepts_vetting_by | {self.host.id}


def load_policy_set(directory: Path) -> PolicySet:
    """Read a policy set.

    Args:
        directory: Where its four files are.

    Raises:
        PolicyFileError: with every fault of every file.
    """
    levels = LevelOrder.shipped()
    faults: list[Fault] = []

    def collected(load: Callable[[], _Loaded]) -> _Loaded | None:
        try:
            return load()
        except PolicyFileError as error:
            faults.extend(error.faults)
            return None

    organisations = collected(lambda: load_organisations(directory / "organisations.toml"))
    catalogue = collected(lambda: load_catalogue(directory / "catalogue.toml", levels))
    functions = None if catalogue is None else catalogue.functions
    offered = frozenset(
        function.id for function in (functions or {}).values() if function.system != GATEWAY_SYSTEM
    )
    agreements = collected(
        lambda: load_agreements(directory / "agreements.toml", order=levels, every_function=offered)
    )
    names = None if organisations is None else frozenset(each.id for each in organisations)
    terms = Terms(
        organisations=names,
        order=levels,
        agreements=None if agreements is None else {each.id: each for each in agreements},
        purposes=None if catalogue is None else frozenset(catalogue.purposes),
        field_sets=None if catalogue is None else frozenset(catalogue.field_sets),
    )
    rules = collected(
        lambda: load_rules(directory / "rules.toml", functions=functions, terms=terms)
    )
    if catalogue is not None and names is not None:
        faults += _owner_faults(directory / "catalogue.toml", names)
        faults += _screening_faults(directory / "catalogue.toml", catalogue, organisations or ())
        if agreements is not None:
            faults += _agreement_faults(directory / "agreements.toml", names, offered)
    if faults or organisations is None or catalogue is None or agreements is None or rules is None:
        raise PolicyFileError(tuple(faults))
    return PolicySet(
        levels=levels,
        organisations=organisations,
        catalogue=catalogue,
        agreements=agreements,
        rules=rules,
        digest=_digest(directory, levels),
    )


def _owner_faults(path: Path, organisations: frozenset[str]) -> tuple[Fault, ...]:
    """Find floors for owners that do not exist."""
    findings = Findings.read(path)
    rows = [
        (kind, position, row)
        for kind in ("function", "change")
        for position, row in enumerate(findings.source.data.get(kind, ()))
    ]
    for kind, position, row in rows:
        for owner in row.get("floor_by_owner", ()):
            if owner not in organisations:
                findings.add(
                    kind,
                    position,
                    "floor_by_owner",
                    owner,
                    message=f"{quoted(owner)} is not an organisation of this policy set",
                    remedy=nearest_of(owner, organisations),
                )
    return findings.faults


def _screening_faults(
    path: Path, catalogue: Catalogue, organisations: Iterable[PolicyOrganisation]
) -> tuple[Fault, ...]:
    """Find sensitive police records that an employer's screening would reach."""
    findings = Findings.read(path)
    for function in catalogue.functions.values():
        if not function.screening_suffices:
            continue
        for organisation in organisations:
            if organisation.kind is not OrganisationKind.POLICE:
                continue
            if any(is_screening(floor) for floor in function.floors_for(organisation.id)):
                findings.add(
                    message=f"`{function.id}` would show sensitive records of "
                    f"`{organisation.id}` to whoever is merely screened",
                    remedy=f"write a higher floor for `{organisation.id}`",
                )
    return findings.faults


def _agreement_faults(
    path: Path, organisations: frozenset[str], offered: frozenset[str]
) -> tuple[Fault, ...]:
    """Find parties and functions that do not exist or cannot be offered."""
    findings = Findings.read(path)
    for position, row in enumerate(findings.source.data.get("agreement", ())):
        named = {
            "parties": (row["parties"], organisations, "an organisation of this policy set"),
            "functions": (row["functions"], offered, "a function of the back office"),
        }
        for key, (words, known, what) in named.items():
            for place, word in enumerate(words):
                if word not in known and word != EVERY_FUNCTION:
                    findings.add(
                        "agreement",
                        position,
                        key,
                        place,
                        message=f"{quoted(word)} is not {what}",
                        remedy=nearest_of(word, known),
                    )
    return findings.faults


def _digest(directory: Path, levels: LevelOrder) -> str:
    """Work out the digest over the content of all files and the order of the levels."""
    content: dict[str, object] = {}
    for name in FILES:
        findings = Findings.read(directory / name)
        content[name] = {
            key: value for key, value in findings.source.data.items() if key != BASED_ON
        }
        base = base_of(findings.document(), directory / name)
        if base is not None:
            content[f"{name} is based on"] = Findings.read(base).source.data
    content["levels"] = {
        "base": levels.base,
        "reach": {level: levels.reach(level) for level in levels.ids},
        "systems": [level.id for level in levels.levels if level.systems],
    }
    return hashlib.sha256(canonical_bytes(content)).hexdigest()


def canonical_bytes(content: Mapping[str, object]) -> bytes:
    """Write content in its one canonical form: sorted keys, no blanks, days marked as days."""
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_marked
    ).encode()


def _marked(value: object) -> dict[str, str]:
    # Marked, so that a day and a text that looks like it give different digests.
    if isinstance(value, date | datetime | time):
        return {type(value).__name__: value.isoformat()}
    raise TypeError(f"digest: a {type(value).__name__} has no canonical form")

"""The organisations of a scenario, and how each one's directory spells what it knows.

The spellings differ on purpose, as they do in the world. What the kinds of directory have in common
is in directories.toml, what is one organisation's own in its scenario. Staff of an organisation
with `directory = "oidc"` sign in at an OpenID provider; a directory of it is started only where a
benchmark wants several of a kind.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

KINDS_FILE = Path(__file__).with_name("directories.toml")
SCHEMAS = Path(__file__).with_name("directories")
OIDC = "oidc"
_DEFAULT_KIND = "openldap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a share of the staff holds.

    Attributes:
        share: its weight among the others.
        levels: ids of levels, such as `N3` and `SC`; none for people the register does not know.
        standing: `expired`, `requested` or `suspended`, of the first level; empty for granted.
    """

    share: int
    levels: tuple[str, ...]
    standing: str = ""

    @classmethod
    def read(cls, share: int, words: str) -> Holding:
        """Read a pair of a scenario's `holds`, such as `[1, "RV expired"]` or `[60, "N3+SC"]`."""
        levels, _, standing = words.partition(" ")
        return cls(
            share=share, levels=tuple(levels.split("+")) if levels else (), standing=standing
        )

    @property
    def words(self) -> str:
        """Give it as a scenario writes it; empty for nothing."""
        return f"{'+'.join(self.levels)} {self.standing}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOrganisation:
    """An organisation and its directory.

    Attributes:
        staff: how many people its directory holds, the role accounts included.
        first_number: the first employee number that the generator gives.
        host: whether the back office is this organisation's.
        listed: whether the back office shows its staff to who searches; opened by number alone
            otherwise, as those in protected posts are.
        towns: where its teams are.
        units: further units with the post that people in them have.
        holds: what shares of its staff hold.
        people, rdn, suffix_classes, object_classes, attributes, further: see directories.toml.
        schema_file: the schema of this directory alone; None where the usual ones suffice.
        provider: what its own sign-in is called, if its staff sign in at an OpenID provider.
        directory_kind: what its directory is to the gateway, `ldap` or `active-directory`.
    """

    id: str
    name: str
    kind: str
    help_contact: str
    staff: int
    first_number: int
    domain: str
    suffix: str
    suffix_classes: tuple[str, ...]
    people: str
    rdn: str
    object_classes: tuple[str, ...]
    attributes: Mapping[str, str]
    further: Mapping[str, str]
    schema_file: Path | None
    holds: tuple[Holding, ...]
    towns: tuple[str, ...]
    units: tuple[tuple[str, str], ...] = ()
    host: bool = False
    listed: bool = True
    provider: str = ""
    directory_kind: str = "ldap"

    @property
    def base(self) -> str:
        """Give the DN under which the staff are found."""
        return f"{self.people},{self.suffix}"

    @property
    def bind_dn(self) -> str:
        """Give the DN of the account with which the gateway looks people up."""
        return f"cn=gateway,ou=services,{self.suffix}"


def read_organisation(table: Mapping[str, Any], folder: Path) -> DemoOrganisation:
    """Read one `[[organisation]]` of a scenario.

    Args:
        table: as the file has it.
        folder: of the scenario.

    Raises:
        KeyError: something is missing, or the kind of directory is not known.
        TypeError: something is written that nobody knows.
    """
    own = dict(table)
    kind = own.pop("directory")
    spelling = {**_kinds()[_DEFAULT_KIND if kind == OIDC else kind], **own.pop("ldap", {})}
    schema = spelling.pop("schema")
    local = folder / "directories" / schema
    if kind != OIDC and "provider" in own:
        message = f"`provider` is for organisations whose directory is {OIDC!r}"
        raise TypeError(message)
    made: dict[str, Any] = {
        "directory_kind": spelling.pop("gateway_kind"),
        "schema_file": (local if local.is_file() else SCHEMAS / schema) if schema else None,
        "holds": tuple(Holding.read(share, words) for share, words in own.pop("holds")),
        "units": tuple((unit, post) for unit, post in own.pop("units", ())),
        "provider": own.pop("provider") if kind == OIDC else "",
    }
    for name, value in (spelling | own).items():
        made[name] = tuple(value) if isinstance(value, list) else value
    return DemoOrganisation(**made)


@cache
def _kinds() -> dict[str, dict[str, Any]]:
    return tomllib.loads(KINDS_FILE.read_text("utf-8"))

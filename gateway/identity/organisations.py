"""The organisations whose staff may sign in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from gateway.errors import IdentityError

ORGANISATION_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
KINDS = frozenset({"police", "fire", "ambulance", "council", "supplier"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """An organisation whose staff may sign in.

    Attributes:
        id: short name, never reused, such as `cheshire-fire`.
        name: as its staff know it.
        kind: one of `KINDS`.
        help_contact: whom its staff ask for help.
        factor_at_sign_in: whether nobody of it is signed in without a second factor.
    """

    id: str
    name: str
    kind: str
    help_contact: str = ""
    factor_at_sign_in: bool = False

    def __post_init__(self) -> None:
        """Refuse an id that could be read as part of another name, and an unknown kind.

        Raises:
            IdentityError: naming the fault.
        """
        if not ORGANISATION_ID.fullmatch(self.id):
            message = f"organisations: `{self.id[:40]}` is not an id"
            raise IdentityError(message)
        if self.kind not in KINDS:
            message = f"organisations: `{self.kind[:40]}` is not a kind of organisation"
            raise IdentityError(message)


class Organisations:
    """All of them, in the order in which they were set. Never changes."""

    def __init__(self, organisations: Iterable[Organisation]) -> None:
        """Take the organisations.

        Raises:
            IdentityError: if there is none, or one comes twice.
        """
        by_id: dict[str, Organisation] = {}
        for organisation in organisations:
            if organisation.id in by_id:
                message = f"organisations: `{organisation.id}` comes twice"
                raise IdentityError(message)
            by_id[organisation.id] = organisation
        if not by_id:
            message = "organisations: there is none, so nobody could sign in"
            raise IdentityError(message)
        self._by_id = MappingProxyType(by_id)

    def get(self, organisation_id: str) -> Organisation | None:
        """Give the organisation with this id, exactly as it is spelt."""
        return self._by_id.get(organisation_id)

    def kinds(self) -> MappingProxyType[str, str]:
        """Give the kind of each, by id."""
        return MappingProxyType({each.id: each.kind for each in self})

    def __iter__(self) -> Iterator[Organisation]:
        """Go through them in their order."""
        return iter(self._by_id.values())

    def __len__(self) -> int:
        """Count them."""
        return len(self._by_id)

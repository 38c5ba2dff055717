"""What the pages of the vetting register are given: people, their history, what lapses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from vetting.clearance import Clearance
    from vetting.register_history import RegisterChange


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPerson:
    """A person of the vetting register, as the register desk shows them.

    Attributes:
        organisation: id of the employer.
        employee_number: unique within the employer.
        name: None when they have never signed in, as the register itself holds no names.
        clearance: everything the register has for them.
        appointments: roles in the gate that they hold now.
    """

    organisation: str
    employee_number: str
    name: str | None
    clearance: Clearance
    appointments: frozenset[str]


class RegisterDesk(Protocol):
    """The vetting register, read only. Called on a worker thread."""

    def people(
        self, *, text: str, organisation: str, offset: int, limit: int, at: datetime
    ) -> tuple[tuple[RegisterPerson, ...], int]:
        """Find people by name or employee number, by organisation, or all (empty texts).

        Returns:
            At most `limit` people from `offset` on, in a steady order, and how many there are.
        """

    def person(
        self, *, organisation: str, employee_number: str, at: datetime
    ) -> RegisterPerson | None:
        """Give one person, or None when the register does not know them."""

    def history(self, *, organisation: str, employee_number: str) -> tuple[RegisterChange, ...]:
        """List what changed for one person, in the order in which it did."""

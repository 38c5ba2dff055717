"""What the pages of the vetting register are given: people, their history, what lapses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from datetime import datetime

    from vetting.clearance import Clearance
    from vetting.lapses import Lapse
    from vetting.register_history import RegisterChange
    from vetting.training import Training


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPerson:
    """A person of the vetting register, as the register desk shows them.

    Attributes:
        organisation: id of the employer.
        employee_number: unique within the employer.
        name: None when they have never signed in, as the register itself holds no names.
        clearance: everything the register has for them.
        appointments: roles in the gate that they hold now.
        trainings: all they have completed, lapsed ones included.
    """

    organisation: str
    employee_number: str
    name: str | None
    clearance: Clearance
    appointments: frozenset[str]
    trainings: tuple[Training, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLapse:
    """Something that ends soon, with the name of whose it is; None when they never signed in."""

    lapse: Lapse
    name: str | None


class HistoryBrokenError(GatewayError):
    """A person's history does not hold together, so nobody can say what held in the past."""


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

    def as_of(
        self, *, organisation: str, employee_number: str, at: datetime
    ) -> RegisterPerson | None:
        """Give one person as the register had them at a moment; None when it had nothing of them.

        Raises:
            HistoryBrokenError: rows were changed past the register.
        """

    def lapses(
        self, *, organisation: str, days: int, at: datetime
    ) -> tuple[tuple[NamedLapse, ...], int]:
        """List what ends within so many days, the soonest first: the first ones, how many in all.

        An empty organisation means all.
        """

"""What the page of a function is given to say how many of the staff may open it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Of one organisation's staff, for one function.

    Attributes:
        may: how many may open it now.
        after: how many more may once they have shown a second factor or given a purpose.
    """

    may: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How far counting is, and what came of it.

    Attributes:
        at: the instant that is counted for.
        looked_at: how many people were looked at.
        total: how many there are.
        staff: by organisation how many work there now; None until everybody was counted.
        tallies: by function and organisation; without one, nobody of it may open the function.
        failed: whether it could not be done; then nothing is told.
    """

    at: datetime
    looked_at: int
    total: int
    staff: Mapping[str, int] | None = None
    tallies: Mapping[tuple[str, str], Tally]
    failed: bool = False


class StaffCountDesk(Protocol):
    """Counts who may open what. Called on a worker thread; waits a second at the most."""

    def counted(self, at: datetime) -> Counting:
        """Give the count if there is a recent one, or else how far it is."""

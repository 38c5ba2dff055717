"""How a step of the pipeline refuses: what the caller meets, and what the record says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from policies.telling import StaffReason


class Refused(Exception):  # noqa: N818 -- the outcome of a step, not a fault
    """A step refused.

    `recorded` when the entry is durable already; `location` is where a 303 leads, sign-in if empty,
    and where the page of a 401 leads.
    """

    def __init__(
        self,
        status: int,
        code: str,
        *,
        recorded: bool = False,
        reasons: tuple[StaffReason, ...] = (),
        asked_for: str = "",
        location: bytes = b"",
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.recorded = status, code, recorded
        self.reasons, self.asked_for = reasons, asked_for
        self.location = location

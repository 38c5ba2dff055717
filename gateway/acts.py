"""What the pipeline asks of those who answer: acts, open acts, and who writes refusals.

The pipeline decides and records; what is then done, and how a refusal looks, it is handed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol

from gateway.backoffice.transport import ExchangeError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.visit import Grant, Visit
    from gateway.wire.answers import Answer
    from policies.telling import StaffReason


class Act(Protocol):
    """What is done once a visit may pass; answers the client, gives the outcome for the record."""

    def __call__(self, visit: Visit, grant: Grant | None) -> Awaitable[ActResult]:
        """Act.

        Args:
            visit: the visit, with its session and its canonical target.
            grant: leave to act on a function; None for a resource, which has no decision.

        Raises:
            ExchangeError: the client has not been answered.
        """
        ...


class ActResult(Protocol):
    """What came of an act."""

    @property
    def status(self) -> int:
        """What the client was told."""

    @property
    def code(self) -> str:
        """Empty when all went well, else a fixed word."""

    @property
    def answered(self) -> bool:
        """Whether the client has been answered; if not, the pipeline refuses."""


class OpenAct(Protocol):
    """What is open without a session: sign-in, sign-out, health, keys, static files, notices."""

    async def __call__(self, visit: Visit) -> ActResult | None:
        """Answer the client, or give a result that says that it has not been answered."""
        ...


class Refusals(Protocol):
    """Writes the answers that refuse."""

    def answer(
        self,
        visit: Visit,
        status: int,
        *,
        reasons: tuple[StaffReason, ...] = (),
        asked_for: str = "",
        cause: str = "",
        sign_in: bytes = b"",
    ) -> Answer:
        """Give the refusal for a person, or for a program that asks for JSON.

        `sign_in` is where the page of a 401 leads; the gateway's own page where it is empty.
        """
        ...


async def no_system(visit: Visit, grant: Grant | None) -> NoReturn:  # noqa: ARG001
    """Stand in for the act of a system that is not there."""
    raise ExchangeError(502, "no-such-system")

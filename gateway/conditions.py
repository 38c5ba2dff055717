"""What is asked of a permitted request beyond the decision, before it is let through.

Only functions that declare something are asked (`Function.conditional`); all others pass untouched.
What is refused here is recorded as a denial of the function, with its own code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.audit.entry import Outcome
from gateway.drafts import decision_draft
from gateway.refused import Refused
from gateway.transactions import is_offered_pages
from policies.reasons import Reason
from policies.telling import plain_reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.audit.recorder import Recorder
    from gateway.transactions import Transactions
    from gateway.visit import Visit
    from policies.catalogue import Match
    from policies.decision import Decision
    from policies.engine import Engine
    from policies.question import Question


class Conditions:
    """Asks what functions declare. One a worker, on the event loop."""

    def __init__(
        self,
        *,
        engine: Callable[[], Engine],
        transactions: Transactions,
        recorder: Recorder,
        host: str,
    ) -> None:
        """Hold the parts.

        Args:
            engine: gives the compiled policy set in force.
            transactions: holds requests to the function that their page was opened under.
            recorder: makes refusals durable.
            host: the organisation whose back office it is.
        """
        self._engine = engine
        self._transactions = transactions
        self._recorder = recorder
        self._host = host

    async def demand(
        self, visit: Visit, question: Question, decision: Decision, match: Match
    ) -> None:
        """Refuse what does not fulfil what its function declares.

        Args:
            visit: the visit, with its session.
            question: what was asked.
            decision: the permit.
            match: what the request means.

        Raises:
            Refused: with its entry durable.
            RecordUnavailable: it could not be recorded.
        """
        if visit.live is None:
            raise ValueError("conditions: a visit without session")
        session = visit.live.session.hash
        if match.function.transaction is not None:
            fault = await self._transactions.fault(visit, session, match)
            if fault is not None:
                raise await self._withheld(visit, question, decision, match, fault)

    def may_tell(self, visit: Visit, question: Question) -> bool:
        """Whether who asks may be told that the page they go on with is not known."""
        return is_offered_pages(visit, self._engine(), question)

    async def lost(self, visit: Visit, question: Question, decision: Decision) -> Refused:
        """Record, and tell, that the page somebody goes on with is not known.

        Raises:
            RecordUnavailable: it could not be recorded.
        """
        return await self._withheld(visit, question, decision, None, Reason.PAGE_UNKNOWN)

    async def _withheld(
        self,
        visit: Visit,
        question: Question,
        decision: Decision,
        match: Match | None,
        reason: Reason,
    ) -> Refused:
        draft = decision_draft(visit, question, decision, match, host=self._host)
        draft.outcome, draft.code = Outcome.DENY, reason
        await self._recorder.record_async(draft)
        told = (plain_reason(reason),)
        title = "" if match is None else match.function.title
        return Refused(403, reason, recorded=True, reasons=told, asked_for=title)

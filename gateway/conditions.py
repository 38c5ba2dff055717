"""What is asked of a permitted request beyond the decision, before it is let through.

Asked are functions whose pages have transactions, requests that name one, permits under
obligations, and people whose vetting is under review: they go on working, and say why they open
what is OFFICIAL-SENSITIVE, which operators are told of. All others pass untouched. What is refused
here is recorded as a denial of the function, with its own code.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from gateway.audit.entry import Outcome
from gateway.drafts import decision_draft
from gateway.refused import Refused
from gateway.transactions import is_offered_pages
from policies.catalogue import GATEWAY_SYSTEM, Classification, Operation
from policies.function import WEBSOCKET
from policies.obligations import (
    MASK_BIT,
    WATERMARK_BIT,
    Obligation,
    Obligations,
    PurposeAsked,
)
from policies.reasons import Reason
from policies.telling import plain_reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.audit.recorder import Recorder
    from gateway.given_purposes import GivenPurposes
    from gateway.rate_uses import RateUses
    from gateway.step_up import StepUp
    from gateway.transactions import Transactions
    from gateway.visit import Visit
    from policies.catalogue import Function, Match
    from policies.decision import Decision
    from policies.engine import Engine
    from policies.question import Question


_log = structlog.get_logger("conditions")

HONOURED: Final = frozenset({Obligation.RATE, Obligation.MASK, Obligation.WATERMARK})
"""What the gate undertakes to do."""

DONE_TO_ANSWERS: Final = frozenset({Obligation.MASK, Obligation.WATERMARK})
"""What can only be done to an answer that passes through here whole."""

_CHANGES: Final = frozenset({Operation.COLLECTION, Operation.ALTERATION, Operation.ERASURE})


class Conditions:
    """Asks what functions declare. One a worker, on the event loop."""

    def __init__(
        self,
        *,
        engine: Callable[[], Engine],
        transactions: Transactions,
        purposes: GivenPurposes,
        rates: RateUses,
        step_up: StepUp,
        recorder: Recorder,
        host: str,
    ) -> None:
        """Hold the parts.

        Args:
            engine: gives the compiled policy set in force.
            transactions: holds requests to the function that their page was opened under.
            purposes: what people said they need functions for.
            rates: how often they used them.
            step_up: leads browsers to where a purpose is given.
            recorder: makes refusals durable.
            host: the organisation whose back office it is.
        """
        self._engine = engine
        self._transactions = transactions
        self._purposes = purposes
        self._rates = rates
        self._step_up = step_up
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
        session, owed = _session(visit), decision.obligations
        if owed.read_only and match.operation in _CHANGES:
            # The engine refuses to write; this is a read by its method that changes something.
            raise await self._withheld(visit, question, decision, match, Reason.READ_ONLY)
        unseen = Reason.OBLIGATION_NOT_FULFILLED
        if owed.bits & (MASK_BIT | WATERMARK_BIT) and not _sees_answer(visit, match):
            # Decided again without the undertaking, so that the entry explains itself.
            question = replace(question, honours=HONOURED - DONE_TO_ANSWERS)
            decision = self._engine().decide(question)
            raise await self._withheld(visit, question, decision, match, unseen)
        # What a function itself asks is seen to by what is sent and answered; a proxy keeps that.
        if visit.asking is not None and match.function.transaction is not None:
            raise await self._withheld(visit, question, decision, match, unseen)
        if _is_watched(visit, match.function):
            await self._demand_reason(visit, question, decision, match)
        if match.transaction or match.function.transaction is not None:
            fault = await self._transactions.fault(visit, session, match)
            if fault is not None:
                raise await self._withheld(visit, question, decision, match, fault)
        if owed.rates:
            await self._count(visit, question, decision, match)

    async def with_purpose(
        self, visit: Visit, question: Question, decision: Decision
    ) -> tuple[Question, Decision]:
        """Decide again with the purpose that the person gave, if they gave one that will do.

        Args:
            visit: the visit; what counts is noted on it.
            question: what was asked.
            decision: the denial, for want of a purpose.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        session, function = _session(visit), question.function.id
        given = self._purposes.get(session, function, visit.at_us)
        for stored in (False, True):
            if stored:  # they may have given another since, in another worker
                given = await self._purposes.find(session, function, at=visit.at)
            if given is None:
                continue
            asked = replace(question, purpose=given.code)
            again = self._engine().decide(asked)
            if again.reason is not Reason.PURPOSE_NEEDED:
                visit.purpose, visit.question = given, asked
                return asked, again
        return question, decision

    async def _demand_reason(
        self, visit: Visit, question: Question, decision: Decision, match: Match
    ) -> None:
        """Have somebody under review say what they need this for; any code of the list will do."""
        function = match.function
        if visit.purpose is None:
            codes = frozenset(self._engine().policy_set.catalogue.purposes)
            session = _session(visit)
            given = self._purposes.get(session, function.id, visit.at_us)
            given = given or await self._purposes.find(session, function.id, at=visit.at)
            if not codes:  # nothing can be asked, so nothing opens
                unasked = Reason.OBLIGATION_NOT_FULFILLED
                raise await self._withheld(visit, question, decision, match, unasked)
            if given is None or given.code not in codes:
                owed = Obligations(purpose=PurposeAsked(codes=codes, text=True))
                wanted = decision._replace(reason=Reason.PURPOSE_NEEDED, obligations=owed)
                refused = await self._withheld(
                    visit, question, wanted, match, Reason.PURPOSE_NEEDED
                )
                refused.location = await self._step_up.address(visit, question, wanted)
                refused.status = 303 if refused.location else refused.status
                raise refused
            visit.purpose = given
        _log.warning(
            "sensitive function opened under review",
            reference=visit.reference,
            function=function.id,
        )

    async def _count(
        self, visit: Visit, question: Question, decision: Decision, match: Match
    ) -> None:
        take, staff_id = self._rates.take, question.subject.staff_id
        function, rates = match.function.id, decision.obligations.rates
        wait = await asyncio.get_running_loop().run_in_executor(
            None, lambda: take(staff_id, function, rates, at=visit.at)
        )
        if wait is None:
            return
        # Decided again without the undertaking, so that the entry explains itself.
        asked = replace(question, honours=HONOURED - {Obligation.RATE})
        again = self._engine().decide(asked)
        visit.wait_seconds = math.ceil(wait.total_seconds())
        raise await self._withheld(visit, asked, again, match, Reason.RATE_EXCEEDED, status=429)

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
        *,
        status: int = 403,
    ) -> Refused:
        draft = decision_draft(visit, question, decision, match, host=self._host)
        draft.outcome, draft.code = Outcome.DENY, reason
        await self._recorder.record_async(draft)
        told = (plain_reason(reason),)
        title = "" if match is None else match.function.title
        return Refused(status, reason, recorded=True, reasons=told, asked_for=title)


def _sees_answer(visit: Visit, match: Match) -> bool:
    """Whether the answer passes through here, and as a whole."""
    method, system = visit.method, match.function.system
    return visit.asking is None and method != WEBSOCKET and system != GATEWAY_SYSTEM


def _session(visit: Visit) -> str:
    if visit.live is None:
        raise ValueError("conditions: a visit without session")
    return visit.live.session.hash


def _is_watched(visit: Visit, function: Function) -> bool:
    """Whether somebody whose vetting is under review opens something sensitive."""
    return (
        visit.live is not None
        and visit.live.under_review
        and function.classification is Classification.OFFICIAL_SENSITIVE
        and function.system != GATEWAY_SYSTEM
    )

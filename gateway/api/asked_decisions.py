"""What the gate would decide about somebody who is signed in, for programs that ask.

It is the engine's own answer to the question that the pipeline would ask, without what only the
gate could see to: obligations beyond the question, functions with transactions, a new sign-in that
is due. Of the gate's own pages there is no question, and zones are not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.backoffice.canonical import TargetError
from gateway.function_finder import FunctionFinder
from policies.catalogue import GATEWAY_SYSTEM, Action, Match, Operation
from policies.question import Question
from policies.reasons import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.api.decision_request import Evaluation
    from gateway.identity.owners import RecordOwners
    from gateway.identity.sessions.live_session import LiveSession
    from gateway.identity.sessions.presence import Presence
    from policies.catalogue import Catalogue
    from policies.decision import Decision


class AskedDecisions:
    """Makes the question, and says what stands in the way of a permit. One a worker."""

    def __init__(
        self, owners: RecordOwners, presence: Presence, apart: frozenset[str] = frozenset()
    ) -> None:
        """Hold the parts.

        Args:
            owners: whose employee an employee number is.
            presence: after which pause, or how long, a function asks for a new sign-in.
            apart: systems with hosts of their own: a request, which names no host, is none of them.
        """
        self._owners = owners
        self._presence = presence
        self._finder = FunctionFinder(apart=apart)

    def match(self, catalogue: Catalogue, asked: Evaluation) -> Match | None:
        """Give what a question means; None for nothing, and for the gate's own pages.

        Raises:
            TargetError: a request with no single reading.
        """
        if asked.kind == "function":
            return function_match(catalogue, asked)
        # Nothing in it is replaced: whoever asks sends it on as it is.
        raw = asked.resource.encode()
        target, match, _ = self._finder.find(catalogue, asked.action, raw)
        if target.sent != raw:
            raise TargetError("target-not-canonical")
        return None if match is None or match.function.system == GATEWAY_SYSTEM else match

    async def question(
        self, at: datetime, at_us: int, match: Match, live: LiveSession, purpose: str | None
    ) -> Question:
        """Give the question for the engine.

        Args:
            at: now.
            at_us: the same in microseconds.
            match: what is asked for.
            live: the session of whom it is about.
            purpose: code of the purpose that was given; None for none.
        """
        shown_at_us = live.session.second_factor_at_us
        person = match.record_person
        return Question(
            subject=live.subject,
            function=match.function,
            action=match.action,
            at=at,
            record_person=person,
            record_organisation=None if person is None else await self._owners.find(person),
            factors=match.function.fresh_factors(live.session.factors, shown_at_us, at_us),
            purpose=purpose,
            second_factor_age_us=None if shown_at_us is None else at_us - shown_at_us,
        )

    def withheld(self, live: LiveSession, match: Match, decision: Decision, at_us: int) -> str:
        """Say what the gate would still ask for beyond a permit, and nobody else can see to."""
        if not decision.permitted:
            return ""
        paged = match.transaction or match.function.transaction is not None
        if paged or live.under_review or decision.obligations.rates:
            return Reason.OBLIGATION_NOT_FULFILLED
        if decision.obligations.read_only and match.operation is not Operation.CONSULTATION:
            return Reason.READ_ONLY
        return self._presence.asked_again(live.session, match.function, at_us)


def function_match(catalogue: Catalogue, asked: Evaluation) -> Match | None:
    """Give the match of a function that is named by its id; of the gate's own there is none."""
    function = catalogue.functions.get(asked.resource)
    if function is None or function.system == GATEWAY_SYSTEM:
        return None
    read = asked.action == Action.READ
    return Match(
        function=function,
        action=Action.READ if read else Action.WRITE,
        operation=Operation.CONSULTATION if read else Operation.ALTERATION,
        route="",
        record_person=asked.record,
    )

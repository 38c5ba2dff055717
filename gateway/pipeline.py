"""The one way through the gate, for the back office and for the gateway's own pages alike.

    open the visit -> one canonical target -> find the staff -> know what they ask for
    -> decide -> record the decision -> enforce -> act -> close the visit with its outcome

Rules it keeps:

1. Nothing is let through that was not decided, nothing is decided that was not written down first:
   an act needs a `Grant`, a Grant needs a permit whose entry is durable.
2. Every step that cannot be done refuses: no session, stale bulletin, unknown function, an error
   anywhere. There is no switch that changes this.
3. Unknown and not offered are one answer, with the same work behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from gateway.acts import no_system
from gateway.audit.entry import Outcome
from gateway.backoffice.transport import ExchangeError
from gateway.conditions import HONOURED
from gateway.drafts import ending_draft
from gateway.errors import NotCurrent, RecordUnavailable
from gateway.precedents import Precedents
from gateway.refused import Refused
from gateway.staff_finder import asked_again, no_session
from gateway.visit import Grant, Visit
from gateway.wire.request_head import SAFE_METHODS
from policies.catalogue import Action, Match
from policies.decision import Decision, Gate
from policies.question import Question
from policies.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from gateway.acts import Act, OpenAct
    from gateway.audit.entry import EntryDraft
    from gateway.audit.identifiers import Identifiers
    from gateway.audit.recorder import Recorder
    from gateway.backoffice.canonical import CanonicalTarget
    from gateway.conditions import Conditions
    from gateway.function_finder import FunctionFinder, UnfitBody
    from gateway.identity.owners import RecordOwners
    from gateway.identity.sessions.live_session import LiveSession
    from gateway.identity.sessions.presence import Presence
    from gateway.network_zones import NetworkZones
    from gateway.precedents import Precedent
    from gateway.proxy_asking import ProxyAsking
    from gateway.refuser import Refuser
    from gateway.resources import ResourcePaths, ResourceTally
    from gateway.same_origin import SameOrigin
    from gateway.staff_finder import StaffFinder
    from gateway.step_up import StepUp
    from gateway.transactions import Transactions
    from gateway.wire.connection import Connection
    from gateway.wire.incoming import Incoming
    from policies.catalogue import Catalogue, Function
    from policies.engine import Engine

_log = structlog.get_logger("pipeline")


class Pipeline:
    """The steps, with what they need. One a worker, on the event loop."""

    def __init__(
        self,
        *,
        engine: Callable[[], Engine],
        staff: StaffFinder,
        presence: Presence,
        zones: NetworkZones,
        owners: RecordOwners,
        recorder: Recorder,
        identifiers: Identifiers,
        resource_paths: ResourcePaths,
        tally: ResourceTally,
        unknown_function: Function,
        finder: FunctionFinder,
        running: dict[Connection, Visit],
        acts: dict[str, Act],
        refuser: Refuser,
        step_up: StepUp,
        transactions: Transactions,
        conditions: Conditions,
        same_origin: SameOrigin,
        seen: Callable[[Engine, Question, Decision], None],
        wall_us: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        """Hold the parts.

        Args:
            engine: gives the compiled policy set in force.
            staff: finds who is asking.
            presence: after which pause, or how long, a function asks for a new proof.
            zones: which network zone a client is in.
            owners: whose employee an employee number in a request is.
            recorder: makes decisions durable.
            identifiers: names visits and their entries.
            resource_paths: which paths are style sheets, scripts and images, and of which system.
            tally: counts those.
            unknown_function: stands for what is no function, so that it costs the same to refuse.
            finder: says what requests mean, at the host whose requests these are.
            running: what is being served now, at whichever host.
            acts: by system, what is done with a Grant; the gateway's own pages are one of them.
            refuser: records and answers what is refused, and what fails.
            step_up: leads whoever lacks a fresh second factor.
            transactions: says which function a page belongs to that does not name it.
            conditions: asks what functions declare beyond the decision.
            same_origin: refuses what another site's page may have caused.
            seen: is told of every decision; nothing waits for it.
            wall_us: microseconds since 1970 UTC.
            monotonic: seconds that never go back.
        """
        self._engine = engine
        self._staff = staff
        self._presence = presence
        self._zones = zones
        self.running = running
        self._owners = owners
        self._recorder = recorder
        self._identifiers = identifiers
        self._resource_paths = resource_paths
        self._tally = tally
        self._unknown_function = unknown_function
        self._acts = acts
        self._refuser = refuser
        self._step_up = step_up
        self._transactions = transactions
        self._conditions = conditions
        self._same_origin = same_origin
        self._seen = seen
        self._precedents = Precedents(presence)
        self._wall_us = wall_us
        self._monotonic = monotonic
        self._finder = finder

    async def serve(
        self, incoming: Incoming, client: Connection, asking: ProxyAsking | None = None
    ) -> None:
        """Take one request through the gate, or one that a proxy asks about. It is answered."""
        at_us = self._wall_us()
        reference, entry_id = self._identifiers.for_visit(at_us)
        visit = Visit(reference, entry_id, at_us, self._monotonic(), incoming, client, asking)
        self.running[client] = visit
        try:
            try:
                await self._begin(visit)
            except Exception as why:  # noqa: BLE001 -- whatever failed, nobody is let through or waits
                await self._refuser.refuse(visit, why)
        except Exception:  # noqa: BLE001 -- nobody else would hear of it, and the client would wait
            _log.exception("request not answered", reference=visit.reference)
            client.abort()
        finally:
            self.running.pop(client, None)

    # ---- the steps ------------------------------------------------------------------------

    def _begin(self, visit: Visit) -> Coroutine[Any, Any, None]:
        """Follow what was found a moment ago, if nothing of it can have changed; else find it."""
        known = self._staff.known(visit)
        if known is None:
            return self._pass(visit, None)
        before = self._precedents.find(visit, known, self._engine())
        if before is None or (match := before.match) is None:
            return self._pass(visit, known)
        question, decision = before.question, before.decision
        visit.target = before.target  # before anything is refused: the record names it
        visit.live = self._staff.demand(visit, known)
        visit.engine, visit.question = before.engine, question
        self._seen(before.engine, question, decision)
        draft = before.repetition.draft(
            entry_id=visit.entry_id, at_us=visit.at_us, reference=visit.reference
        )
        return self._carry_out(visit, question, decision, match, draft, before)

    async def _pass(self, visit: Visit, known: LiveSession | None) -> None:
        # 1. one canonical target
        head = visit.incoming.head
        catalogue = self._engine().policy_set.catalogue
        target, match, open_act = self._finder.find(catalogue, head.method, head.target)
        visit.aim_at(target)
        safe = head.method in SAFE_METHODS
        if not safe:
            self._same_origin.demand(visit, target.path)
        if open_act is not None:
            await self._serve_open(visit, open_act)
            return
        # 2. who is asking
        known = known or await self._staff.find(visit)
        if self._engine().policy_set.catalogue is not catalogue:
            # Another set came into force meanwhile: it says what this means, as it decides.
            await self._pass(visit, known)
            return
        visit.live = live = self._staff.demand(visit, known)
        # 3. what for: a body, or the page that it belongs to, may have a say in it
        unfit = None
        if match is None or head.body_length or not safe:
            live, match, unfit = await self._what_for(visit, live, target, match)
            named = self._finder.reached(catalogue).declared_parameters
            resource = None if match else self._resource_paths.system_of(head.method, target, named)
            if resource is not None:
                await self._serve_resource(visit, live, resource)
                return
        await self._judge(visit, live, catalogue, match, unfit)

    async def _judge(
        self,
        visit: Visit,
        live: LiveSession,
        catalogue: Catalogue,
        match: Match | None,
        unfit: UnfitBody | None,
    ) -> None:
        """Decide what a request means by the set whose catalogue says so; do it if permitted."""
        # 4. may they
        person = match.record_person if match else None
        owner = None if person is None else await self._owners.find(person)
        engine = self._engine()
        if engine.policy_set.catalogue is not catalogue:  # while a body or an owner was read
            raise NotCurrent("pipeline: another policy set came into force")
        question, decision = self._decide(engine, visit, live, match, owner)
        if decision.reason is Reason.PURPOSE_NEEDED:
            question, decision = await self._conditions.with_purpose(visit, question, decision)
        self._seen(engine, question, decision)
        # 5. write it down, 6. enforce
        if match is None or not decision.permitted:
            raise await self._denied(visit, question, decision, match)
        # Only now: before, it would tell a function that is not offered from one that is not there.
        again = self._presence.asked_again(live.session, match.function, visit.at_us)
        if again:
            raise asked_again(visit, again)
        if unfit is not None:
            raise Refused(unfit.status, unfit.code)
        bits = decision.obligations.bits
        if bits or match.transaction or match.function.transaction or live.under_review:
            await self._conditions.demand(visit, question, decision, match)
        draft = self._precedents.draft(visit, question, decision, match, host=engine.host)
        await self._carry_out(visit, question, decision, match, draft)

    async def _what_for(
        self, visit: Visit, live: LiveSession, target: CanonicalTarget, match: Match | None
    ) -> tuple[LiveSession, Match | None, UnfitBody | None]:
        """Say what a request means together with its body, and with the page it belongs to."""
        catalogue = self._finder.reached(self._engine().policy_set.catalogue)
        if match is None and catalogue.transactions:
            # It may name its page in the place of its function.
            target = await self._transactions.named(catalogue, visit, live.session.hash)
            match = catalogue.match(visit.method, target.path, target.query)
        match, unfit = await self._finder.with_body(catalogue, target, visit.incoming, match)
        if visit.incoming.head.body_length:
            # A form may take minutes to come, and may come after its session has been ended.
            found = visit.live = await self._staff.find(visit)
            if found is None:
                raise no_session(visit)
            live = found
        return live, match, unfit

    async def _serve_open(self, visit: Visit, act: OpenAct) -> None:
        """Serve what is open without a session."""
        visit.live = await self._staff.find_for_open(visit)
        result = await act(visit)
        if result is not None and not result.answered:
            raise Refused(result.status, result.code)

    def _decide(
        self,
        engine: Engine,
        visit: Visit,
        live: LiveSession,
        match: Match | None,
        owner: str | None,
    ) -> tuple[Question, Decision]:
        """Ask the engine; `owner` employs the person that the request names, if it names one."""
        if engine.zones:
            visit.zone = self._zones.zone_of(visit.ip, engine.zones)
        function = match.function if match else self._unknown_function
        factors = live.session.factors
        shown_at_us = live.session.second_factor_at_us
        if function.obligations:
            factors = function.fresh_factors(factors, shown_at_us, visit.at_us)
        question = Question(
            subject=live.subject,
            function=function,
            action=match.action if match else Action.READ,
            at=visit.at,
            record_person=match.record_person if match else None,
            record_organisation=owner,
            factors=factors,
            honours=HONOURED,
            zone=visit.zone,
            second_factor_age_us=None if shown_at_us is None else visit.at_us - shown_at_us,
        )
        visit.engine, visit.question = engine, question
        return question, engine.decide(question)

    async def _carry_out(
        self,
        visit: Visit,
        question: Question,
        decision: Decision,
        match: Match,
        draft: EntryDraft,
        before: Precedent | None = None,
    ) -> None:
        """Make the Grant, once the permit is durable; act; close."""
        try:
            await self._recorder.record_async(draft, visit.client.loop)
        except RecordUnavailable:
            # It may yet reach the disk: then what is written of it is that nothing was sent on.
            unsent = draft.result(Outcome.ERROR, at_us=self._wall_us())
            unsent.status, unsent.code = 503, "record-unavailable"
            self._recorder.queue(unsent)
            raise
        visit.draft = draft
        grant = Grant(decision, question, match, draft, before)
        # 7. act, 8. close
        status, code = 503, "cut-short"
        try:
            result = await self._acts.get(match.function.system, no_system)(visit, grant)
        except Exception as why:  # noqa: BLE001 -- whatever failed, the client is answered
            status, code = self._failed(visit, why)
        else:
            if not result.answered:
                self._refuser.answer(visit, result.status, cause=result.code)
            status, code = result.status, result.code
        finally:
            self._close(visit, draft, status, code)

    async def _denied(
        self, visit: Visit, question: Question, decision: Decision, match: Match | None
    ) -> Refused:
        """Record a denial and say what the person meets: 404 for what is not theirs to know of."""
        if match is None and visit.lost_page and self._conditions.may_tell(visit, question):
            return await self._conditions.lost(visit, question, decision)
        host = self._engine().host
        draft = self._precedents.draft(visit, question, decision, match, host=host)
        await self._recorder.record_async(draft)
        hidden = match is None or decision.gate in {Gate.FUNCTION, Gate.AGREEMENT}
        reasons = self._engine().staff_reasons(question, decision)
        if hidden:
            return Refused(404, draft.code, recorded=True)
        location = await self._step_up.address(visit, question, decision)
        if location:
            return Refused(303, draft.code, recorded=True, location=location)
        title = question.function.title
        return Refused(403, draft.code, recorded=True, reasons=reasons, asked_for=title)

    async def _serve_resource(self, visit: Visit, live: LiveSession, system: str) -> None:
        """Serve a style sheet, script or image: session needed, recorded once a minute."""
        counted = self._tally.count(visit, live, system)
        try:
            if counted.durable is None:
                counted.durable = self._recorder.record_async(counted.first)
            await counted.durable
        except RecordUnavailable:
            self._tally.forget(counted)
            raise
        try:
            result = await self._acts.get(system, no_system)(visit, None)
        except Exception as why:  # noqa: BLE001 -- whatever failed, the client is answered
            self._failed(visit, why)
        else:
            if not result.answered:
                self._refuser.answer(visit, result.status, cause=result.code)

    def _failed(self, visit: Visit, why: Exception) -> tuple[int, str]:
        """Answer a visit whose act failed, from where that is caught; gives status and cause."""
        status, code = 503, "fault"
        if isinstance(why, ExchangeError):
            status, code = why.status, why.code
        else:
            _log.exception("act failed", reference=visit.reference)
        self._refuser.answer(visit, status, cause=code)
        return status, code

    # ---- closing --------------------------------------------------------------------------

    def _close(self, visit: Visit, draft: EntryDraft, status: int, code: str) -> None:
        """Queue the outcome of a permitted visit; it is not waited for."""
        client, incoming = visit.client, visit.incoming
        duration_us = int((self._monotonic() - visit.started) * 1_000_000)
        ended = (
            draft.id.hex(),
            visit.at_us + duration_us,
            status,
            # The client's connection may be at its next request by now.
            client.bytes_out if client.owes(incoming) else incoming.sent_bytes,
            incoming.received_bytes,
            duration_us,
        )
        if code or visit.done:
            self._recorder.queue(ending_draft(draft, ended, code, visit.done))
        else:
            self._recorder.close_visit(ended)

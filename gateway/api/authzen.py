"""`/-/access/v1/`: other programs ask what the gate would decide (OpenID AuthZEN 1.0).

A program shows its token and asks about staff of the organisations it is listed for. The answer is
that of the same engine, about somebody who is signed in here now: their factors, and what the
register and their directory say of them, are those of their newest session. Each decision is in
the record before it is told. Nothing is let through by it: there is no Grant here.

1. A stranger is told nothing; a staff id of another organisation is one that nobody has.
2. What only the gate could see to is denied (`gateway.api.asked_decisions`).
3. A reason is one that the person themselves would be told.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from gateway.api.decision_clients import SCHEME, SpentError
from gateway.api.decision_request import (
    Asked,
    Evaluation,
    RequestFault,
    Semantic,
    Wanted,
    read_evaluation,
    read_evaluations,
    read_search,
)
from gateway.audit.entry import EntryDraft, Kind, Outcome, new_entry_id
from gateway.backoffice.canonical import TargetError
from gateway.drafts import PURPOSE_GIVEN, decision_draft, refusal_draft
from gateway.errors import NotCurrent
from gateway.refused import Refused
from gateway.wire.answers import document
from policies.decision import Gate

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gateway.api.asked_decisions import AskedDecisions
    from gateway.api.decision_clients import DecisionClient, DecisionClients
    from gateway.api.decision_search import DecisionSearch
    from gateway.audit.recorder import Recorder
    from gateway.identity.sessions.live_session import LiveSession
    from gateway.identity.sessions.signed_in_staff import SignedInStaff
    from gateway.visit import Visit
    from policies.engine import Engine

PREFIX: Final = "/-/access/v1/"
METADATA_PATH: Final = "/.well-known/authzen-configuration"
EVALUATION: Final = "evaluation"
EVALUATIONS: Final = "evaluations"
SEARCHES: Final = {f"search/{each}": each for each in Wanted}
ENDPOINTS: Final = {
    "access_evaluation_endpoint": EVALUATION,
    "access_evaluations_endpoint": EVALUATIONS,
    **{f"search_{wanted}_endpoint": path for path, wanted in SEARCHES.items()},
}
"""The names by which the metadata call them, and their paths."""

ASKED_BY: Final = "asked-by"
"""Stands before the id of the program that asked, among the obligations of an entry."""

BODY_BYTES: Final = 256 * 1024
_JSON: Final = b"application/json"


class Bulletin(Protocol):
    """Whether this worker knows every change that matters."""

    def is_current(self, now: float) -> bool:
        """Tell whether it was read lately and nothing was announced since."""

    def catch_up(self) -> bool:
        """Read what was announced (blocks)."""


class AuthZen:
    """Answers programs. One a worker, on its loop."""

    def __init__(
        self,
        clients: DecisionClients,
        *,
        origin: str,
        engine: Callable[[], Engine],
        decisions: AskedDecisions,
        search: DecisionSearch,
        staff: SignedInStaff,
        bulletin: Bulletin,
        recorder: Recorder,
        monotonic: Callable[[], float],
    ) -> None:
        """Hold the parts.

        Args:
            clients: who may ask.
            origin: ours.
            engine: gives the compiled policy set in force.
            decisions: says what would be decided.
            search: finds what would be permitted.
            staff: who is signed in.
            bulletin: whether this worker is up to date.
            recorder: makes decisions durable.
            monotonic: seconds that never go back.
        """
        self._clients = clients
        self._origin = origin
        self._engine = engine
        self._decisions = decisions
        self._search = search
        self._staff = staff
        self._bulletin = bulletin
        self._recorder = recorder
        self._monotonic = monotonic

    @property
    def takes_any(self) -> bool:
        """Whether any program may ask."""
        return len(self._clients) > 0

    def metadata(self) -> bytes:
        """Give the document that says where what is."""
        places = {name: f"{self._origin}{PREFIX}{path}" for name, path in ENDPOINTS.items()}
        return orjson.dumps({"policy_decision_point": self._origin, **places})

    async def act(self, visit: Visit) -> None:
        """Answer one call; see `gateway.acts.OpenAct`.

        Raises:
            Refused: before anybody has proved who they are.
            NotCurrent: not every change that matters is known.
            RecordUnavailable: a decision could not be recorded, so it is not told.
        """
        headers, target = visit.incoming.head.headers, visit.target
        if asked := headers.get(b"x-request-id"):  # the standard wants the very same back
            visit.told_fields = ((b"X-Request-ID", asked),)
        client = self._clients.find(headers.get(b"authorization", b""))
        if client is None or target is None:
            visit.told_fields += ((b"WWW-Authenticate", SCHEME),)
            raise Refused(401, "decision-client-unknown")
        try:
            told = await self._told(visit, client, target.path.removeprefix(PREFIX))
        except RequestFault as fault:
            await self._refuse(visit, client, fault.status, str(fault), *fault.fields)
        except SpentError as spent:
            again = b"Retry-After", b"%d" % spent.wait_seconds
            await self._refuse(visit, client, 429, str(spent), again)
        else:
            self._answer(visit, 200, told)

    async def _told(self, visit: Visit, client: DecisionClient, path: str) -> dict[str, Any]:
        head, incoming = visit.incoming.head, visit.incoming
        if path not in ENDPOINTS.values():
            raise RequestFault(f"the address: write one of those of {METADATA_PATH}", status=404)
        if head.method != "POST":
            allowed = b"Allow", b"POST"
            raise RequestFault("the method: write POST", status=405, fields=(allowed,))
        kind = head.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind != _JSON:
            raise RequestFault("Content-Type: write application/json", status=415)
        body = await incoming.read_body(BODY_BYTES)
        if body is None and incoming.failed:
            raise Refused(*incoming.failure)
        if body is None:
            raise RequestFault(f"the body: write {BODY_BYTES} bytes at the most", status=413)
        loop = asyncio.get_running_loop()
        if not self._bulletin.is_current(self._monotonic()) and not await loop.run_in_executor(
            None, self._bulletin.catch_up
        ):
            raise NotCurrent("bulletin: not read lately")
        if path in SEARCHES:
            return await self._find(visit, client, body, SEARCHES[path])
        read = read_evaluation if path == EVALUATION else read_evaluations
        return await self._evaluate(visit, client, read(body))

    async def _find(
        self, visit: Visit, client: DecisionClient, body: bytes, wanted: Wanted
    ) -> dict[str, Any]:
        search, live = read_search(body, wanted), None
        if wanted is not Wanted.SUBJECT:
            live = await self._signed_in(client, search.question.staff_id, visit.at)
        draft, told = await self._search.find(visit, client, search, live)
        draft.obligations = (f"{ASKED_BY}:{client.id}",)
        await self._record(draft)
        return told

    async def _evaluate(self, visit: Visit, client: DecisionClient, asked: Asked) -> dict[str, Any]:
        self._clients.spend(client, len(asked.evaluations), visit.at_us)
        people: dict[str, LiveSession | None] = {}
        told = []
        for each in asked.evaluations:
            if each.staff_id not in people:
                people[each.staff_id] = await self._signed_in(client, each.staff_id, visit.at)
            answer = await self._decide(visit, client, each, people[each.staff_id])
            told.append(answer)
            if asked.semantic is Semantic.DENY_ON_FIRST_DENY and not answer["decision"]:
                break
            if asked.semantic is Semantic.PERMIT_ON_FIRST_PERMIT and answer["decision"]:
                break
        return told[0] if asked.single else {"evaluations": told}

    async def _signed_in(
        self, client: DecisionClient, staff_id: str, at: datetime
    ) -> LiveSession | None:
        """Find the newest session of somebody; nobody's where the client may not ask."""
        if staff_id.partition("/")[0] not in client.organisations:
            return None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, lambda: self._staff.find(staff_id, at=at))

    async def _decide(
        self, visit: Visit, client: DecisionClient, asked: Evaluation, live: LiveSession | None
    ) -> dict[str, Any]:
        """Decide and record one question; gives what is told."""
        at_us = visit.at_us
        call = visit.about(live, new_entry_id(at_us))
        try:
            match = self._decisions.match(self._engine().policy_set.catalogue, asked)
        except TargetError as error:
            return await self._denied(call, client, error.code)
        if live is None:
            return await self._denied(call, client, "not-signed-in")
        if match is None:
            return await self._denied(call, client, "function-unknown")
        engine = self._engine()
        question = await self._decisions.question(visit.at, at_us, match, live, asked.purpose)
        decision = engine.decide(question)
        withheld = self._decisions.withheld(live, match, decision, at_us)
        draft = decision_draft(call, question, decision, match, host=engine.host)
        if decision.permitted and decision.obligations.purpose is not None:
            draft.obligations += (f"{PURPOSE_GIVEN}:{asked.purpose}",)
        draft.obligations += (f"{ASKED_BY}:{client.id}",)
        if withheld:
            draft.outcome, draft.code = Outcome.DENY, withheld
        await self._record(draft)
        if withheld:
            return _deny(withheld)
        if decision.permitted:
            return {"decision": True}
        if decision.gate in {Gate.FUNCTION, Gate.AGREEMENT}:
            return _deny("function-unknown")
        reasons = engine.staff_reasons(question, decision)
        if not reasons:
            return _deny("not-permitted")
        return _deny(str(reasons[0].code), reasons[0].sentence)

    async def _denied(self, call: Visit, client: DecisionClient, code: str) -> dict[str, Any]:
        """Record and tell a denial that no decision stands behind."""
        draft = refusal_draft(call, Kind.ACCESS, code, 200)
        draft.obligations = (f"{ASKED_BY}:{client.id}",)
        await self._record(draft)
        return _deny(code)

    async def _refuse(
        self,
        visit: Visit,
        client: DecisionClient,
        status: int,
        message: str,
        *fields: tuple[bytes, bytes],
    ) -> None:
        draft = refusal_draft(visit, Kind.ACCESS, "decision-request", status)
        draft.obligations = (f"{ASKED_BY}:{client.id}",)
        await self._record(draft)
        self._answer(visit, status, {"error": message, "reference": visit.reference}, *fields)

    async def _record(self, draft: EntryDraft) -> None:
        await self._recorder.record_async(draft)
        if draft.outcome is Outcome.PERMIT:  # how it ends is not known here
            self._recorder.close_visit((draft.id.hex(), draft.at_us, 0, 0, 0, 0))

    def _answer(
        self, visit: Visit, status: int, told: dict[str, Any], *fields: tuple[bytes, bytes]
    ) -> None:
        more = (*visit.told_fields, *fields)
        body = orjson.dumps(told)
        visit.give(document(status, _JSON, body, reference=visit.reference, more=more))


def _deny(code: str, sentence: str = "") -> dict[str, Any]:
    context: dict[str, Any] = {"reason": code}
    if sentence:
        context["reason_user"] = {"en": sentence}
    return {"decision": False, "context": context}

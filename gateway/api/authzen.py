"""`/-/access/v1/`: other programs ask what the gate would decide (OpenID AuthZEN 1.0).

A program shows its token and asks about staff of the organisations it is listed for. The answer is
that of the same engine, about somebody who is signed in here now: their factors, and what the
register and their directory say of them, are those of their newest session. Each decision is in
the record before it is told. Nothing is let through by it: there is no Grant here.

1. A stranger is told nothing; a staff id of another organisation is one that nobody has.
2. What only the gate could see to is denied: obligations beyond the question, functions with
   transactions, a new sign-in that is due, requests whose body decides. Of the gate's own pages
   nothing is told, and zones are not known.
3. A reason is one that the person themselves would be told.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from gateway.api.decision_request import (
    Asked,
    Evaluation,
    RequestFault,
    Semantic,
    read_evaluation,
    read_evaluations,
    read_search,
)
from gateway.audit.entry import EntryDraft, Kind, Outcome, new_entry_id
from gateway.backoffice.canonical import TargetError
from gateway.drafts import PURPOSE_GIVEN, decision_draft, refusal_draft
from gateway.errors import NotCurrent
from gateway.function_finder import FunctionFinder
from gateway.refused import Refused
from gateway.wire.answers import document
from policies.catalogue import GATEWAY_SYSTEM, Action, Match, Operation
from policies.decision import Gate
from policies.question import Question
from policies.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from gateway.audit.recorder import Recorder
    from gateway.identity.owners import RecordOwners
    from gateway.identity.sessions.live_session import LiveSession
    from gateway.identity.sessions.presence import Presence
    from gateway.identity.sessions.session_cache import SessionCache
    from gateway.visit import Visit
    from policies.catalogue import Function
    from policies.decision import Decision
    from policies.engine import Engine

PREFIX: Final = "/-/access/v1/"
METADATA_PATH: Final = "/.well-known/authzen-configuration"
ASKED_BY: Final = "asked-by"
"""Stands before the id of the program that asked, among the obligations of an entry."""

BODY_BYTES: Final = 256 * 1024
_MINUTE_US: Final = 60_000_000
_JSON: Final = b"application/json"
_SHOWN_ID: Final = 128
_SEARCHES: Final = {"search/resource": "resource", "search/action": "action"}
_ENDPOINTS: Final = {
    "access_evaluation_endpoint": "evaluation",
    "access_evaluations_endpoint": "evaluations",
    "search_resource_endpoint": "search/resource",
    "search_action_endpoint": "search/action",
}


class Bulletin(Protocol):
    """Whether this worker knows every change that matters."""

    def is_current(self, now: float) -> bool:
        """Tell whether it was read lately and nothing was announced since."""

    def catch_up(self) -> bool:
        """Read what was announced (blocks)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionClient:
    """A program that may ask.

    Attributes:
        id: as the record names it.
        token_sha256: of its token, in hexadecimal digits.
        organisations: about whose staff it may ask.
        per_minute: how many decisions it may ask for.
    """

    id: str
    token_sha256: str
    organisations: frozenset[str]
    per_minute: int


class AuthZen:
    """Answers programs. One a worker, on its loop."""

    def __init__(
        self,
        clients: Collection[DecisionClient],
        *,
        origin: str,
        engine: Callable[[], Engine],
        sessions: SessionCache,
        presence: Presence,
        owners: RecordOwners,
        bulletin: Bulletin,
        recorder: Recorder,
        monotonic: Callable[[], float],
    ) -> None:
        """Hold the parts.

        Args:
            clients: who may ask.
            origin: ours.
            engine: gives the compiled policy set in force.
            sessions: who is signed in.
            presence: after which pause, or how long, a function asks for a new sign-in.
            owners: whose employee an employee number is.
            bulletin: whether this worker is up to date.
            recorder: makes decisions durable.
            monotonic: seconds that never go back.
        """
        # Looked up by a hash, so that the time it takes tells nothing of the token.
        self._clients = {each.token_sha256: each for each in clients}
        self._origin = origin
        self._engine = engine
        self._sessions = sessions
        self._presence = presence
        self._owners = owners
        self._bulletin = bulletin
        self._recorder = recorder
        self._monotonic = monotonic
        self._finder = FunctionFinder()
        self._spent: dict[str, tuple[int, int]] = {}  # since when, how many

    @property
    def takes_any(self) -> bool:
        """Whether any program may ask."""
        return bool(self._clients)

    def metadata(self) -> bytes:
        """Give the document that says where what is."""
        places = {name: f"{self._origin}{PREFIX}{path}" for name, path in _ENDPOINTS.items()}
        return orjson.dumps({"policy_decision_point": self._origin, **places})

    async def act(self, visit: Visit) -> None:
        """Answer one call; see `gateway.acts.OpenAct`.

        Raises:
            Refused: before anybody has proved who they are.
            NotCurrent: not every change that matters is known.
            RecordUnavailable: a decision could not be recorded, so it is not told.
        """
        head, target = visit.incoming.head, visit.target
        scheme, _, token = head.headers.get(b"authorization", b"").partition(b" ")
        client = self._clients.get(hashlib.sha256(token).hexdigest())
        if client is None or scheme.lower() != b"bearer" or target is None:
            raise Refused(401, "decision-client-unknown")
        try:
            told = await self._told(visit, client, target.path.removeprefix(PREFIX))
        except RequestFault as fault:
            await self._refuse(visit, client, 400, str(fault))
        except _Spent:
            await self._refuse(visit, client, 429, "too many decisions in this minute")
        else:
            self._answer(visit, 200, told)

    async def _told(self, visit: Visit, client: DecisionClient, path: str) -> dict[str, Any]:
        head = visit.incoming.head
        if head.method != "POST" or path not in _ENDPOINTS.values():
            raise RequestFault(f"the address: POST to one of those of {METADATA_PATH}")
        kind = head.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind != _JSON:
            raise RequestFault("Content-Type: write application/json")
        body = await visit.incoming.read_body(BODY_BYTES)
        if body is None:
            raise RequestFault(f"the body: write {BODY_BYTES} bytes at the most")
        loop = asyncio.get_running_loop()
        if not self._bulletin.is_current(self._monotonic()) and not await loop.run_in_executor(
            None, self._bulletin.catch_up
        ):
            raise NotCurrent("bulletin: not read lately")
        if path in _SEARCHES:
            return await self._search(visit, client, read_search(body, _SEARCHES[path]))
        read = read_evaluation if path == "evaluation" else read_evaluations
        return await self._evaluate(visit, client, read(body))

    async def _evaluate(self, visit: Visit, client: DecisionClient, asked: Asked) -> dict[str, Any]:
        self._spend(client, len(asked.evaluations), visit.at_us)
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

    async def _search(
        self, visit: Visit, client: DecisionClient, asked: Evaluation
    ) -> dict[str, Any]:
        """Try every function, or every action; what was found is recorded as one entry."""
        engine = self._engine()
        functions = engine.policy_set.catalogue.functions
        names = [asked.resource] if asked.resource else list(functions)
        tries = [
            replace(asked, resource=name, action=action)
            for name in names
            for action in ([asked.action] if asked.action else [Action.READ, Action.WRITE])
        ]
        self._spend(client, len(tries), visit.at_us)
        live = await self._signed_in(client, asked.staff_id, visit.at)
        found = []
        for each in tries if live is not None else []:
            match = _function_match(functions.get(each.resource), each)
            if match is not None and live is not None:
                question = await self._question(visit.at, visit.at_us, match, live, each)
                decision = engine.decide(question)
                if decision.permitted and not self._withheld(visit, live, match, decision):
                    found.append(each)
        searched = visit.about(live, visit.entry_id)
        draft = refusal_draft(searched, Kind.ACCESS, "decisions-searched", 200)
        draft.outcome, draft.op = Outcome.PERMIT, Operation.CONSULTATION
        draft.obligations = (f"{ASKED_BY}:{client.id}",)
        draft.detail = json.dumps({"asked": asked.staff_id, "found": len(found)})
        await self._record(draft)
        if asked.resource:
            return {"results": [{"name": each.action} for each in found]}
        return {"results": [{"type": "function", "id": each.resource} for each in found]}

    async def _signed_in(
        self, client: DecisionClient, staff_id: str, at: datetime
    ) -> LiveSession | None:
        """Find the newest session of somebody; nobody's where the client may not ask."""
        if staff_id.partition("/")[0] not in client.organisations:
            return None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, lambda: self._sessions.of_staff(staff_id, at=at))

    async def _decide(
        self, visit: Visit, client: DecisionClient, asked: Evaluation, live: LiveSession | None
    ) -> dict[str, Any]:
        """Decide and record one question; gives what is told."""
        at_us = visit.at_us
        call = visit.about(live, new_entry_id(at_us))
        try:
            match = self._match(asked)
        except TargetError as error:
            return await self._denied(call, client, error.code)
        if live is None:
            return await self._denied(call, client, "not-signed-in")
        if match is None:
            return await self._denied(call, client, "function-unknown")
        engine = self._engine()
        question = await self._question(visit.at, at_us, match, live, asked)
        decision = engine.decide(question)
        withheld = self._withheld(visit, live, match, decision) if decision.permitted else ""
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

    async def _question(
        self, at: datetime, at_us: int, match: Match, live: LiveSession, asked: Evaluation
    ) -> Question:
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
            purpose=asked.purpose,
            second_factor_age_us=None if shown_at_us is None else at_us - shown_at_us,
        )

    def _match(self, asked: Evaluation) -> Match | None:
        """Give what a question means; None for nothing, and for the gate's own pages.

        Raises:
            TargetError: a request with no single reading.
        """
        catalogue = self._engine().policy_set.catalogue
        if asked.kind == "function":
            return _function_match(catalogue.functions.get(asked.resource), asked)
        # Nothing in it is replaced: whoever asks sends it on as it is.
        raw = asked.resource.encode("utf-8", "surrogatepass")
        target, match, _ = self._finder.find(catalogue, asked.action, raw)
        if target.sent != raw:
            raise TargetError("target-not-canonical")
        return None if match is None or match.function.system == GATEWAY_SYSTEM else match

    def _withheld(self, visit: Visit, live: LiveSession, match: Match, decision: Decision) -> str:
        """Say what the gate would still ask for, which whoever asks cannot see to."""
        paged = match.transaction or match.function.transaction is not None
        if paged or live.under_review or decision.obligations.rates:
            return Reason.OBLIGATION_NOT_FULFILLED
        if decision.obligations.read_only and match.operation is not Operation.CONSULTATION:
            return Reason.READ_ONLY
        return self._presence.asked_again(live.session, match.function, visit.at_us)

    async def _denied(self, call: Visit, client: DecisionClient, code: str) -> dict[str, Any]:
        """Record and tell a denial that no decision stands behind."""
        draft = refusal_draft(call, Kind.ACCESS, code, 200)
        draft.obligations = (f"{ASKED_BY}:{client.id}",)
        await self._record(draft)
        return _deny(code)

    async def _refuse(
        self, visit: Visit, client: DecisionClient, status: int, message: str
    ) -> None:
        draft = refusal_draft(visit, Kind.ACCESS, "decision-request", status)
        draft.obligations = (f"{ASKED_BY}:{client.id}",)
        await self._record(draft)
        self._answer(visit, status, {"error": message, "reference": visit.reference})

    async def _record(self, draft: EntryDraft) -> None:
        await self._recorder.record_async(draft)
        if draft.outcome is Outcome.PERMIT:  # how it ends is not known here
            self._recorder.close_visit((draft.id.hex(), draft.at_us, 0, 0, 0, 0))

    def _answer(self, visit: Visit, status: int, told: dict[str, Any]) -> None:
        asked = visit.incoming.head.headers.get(b"x-request-id", b"")[:_SHOWN_ID]
        more = ((b"X-Request-ID", asked),) if asked else ()
        body = orjson.dumps(told)
        visit.give(document(status, _JSON, body, reference=visit.reference, more=more))

    def _spend(self, client: DecisionClient, count: int, at_us: int) -> None:
        """Count what a program asks for in a minute."""
        since, spent = self._spent.get(client.id, (at_us, 0))
        if not 0 <= at_us - since < _MINUTE_US:
            since, spent = at_us, 0
        if spent + count > client.per_minute:
            raise _Spent
        self._spent[client.id] = since, spent + count


class _Spent(Exception):  # noqa: N818 -- an outcome, not a fault
    """A program has asked for all it may in this minute."""


def _function_match(function: Function | None, asked: Evaluation) -> Match | None:
    """Give the match of a function that is named by its id; of the gate's own there is none."""
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


def _deny(code: str, sentence: str = "") -> dict[str, Any]:
    context: dict[str, Any] = {"reason": code}
    if sentence:
        context["reason_user"] = {"en": sentence}
    return {"decision": False, "context": context}

"""Searches for whom, for what, and for which actions the gate would permit (OpenID AuthZEN 1.0).

What is found is what an evaluation of it would permit at this moment, so only who is signed in is
found. A page looks at so many candidates at most, whatever the limit that was asked for: it may
hold fewer results than that, and still have a next one. Each candidate counts as a decision of the
program's. Each page is recorded as one entry, with the people who were found among its personal
fields, before anything of it is told.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from gateway.api.asked_decisions import function_match
from gateway.api.decision_request import ACTIONS, RequestFault, Search, Wanted
from gateway.api.search_pages import PageTokenError
from gateway.audit.entry import Kind, Outcome
from gateway.backoffice.canonical import TargetError
from gateway.drafts import refusal_draft
from policies.catalogue import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.api.asked_decisions import AskedDecisions
    from gateway.api.decision_clients import DecisionClient, DecisionClients
    from gateway.api.decision_request import Evaluation
    from gateway.api.search_pages import SearchPages
    from gateway.audit.entry import EntryDraft
    from gateway.identity.sessions.live_session import LiveSession
    from gateway.identity.sessions.signed_in_staff import SignedInStaff
    from gateway.visit import Visit
    from policies.catalogue import Match
    from policies.engine import Engine

PEOPLE_A_PAGE: Final = 50
"""How many of those who are signed in a page looks at: some 80 ms of a thread."""

_FIRST: Final = " "
"""Comes before every id and name: where a page goes on that was asked for no results at all."""


class _Candidate(NamedTuple):
    """What is tried, and how it is told where it is permitted."""

    key: str
    told: dict[str, str]
    live: LiveSession
    match: Match | None


class DecisionSearch:
    """Searches. One a worker, on its loop."""

    def __init__(
        self,
        *,
        engine: Callable[[], Engine],
        decisions: AskedDecisions,
        staff: SignedInStaff,
        clients: DecisionClients,
        pages: SearchPages,
    ) -> None:
        """Hold the parts.

        Args:
            engine: gives the compiled policy set in force.
            decisions: says what would be decided.
            staff: who is signed in.
            clients: counts what programs ask.
            pages: the tokens of pages.
        """
        self._engine = engine
        self._decisions = decisions
        self._staff = staff
        self._clients = clients
        self._pages = pages

    async def find(
        self, visit: Visit, client: DecisionClient, search: Search, live: LiveSession | None
    ) -> tuple[EntryDraft, dict[str, Any]]:
        """Search.

        Args:
            visit: the call.
            client: who asks.
            search: what for.
            live: the session of whom it is about; None where they are not signed in, or are what
                is searched for.

        Returns:
            Its entry, which is to be durable before the rest is told, and the answer.

        Raises:
            RequestFault: the token is not one of this search.
            SpentError: the program has asked for all it may.
            StoreUnavailable: the database does not answer.
        """
        asked = orjson.dumps([client.id, search.wanted, search.question, search.limit])
        try:
            after = self._pages.open(search.token, asked) if search.token else ""
        except PageTokenError as error:
            raise RequestFault(
                "page.token: write the next_token of this very search, or leave it out"
            ) from error
        engine, question = self._engine(), search.question
        match = None if search.wanted is Wanted.RESOURCE else self._match(engine, question)
        candidates: Sequence[_Candidate] = ()
        goes_on_after = after or _FIRST
        if search.limit != 0:
            if search.wanted is Wanted.SUBJECT:
                told = self._people(visit, client, question, match, after)
                candidates, goes_on_after = await told
            else:
                candidates, goes_on_after = _of_person(engine, search, live, after), ""
        self._clients.spend(client, max(1, len(candidates)), visit.at_us)
        results = []
        for each in candidates:
            if await self._permits(engine, visit, question, each):
                results.append(each.told)
                if len(results) == search.limit and each is not candidates[-1]:
                    goes_on_after = each.key
                    break
        draft = _draft(visit.about(live, visit.entry_id), match, search, results, len(candidates))
        token = self._pages.seal(goes_on_after, asked) if goes_on_after else ""
        page = {"next_token": token, "count": len(results)}
        return draft, {"page": page, "results": results}

    def _match(self, engine: Engine, question: Evaluation) -> Match | None:
        """Give what is asked for; what has no single reading is permitted to nobody."""
        try:
            return self._decisions.match(engine.policy_set.catalogue, question)
        except TargetError:
            return None

    async def _people(
        self,
        visit: Visit,
        client: DecisionClient,
        question: Evaluation,
        match: Match | None,
        after: str,
    ) -> tuple[Sequence[_Candidate], str]:
        """Give the next of those who are signed in, and after whom others come."""
        if match is None:
            return (), ""
        most = min(PEOPLE_A_PAGE, max(1, self._clients.left(client, visit.at_us)))
        people, goes_on_after = await asyncio.get_running_loop().run_in_executor(
            None, lambda: self._staff.portion(client.organisations, after, most=most, at=visit.at)
        )
        candidates = [
            _Candidate(
                key=live.staff.staff_id,
                told={"type": question.subject_type, "id": live.staff.staff_id},
                live=live,
                match=match,
            )
            for live in people
        ]
        return candidates, goes_on_after

    async def _permits(
        self, engine: Engine, visit: Visit, asked: Evaluation, each: _Candidate
    ) -> bool:
        """Tell whether an evaluation would be a permit."""
        live, match = each.live, each.match
        if match is None:
            return False
        question = await self._decisions.question(visit.at, visit.at_us, match, live, asked.purpose)
        decision = engine.decide(question)
        withheld = self._decisions.withheld(live, match, decision, visit.at_us)
        return decision.permitted and not withheld


def _of_person(
    engine: Engine, search: Search, live: LiveSession | None, after: str
) -> Sequence[_Candidate]:
    """Give every function that is left, or every action, for one person."""
    if live is None:
        return ()
    asked, catalogue = search.question, engine.policy_set.catalogue
    if search.wanted is Wanted.RESOURCE:
        tries = {
            each: ({"type": asked.kind, "id": each}, replace(asked, resource=each))
            for each in sorted(catalogue.functions)
        }
    else:
        tries = {
            each: ({"name": each}, replace(asked, action=each)) for each in ACTIONS[asked.kind]
        }
    return [
        _Candidate(name, told, live, function_match(catalogue, each))
        for name, (told, each) in tries.items()
        if name > after
    ]


def _draft(
    visit: Visit,
    match: Match | None,
    search: Search,
    results: Sequence[dict[str, str]],
    looked_at: int,
) -> EntryDraft:
    """Draft the entry: what was searched for, and whom or how many it found."""
    draft = refusal_draft(visit, Kind.ACCESS, "decisions-searched", 200)
    draft.outcome, draft.op = Outcome.PERMIT, Operation.CONSULTATION
    if match is not None:
        draft.function, draft.system = match.function.id, match.function.system
        draft.regime = match.function.regime
        draft.classification = match.function.classification
    if search.wanted is Wanted.SUBJECT:
        detail = {"looked_at": looked_at, "found": [each["id"] for each in results]}
    else:
        detail = {"asked": search.question.staff_id, "found": len(results)}
    draft.detail = json.dumps(detail)
    return draft

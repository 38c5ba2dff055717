"""A gate that programs may ask for decisions, and what they write."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from gateway.api.asked_decisions import AskedDecisions
from gateway.api.authzen import ENDPOINTS, PREFIX, AuthZen
from gateway.api.decision_clients import DecisionClient, DecisionClients
from gateway.api.decision_search import DecisionSearch
from gateway.api.search_pages import SearchPages
from gateway.identity.sessions.presence import Presence, PresenceLimit
from gateway.identity.sessions.signed_in_staff import SignedInStaff
from gateway.keys import KeyRing
from tests.gateway.pages.world import World
from tests.gateway.stand import Stand, stand, status_of

TOKEN = "a-token-of-a-program"
OTHER_TOKEN = "a-token-of-another-program"
ALICE = "cheshire-fire/id-alice"
JSON = "Content-Type: application/json\r\n"
PER_MINUTE = 500


def client(name: str, token: str) -> DecisionClient:
    """List a program that may ask about the fire service."""
    return DecisionClient(
        id=name,
        token_sha256=hashlib.sha256(token.encode()).hexdigest(),
        organisations=frozenset({"cheshire-fire"}),
        per_minute=PER_MINUTE,
    )


@contextlib.asynccontextmanager
async def asked_stand(
    folder: Path, world: World, keys: KeyRing, *limits: PresenceLimit
) -> AsyncIterator[Stand]:
    """Open a gate that two programs may ask."""
    async with stand(folder, world, keys) as made:
        clients = DecisionClients([client("rota", TOKEN), client("stores", OTHER_TOKEN)])
        decisions = AskedDecisions(made.front._pipeline._owners, Presence(limits))
        staff = SignedInStaff(made.parts.store, made.parts.cache)
        engine: Any = lambda: made.engine  # noqa: E731  # all that is asked of it
        point = AuthZen(
            clients,
            origin="http://gate",
            engine=engine,
            decisions=decisions,
            search=DecisionSearch(
                engine=engine,
                decisions=decisions,
                staff=staff,
                clients=clients,
                pages=SearchPages(bytes(32)),
            ),
            staff=staff,
            bulletin=made.parts.reader,
            recorder=made.recorder,
            monotonic=made.parts.reader._monotonic,
        )
        for path in (*ENDPOINTS.values(), "other"):
            made.open_acts[PREFIX + path] = point.act
        yield made


def about(
    resource: str = "pay.slip", action: str = "read", *, who: str = ALICE, **more: Any
) -> dict[str, Any]:
    """Write a question."""
    kind = "request" if resource.startswith("/") else "function"
    return {
        "subject": {"type": "staff", "id": who},
        "resource": {"type": kind, "id": resource},
        "action": {"name": action},
        **more,
    }


async def told(
    gate: Stand, said: object, path: str = "evaluation", *, token: str = TOKEN, more: str = JSON
) -> tuple[int, Any]:
    """Ask; gives the status and the answer."""
    body = said if isinstance(said, str) else json.dumps(said)
    fields = f"Authorization: Bearer {token}\r\n{more}"
    answer = await gate.ask(PREFIX + path, method="POST", more=fields, body=body, accept="*/*")
    return status_of(answer), json.loads(answer.partition(b"\r\n\r\n")[2])

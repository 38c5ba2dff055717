"""What is open without a session, and nothing else: the list that the structure test holds.

Sign-in and its callbacks, sign-out, public keys, health, the description of what programs may call,
static files, notices. Everything else is in the catalogue and passes the gate.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import orjson

from gateway.api.authzen import METADATA_PATH
from gateway.api.authzen import PREFIX as DECISIONS
from gateway.api.feed_push import PREFIX
from gateway.api.health import HEALTH_PATH, READY_PATH, Readiness, health
from gateway.api.keys import JWKS_PATH, jwks_answer
from gateway.front.sign_on import SIGN_ON_PREFIX
from gateway.openapi.document import openapi_document
from gateway.openapi.documents import OPENAPI_PATH
from gateway.refused import Refused
from gateway.wire.answers import Answer, document, give

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateway.acts import OpenAct
    from gateway.api.authzen import AuthZen
    from gateway.api.feed_push import FeedPush
    from gateway.audit.recorder import Recorder
    from gateway.backoffice.upstream import Upstream
    from gateway.bulletin import BulletinReader
    from gateway.front.pages_bridge import PageResult, PagesBridge
    from gateway.front.policy_in_force import PolicyInForce
    from gateway.visit import Visit

OPEN_PAGES: Final = frozenset(
    {
        "/-/sign-in",
        "/-/find-organisation",
        "/-/sign-in/second-step",
        "/-/sign-in/add-app",
        "/-/sign-in/add-key",
        "/-/sign-out",
        "/-/break-glass",
        "/-/accessibility",
        "/-/cookies",
    }
)
OPEN_PAGE_PREFIXES: Final = ("/-/static/", "/-/sign-in/", "/-/oidc/")
OPEN_DOCUMENTS: Final = frozenset({HEALTH_PATH, READY_PATH, JWKS_PATH, OPENAPI_PATH})
_READING: Final = frozenset({"GET", "HEAD"})


def is_called_by_machines(path: str) -> bool:
    """Tell whether servers ask for a path: they send no `Origin`, and read no pages.

    What providers and vetting units post is signed, a program that asks for decisions shows a
    token; no cookie is looked at for it, nor for the documents.
    """
    back_channel = path.startswith("/-/oidc/") and path.endswith("/back-channel")
    of_documents = path in OPEN_DOCUMENTS or path == METADATA_PATH
    return back_channel or of_documents or path.startswith((PREFIX, DECISIONS))


def readiness_of(
    recorder: Recorder,
    bulletin: BulletinReader,
    policy: PolicyInForce,
    upstreams: Sequence[Upstream] = (),
) -> Readiness:
    """Name what must be working before anything is permitted, what is withheld, and who is away."""
    return Readiness(
        parts={
            "record": lambda: recorder.state,
            "bulletin": lambda: "ok" if bulletin.has_read_lately(time.monotonic()) else "stale",
        },
        withheld=lambda: policy.withheld,
        systems=lambda: {each.id: each.state for each in upstreams},
    )


class OpenRoutes:
    """Finds the act of an open route. One a worker."""

    def __init__(
        self,
        pages: PagesBridge,
        readiness: Readiness,
        jwks: Callable[[], Mapping[str, object]],
        feeds: FeedPush,
        decisions: AuthZen,
        give_ticket: OpenAct | None = None,
    ) -> None:
        """Hold what the open routes need.

        Args:
            pages: the Flask pages.
            readiness: asks the parts that must be working.
            jwks: gives the public keys of the assertion.
            feeds: takes exports of vetting units.
            decisions: tells other programs what would be decided.
            give_ticket: leads to systems' own hosts; None where there is none.
        """
        self._give_ticket = give_ticket
        self._feeds = feeds
        self._decisions = decisions
        self._pages = pages
        self._documents: dict[str, Callable[[], Answer]] = {
            HEALTH_PATH: health,
            READY_PATH: readiness.answer,
            JWKS_PATH: lambda: jwks_answer(jwks()),
        }
        # The same for every gateway: whoever reads it learns nothing of this one.
        openapi = document(200, b"application/json", orjson.dumps(openapi_document()))
        self._documents[OPENAPI_PATH] = lambda: openapi
        if decisions.takes_any:
            where = document(200, b"application/json", decisions.metadata())
            self._documents[METADATA_PATH] = lambda: where

    def find(self, path: str) -> OpenAct | None:
        """Give the act for a canonical path; None where the path is not open."""
        if path in OPEN_PAGES or path.startswith(OPEN_PAGE_PREFIXES):
            return self._page
        if path.startswith(PREFIX) and self._feeds.takes_any:
            return self._feeds.act
        if path.startswith(DECISIONS) and self._decisions.takes_any:
            return self._decisions.act
        if path.startswith(SIGN_ON_PREFIX) and self._give_ticket is not None:
            return self._give_ticket
        give_document = self._documents.get(path)
        if give_document is None:
            return None

        async def act(visit: Visit) -> None:
            if visit.method not in _READING:
                visit.told_fields = ((b"Allow", b"GET, HEAD"),)
                raise Refused(405, "document-method")
            give(give_document(), visit.incoming, visit.client)

        return act

    async def _page(self, visit: Visit) -> PageResult:
        return await self._pages.act(visit, None)

"""Whose second factors something is about."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.identity.sessions.live_session import LiveSession
from gateway.identity.signing_in.stages import Stage
from gateway.identity.staff import Staff


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose second factors a page is about: somebody with a session, or in the midst of sign-in.

    Attributes:
        staff: who.
        binding: hash of the session or of the stage; ceremonies are bound to it.
        live: the session, if there is one.
        stage: the stage, if there is none.
    """

    staff: Staff
    binding: str
    live: LiveSession | None = None
    stage: Stage | None = None

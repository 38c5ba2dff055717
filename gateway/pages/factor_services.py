"""What the pages of second factors are given: their neighbours' contracts, as the pages use them.

`gateway.front.factor_desk` and `gateway.front.factor_office` keep them; tests give doubles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from gateway.identity.factors.factor_notices import Notice, Unseen
    from gateway.identity.factors.factor_reset import Reset
    from gateway.identity.factors.factor_rows import Standing
    from gateway.identity.factors.kept_forms import KeptForm
    from gateway.identity.signing_in.factor_holder import Holder
    from gateway.identity.staff import Staff
    from gateway.pages.page_services import LiveSession, OpenVisit


class FactorDesk(Protocol):
    """Somebody's own second factors. Called on a worker thread.

    What is not accepted raises `gateway.identity.factors.factors.FactorRefused`, and is recorded.
    """

    def holder(self, session: LiveSession) -> Holder:
        """Give the holder of a session."""

    def stage_holder(self, token: str, *, at: datetime) -> Holder | None:
        """Give the holder of a sign-in's stage; None where there is none any more."""

    def standing(self, holder: Holder) -> Standing:
        """Say what second factors somebody has."""

    def notices(self, holder: Holder, *, at: datetime, within: timedelta) -> tuple[Notice, ...]:
        """List what lately happened to their factors, the newest first."""

    def missing(self, holder: Holder, *, at: datetime) -> str:
        """Say what must come before a change: `second-factor`, `sign-in`, or nothing."""

    def begin_app(self, holder: Holder, *, at: datetime) -> tuple[str, str]:
        """Give the secret of an app being enrolled, and the address for its QR code."""

    def begin_key(self, holder: Holder, *, at: datetime) -> str:
        """Give what a browser asks a new key, as JSON."""

    def add_app(
        self, holder: Holder, *, name: str, code: str, visit: OpenVisit, replaces: str | None
    ) -> tuple[tuple[str, ...], str]:
        """Add the app; gives recovery codes with the first factor, and the session's new token."""

    def add_key(
        self, holder: Holder, *, name: str, answer: str, visit: OpenVisit, replaces: str | None
    ) -> tuple[tuple[str, ...], str]:
        """Add a security key or passkey; likewise."""

    def challenge_key(self, holder: Holder, *, at: datetime) -> str:
        """Give what a browser asks the person's keys; empty where they have none."""

    def prove_code(
        self, holder: Holder, code: str, *, visit: OpenVisit, replaces: str | None
    ) -> str:
        """Judge a code; gives the session's new token."""

    def prove_key(
        self, holder: Holder, answer: str, *, visit: OpenVisit, replaces: str | None
    ) -> str:
        """Judge a key's answer; gives the session's new token."""

    def new_codes(self, holder: Holder, *, visit: OpenVisit) -> tuple[str, ...]:
        """Make new recovery codes; the old ones are void."""

    def remove(self, holder: Holder, factor_id: str, *, visit: OpenVisit) -> bool:
        """Remove a factor; tells whether it was there."""

    def take_form(self, holder: Holder, *, at: datetime) -> KeptForm | None:
        """Give what had been filled in, once, and only after a fresh second factor."""

    def form_waits(self, holder: Holder, *, at: datetime) -> str | None:
        """Give the system at whose own host something waits to be sent; None where nothing does."""


class NoticeDesk(Protocol):
    """What happened to second factors and has not been seen yet. Called on a worker thread."""

    def unseen(self, session: LiveSession, *, at: datetime) -> Unseen:
        """Give it; to security officers, about their organisation's staff too."""

    def see(self, session: LiveSession, number: int) -> None:
        """Note that they have seen the notices up to one."""


class FactorOffice(Protocol):
    """What security officers do with the second factors of their organisation's staff.

    What may not be done raises `identity.factors.factor_reset.ResetRefused`, and is recorded.
    """

    def find(self, officer: LiveSession, text: str) -> tuple[tuple[Staff, Standing], ...]:
        """Find staff by name or number, with what they have."""

    def waiting(self, officer: LiveSession, *, at: datetime) -> tuple[Reset, ...]:
        """List the proposals that wait."""

    def notices(self, officer: LiveSession, *, at: datetime) -> tuple[Notice, ...]:
        """List what lately happened to second factors."""

    def propose(self, officer: LiveSession, staff_id: str, *, visit: OpenVisit) -> None:
        """Propose to reset somebody's factors."""

    def approve(self, officer: LiveSession, proposal_id: str, *, visit: OpenVisit) -> Reset:
        """Reset what another officer proposed, and end the person's sessions."""

    def drop(self, officer: LiveSession, proposal_id: str, *, visit: OpenVisit) -> Reset:
        """Take a proposal back."""


class PurposeDesk(Protocol):
    """Keeps what people said they need functions for. Called on a worker thread."""

    def keep(self, session_hash: str, function: str, *, code: str, text: str, at: datetime) -> None:
        """Keep a purpose for a session and a function, in the place of an earlier one."""

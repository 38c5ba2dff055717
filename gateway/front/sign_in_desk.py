"""Signing in and out for the pages: what identity does, made durable in the record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

import structlog

from gateway.audit.entry import EntryDraft, Kind, Outcome, Phase
from gateway.errors import (
    GatewayError,
    RecordUnavailable,
    SecondFactorOwed,
    SignInRefused,
)
from gateway.identity.sessions.live_session import LiveSession
from gateway.identity.signing_in.sign_in_refusal import refusal_code
from gateway.visit import Visit

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gateway.audit.recorder import Recorder
    from gateway.identity.factors.kept_forms import KeptForms
    from gateway.identity.sessions.sessions import Sessions
    from gateway.identity.signing_in.sign_in import SignedIn, SignIn
    from gateway.pages.page_services import LiveSession as PageSession
    from gateway.pages.page_services import OpenVisit
    from gateway.throttle import RefusalThrottle

Result = TypeVar("Result")

_log = structlog.get_logger("sign-in")


class RecordedSignIn:
    """Signs people in and out, and records it. Blocks; safe to use from several threads."""

    def __init__(
        self,
        *,
        sign_in: SignIn,
        sessions: Sessions,
        recorder: Recorder,
        throttle: RefusalThrottle,
        clock: Callable[[], datetime],
        forms: KeptForms | None = None,
    ) -> None:
        """Hold what is needed.

        Args:
            sign_in: the steps.
            sessions: ends sessions.
            recorder: makes it durable.
            throttle: keeps strangers from filling the record.
            clock: the present instant.
            forms: what waits for a second factor, which follows whoever signs in again.
        """
        self._forms = forms
        self._sign_in = sign_in
        self._sessions = sessions
        self._recorder = recorder
        self._throttle = throttle
        self._clock = clock

    def sign_in(
        self,
        *,
        organisation: str,
        username: str,
        password: str,
        visit: OpenVisit,
        replaces: str | None,
    ) -> str:
        """Sign somebody in; see `gateway.pages.page_services.SignInDesk`."""
        ours = our_visit(visit)
        signed_in = self.recorded(
            ours,
            organisation,
            username,
            lambda record: self._sign_in.attempt(
                organisation=organisation,
                username=username,
                password=password,
                source_ip=ours.ip,
                at=ours.at,
                agent=ours.agent,
                replaces=replaces,
                record=record,
            ),
        )
        if replaces and self._forms is not None:
            self._forms.carry(replaces, signed_in.session)
        return signed_in.token

    def recorded(
        self,
        visit: Visit,
        organisation: str,
        username: str,
        act: Callable[[Callable[[SignedIn], None]], Result],
    ) -> Result:
        """Do a part of a sign-in of any kind; what comes of it is recorded.

        Args:
            visit: the visit of this request.
            organisation: of whom it is said to be; any text.
            username: as typed, or empty where nobody types one.
            act: the part. It is given what makes a sign-in durable; what it raises is recorded as a
                refusal, a stranger's within limits.

        Raises:
            GatewayError: whatever `act` raises.
            RecordUnavailable: it could not be recorded.
        """

        def record(signed_in: SignedIn) -> None:
            draft = self._draft(visit, Kind.SIGNIN, Outcome.PERMIT)
            name_signed_in(draft, signed_in, self._clock())
            self._recorder.record_and_wait(draft)

        try:
            return act(record)
        except RecordUnavailable:
            raise
        except SecondFactorOwed as owed:
            self._record_owed(visit, organisation, owed)
            raise
        except GatewayError as error:
            self._record_refusal(visit, organisation, username, error)
            raise

    def sign_out(self, *, session: PageSession, visit: OpenVisit) -> None:
        """End a session; see `gateway.pages.page_services.SignInDesk`."""
        if not isinstance(session, LiveSession):
            raise TypeError("sign-out: a session that is none of ours")
        draft = self._draft(our_visit(visit), Kind.SIGNOUT, Outcome.PERMIT)
        draft.phase = Phase.RESULT
        draft.organisation = session.staff.organisation
        draft.staff_id = session.staff.staff_id
        draft.actor_name = session.staff.address
        draft.session = session.session.hash.encode("ascii")
        # Ending access needs no record to be allowed: it only tightens.
        self._sessions.end(session.session.hash, at=self._clock())
        try:
            self._recorder.record_and_wait(draft)
        except RecordUnavailable:
            _log.error("sign-out not recorded", reference=draft.reference)

    def _record_owed(self, visit: Visit, organisation: str, owed: SecondFactorOwed) -> None:
        """Record that the password was right and nobody is signed in yet."""
        draft = self._draft(visit, Kind.SIGNIN, Outcome.DENY)
        draft.code = "second-factor-owed"
        draft.organisation, draft.staff_id = organisation, owed.staff_id
        draft.actor_name = owed.address
        self._recorder.record_and_wait(draft)

    def _record_refusal(
        self, visit: Visit, organisation: str, username: str, error: GatewayError
    ) -> None:
        """Record who was refused and why; a stranger's failures within limits."""
        code = refusal_code(error)
        _log.info(
            "sign-in refused", organisation=organisation, code=code, reference=visit.reference
        )
        if not self._throttle.admit(visit.ip, code, visit.at_us):
            return
        outcome = Outcome.DENY if isinstance(error, SignInRefused) else Outcome.ERROR
        draft = self._draft(visit, Kind.SIGNIN, outcome)
        draft.code = code
        draft.organisation = organisation
        spelt = getattr(error, "username", "") or username.strip().casefold()[:256]
        # Before a provider has said who it is, nobody is named.
        draft.actor_name = f"{spelt}@{organisation}" if spelt else ""
        self._recorder.record_and_wait(draft)

    def _draft(self, visit: Visit, kind: Kind, outcome: Outcome) -> EntryDraft:
        return EntryDraft(
            kind=kind,
            at_us=visit.at_us,
            outcome=outcome,
            reference=visit.reference,
            ip=visit.ip,
            agent=visit.agent,
        )


def name_signed_in(draft: EntryDraft, signed_in: SignedIn, at: datetime) -> None:
    """Say in an entry who has signed in, with what they hold."""
    subject = signed_in.subject
    draft.organisation = subject.organisation
    draft.staff_id = subject.staff_id
    draft.actor_name = signed_in.staff.address
    draft.roles = " ".join(sorted(subject.appointments))
    draft.vetting = " ".join(grant.level for grant in subject.clearance.held(at=at))
    draft.session = signed_in.session.hash.encode("ascii")
    draft.auth = ",".join(sorted(signed_in.session.factors))
    if signed_in.session.displaced:
        draft.detail = json.dumps({"older_sessions_ended": signed_in.session.displaced})


def our_visit(visit: OpenVisit) -> Visit:
    """Narrow what the pages hand back: they know a visit by its reference only."""
    if not isinstance(visit, Visit):
        raise TypeError("sign-in: a visit that is none of ours")
    return visit

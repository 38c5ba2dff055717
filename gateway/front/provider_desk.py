"""Signing in and out through OpenID providers for the pages, made durable in the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import structlog

from gateway.audit.entry import EntryDraft, Kind, Outcome, Phase, new_reference
from gateway.errors import GatewayError, RecordUnavailable
from gateway.front.sign_in_desk import our_visit
from gateway.identity.providers.token_checks import TokenRefused
from gateway.identity.sessions.live_session import LiveSession

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateway.audit.recorder import Recorder
    from gateway.front.sign_in_desk import RecordedSignIn
    from gateway.identity.providers.oidc_directory import SignOutForm
    from gateway.identity.providers.provider_sessions import EndedSession
    from gateway.identity.providers.provider_sign_in import ProviderSignIn
    from gateway.pages.page_services import LiveSession as PageSession
    from gateway.pages.page_services import OpenVisit
    from gateway.throttle import RefusalThrottle
    from gateway.visit import Visit

Result = TypeVar("Result")

LOGOUT_REFUSED = "logout-token-refused"

_log = structlog.get_logger("provider")


class RecordedProviders:
    """The providers of all organisations. Blocks; safe to use from several threads."""

    def __init__(
        self,
        *,
        providers: ProviderSignIn,
        desk: RecordedSignIn,
        recorder: Recorder,
        throttle: RefusalThrottle,
        wall_us: Callable[[], int],
    ) -> None:
        """Hold what is needed.

        Args:
            providers: the steps.
            desk: records sign-ins of every kind.
            recorder: makes what a provider ends durable.
            throttle: keeps strangers from filling the record.
            wall_us: microseconds since 1970 UTC.
        """
        self._providers = providers
        self._desk = desk
        self._recorder = recorder
        self._throttle = throttle
        self._wall_us = wall_us

    def organisation_of(self, directory: str) -> str | None:
        """Give whose provider it is; see `gateway.pages.provider_services.ProviderDesk`."""
        return self._providers.organisation_of(directory)

    def begin(self, directory: str, *, browser: str, next_path: str, visit: OpenVisit) -> str:
        """Begin a sign-in; see `gateway.pages.provider_services.ProviderDesk`."""
        ours = our_visit(visit)
        return self._recorded(
            ours,
            directory,
            lambda _: self._providers.begin(
                directory, browser=browser, next_path=next_path, source=ours.ip, at=ours.at
            ),
        )

    def finish(
        self,
        directory: str,
        answer: Mapping[str, Sequence[str]],
        *,
        browser: str,
        visit: OpenVisit,
        replaces: str | None,
    ) -> tuple[str, str]:
        """Finish a sign-in; see `gateway.pages.provider_services.ProviderDesk`."""
        ours = our_visit(visit)
        arrival = self._recorded(
            ours,
            directory,
            lambda record: self._providers.finish(
                directory,
                answer,
                browser=browser,
                source=ours.ip,
                agent=ours.agent,
                at=ours.at,
                replaces=replaces,
                record=record,
            ),
        )
        return arrival.signed_in.token, arrival.next_path

    def sign_out_form(self, session: PageSession) -> SignOutForm | None:
        """Give the form that signs out there; see `gateway.pages.provider_services`."""
        if not isinstance(session, LiveSession):
            raise TypeError("sign-out: a session that is none of ours")
        own = session.session
        return self._providers.sign_out_form(own.directory, own.hash)

    def back_channel(self, directory: str, token: str, *, visit: OpenVisit) -> bool:
        """End what a provider says is over; see `gateway.pages.provider_services.ProviderDesk`."""
        ours = our_visit(visit)
        try:
            ended = self._providers.back_channel(directory, token, ours.at)
        except TokenRefused as error:
            _log.warning(
                "logout token refused",
                directory=directory[:80],
                detail=str(error),
                reference=ours.reference,
            )
            self._record_refusal(ours, directory)
            return False
        for each in ended:
            self._record_end(ours, each)
        return True

    def _recorded(self, visit: Visit, directory: str, act: Callable[..., Result]) -> Result:
        organisation = self._providers.organisation_of(directory) or directory[:40]
        try:
            return self._desk.recorded(visit, organisation, "", act)
        except GatewayError as error:
            # What a token or a provider lacked, for operators; it quotes nothing of either.
            if isinstance(error.__cause__, GatewayError):
                _log.warning(
                    "provider sign-in refused",
                    directory=directory[:80],
                    detail=type(error.__cause__).__name__
                    if not isinstance(error.__cause__, TokenRefused)
                    else str(error.__cause__),
                    reference=visit.reference,
                )
            raise

    def _record_end(self, visit: Visit, ended: EndedSession) -> None:
        """Record a session that a provider ended; ending needs no record, it only tightens."""
        at_us = self._wall_us()
        draft = EntryDraft(
            kind=Kind.SIGNOUT,
            at_us=at_us,
            outcome=Outcome.PERMIT,
            reference=new_reference(at_us),
            ip=visit.ip,
            code="provider-signed-out",
        )
        draft.phase = Phase.RESULT
        draft.session = ended.hash.encode("ascii")
        if ended.staff is not None:
            draft.organisation = ended.staff.organisation
            draft.staff_id = ended.staff.staff_id
            draft.actor_name = ended.staff.address
        try:
            self._recorder.record_and_wait(draft)
        except RecordUnavailable:
            _log.error("sign-out not recorded", reference=draft.reference)

    def _record_refusal(self, visit: Visit, directory: str) -> None:
        if not self._throttle.admit(visit.ip, LOGOUT_REFUSED, visit.at_us):
            return
        self._recorder.record_and_wait(
            EntryDraft(
                kind=Kind.SIGNOUT,
                at_us=visit.at_us,
                outcome=Outcome.DENY,
                reference=visit.reference,
                ip=visit.ip,
                agent=visit.agent,
                code=LOGOUT_REFUSED,
                organisation=self._providers.organisation_of(directory) or "",
            )
        )

"""Signing in through an organisation's OpenID provider, step by step.

    begin    the browser is known by a cookie; a sign-in is noted; it is sent to the provider
    finish   1. the answer has one reading
             2. it belongs to a sign-in that this browser began at this provider, and to no other
             3. it comes from the provider that was asked (RFC 9207)
             4. it is a code, not a refusal
             5. the provider exchanges it, and every token holds
             6. from there on as every sign-in (`SignIn.admit`)

The provider has places of its own (`Bulkhead`): a silent one delays nobody else's staff.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from gateway.errors import DirectoryMisconfigured, DirectoryUnavailable, SecondFactorOwed
from gateway.identity.directories.bulkhead import Bulkhead
from gateway.identity.directories.directory import DirectoryBusy, EntryIncomplete
from gateway.identity.providers.oidc_directory import Identified, OidcDirectory, SignOutForm
from gateway.identity.providers.provider_claims import GroupsIncomplete
from gateway.identity.providers.provider_logins import Login, LoginOver, ProviderLogins
from gateway.identity.providers.provider_sessions import EndedSession, ProviderSessions
from gateway.identity.providers.token_checks import TokenRefused
from gateway.identity.sessions.session import SessionLimits
from gateway.identity.signing_in.attempts import TooManyAttempts
from gateway.identity.signing_in.sign_in import SignedIn, SignIn, Vouched
from gateway.identity.signing_in.sign_in_refusal import Refusal

Result = TypeVar("Result")

GRACE_SECONDS = 0.5
ANSWER_FIELDS = ("state", "code", "iss", "error")
AWAY = frozenset({"server_error", "temporarily_unavailable"})

Answer = Mapping[str, Sequence[str]]
"""The fields of an address a provider sent somebody back to, each with all its values."""


class _SaidToBeAway(Exception):  # noqa: N818  # named for what happened
    """A browser brought back that its provider is away.

    Anybody can write that into an address, so it is no silence of the provider itself: the bulkhead
    must not close on its word.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider, and what sign-ins may take of it."""

    directory: OidcDirectory
    bulkhead: Bulkhead
    linked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Somebody who has signed in, and where they were going."""

    signed_in: SignedIn
    next_path: str


class ProviderSignIn:
    """The providers of all organisations. Every method blocks; safe for several threads."""

    def __init__(
        self,
        *,
        providers: Mapping[str, Provider],
        logins: ProviderLogins,
        sessions: ProviderSessions,
        sign_in: SignIn,
    ) -> None:
        """Take what is needed; `providers` by the id of the directory."""
        self.providers = providers
        self._logins = logins
        self._sessions = sessions
        self._sign_in = sign_in

    def organisation_of(self, directory: str) -> str | None:
        """Give whose provider it is; None for an unknown one."""
        provider = self.providers.get(directory)
        return None if provider is None else provider.directory.settings.organisation

    def begin(
        self, directory: str, *, browser: str, next_path: str, source: str, at: datetime
    ) -> str:
        """Give the address of the provider to send a browser to.

        Raises:
            SignInRefused: always a `Refusal`.
            DirectoryUnavailable, DirectoryMisconfigured: the provider cannot be asked now.
            StoreError: the database cannot.
        """
        provider = self._provider(directory)
        try:
            secrets = self._logins.begin(
                directory, browser=browser, next_path=next_path, source=source, at=at
            )
        except TooManyAttempts as error:
            raise Refusal("too-many-attempts", tellable=True) from error
        return self._run(provider, lambda: provider.directory.authorization_url(secrets))

    def finish(
        self,
        directory: str,
        answer: Answer,
        *,
        browser: str,
        source: str,
        agent: str,
        at: datetime,
        replaces: str | None = None,
        record: Callable[[SignedIn], None] | None = None,
    ) -> Arrival:
        """Sign in whom a provider has sent back.

        Args:
            directory: the id of the provider, from the address it sent them to.
            answer: what it put into the address.
            browser: what the browser's cookie holds; any text.
            source: the address they came from.
            agent: what their browser calls itself.
            at: now.
            replaces: what the browser sent as session cookie; that session is ended.
            record: makes the sign-in durable, as in `SignIn.admit`.

        Raises:
            SignInRefused: always a `Refusal`.
            DirectoryUnavailable, DirectoryMisconfigured: the provider cannot be asked now.
            StoreError: the database cannot.
        """
        provider = self._provider(directory)
        settings = provider.directory.settings
        # 1.
        said = _single(answer)
        # 2.
        try:
            login = self._logins.finish(
                directory, state=said.get("state", ""), browser=browser, at=at
            )
        except LoginOver as error:
            raise Refusal("sign-in-over", tellable=True) from error
        # 3. to 5.
        try:
            identified = self._run(provider, lambda: _identify(provider, said, login, at))
        except _SaidToBeAway as error:
            message = f"provider: `{settings.issuer}` is said to be away"
            raise DirectoryUnavailable(message) from error
        # 6.
        vouched = Vouched(
            organisation=settings.organisation,
            directory=directory,
            person=identified.person,
            factors=identified.proof.factors,
            source=source,
            provider_session=identified.session,
            second_factor_at=identified.proof.second_factor_at,
            agent=agent,
            linked=provider.linked,
            limits=_limits(settings.session_seconds),
            id_token=identified.id_token,
            refresh_token=identified.refresh_token,
        )
        try:
            signed_in = self._sign_in.admit(vouched, at=at, replaces=replaces, record=record)
        except SecondFactorOwed as owed:
            owed.next_path = login.next_path
            raise
        return Arrival(signed_in=signed_in, next_path=login.next_path)

    def sign_out_form(self, directory: str, session_hash: str) -> SignOutForm | None:
        """Give the form that signs a person out at the provider of their session.

        None where the session is not a provider's, or the provider cannot be asked, or offers
        nothing of the kind. Drops what is kept for it.
        """
        provider = self.providers.get(directory)
        if provider is None:
            return None
        token = self._sessions.take(session_hash)
        try:
            return self._run(provider, lambda: provider.directory.sign_out_form(token))
        except (DirectoryUnavailable, DirectoryMisconfigured, Refusal):
            return None

    def back_channel(self, directory: str, token: str, at: datetime) -> tuple[EndedSession, ...]:
        """End what a provider says has ended.

        Raises:
            TokenRefused: the token does not hold, was taken before, or there is no such provider.
            DirectoryUnavailable, DirectoryMisconfigured, StoreError: not now; it may come again.
        """
        provider = self.providers.get(directory)
        if provider is None:
            raise TokenRefused("token: for a provider that is not known")
        settings = provider.directory.settings
        timeout = settings.budget_seconds + GRACE_SECONDS
        claims = provider.bulkhead.run(
            lambda: provider.directory.logout_claims(token, at), timeout_seconds=timeout
        )
        return self._sessions.end(settings, claims, at)

    def close(self) -> None:
        """Take no more sign-ins."""
        for provider in self.providers.values():
            provider.bulkhead.close()

    def _provider(self, directory: str) -> Provider:
        provider = self.providers.get(directory)
        if provider is None:
            raise Refusal("unknown-organisation", tellable=True)
        return provider

    def _run(self, provider: Provider, call: Callable[[], Result]) -> Result:
        timeout = provider.directory.settings.budget_seconds + GRACE_SECONDS
        try:
            return provider.bulkhead.run(call, timeout_seconds=timeout)
        except DirectoryBusy as error:
            raise Refusal("busy", tellable=True) from error
        except TokenRefused as error:
            raise Refusal("provider-answer-refused", tellable=True) from error
        except GroupsIncomplete as error:
            raise Refusal("groups-incomplete", tellable=True) from error
        except EntryIncomplete as error:
            raise Refusal("entry-incomplete", tellable=True) from error


def _limits(seconds: int | None) -> SessionLimits | None:
    if seconds is None:
        return None
    span = timedelta(seconds=seconds)
    return SessionLimits(idle=span, absolute=span)


def _identify(
    provider: Provider, said: Mapping[str, str], login: Login, at: datetime
) -> Identified:
    directory = provider.directory
    directory.check_issuer(said.get("iss"))
    error = said.get("error")
    if error in AWAY:
        raise _SaidToBeAway
    if error is not None:
        raise Refusal("provider-refused", tellable=True)
    code = said.get("code", "")
    if not code:
        raise Refusal("callback-malformed", tellable=True)
    return directory.identify(code, login.secrets, at)


def _single(answer: Answer) -> Mapping[str, str]:
    """Give the fields that matter; a second value of one would be a second reading."""
    if any(len(answer.get(name, ())) > 1 for name in ANSWER_FIELDS):
        raise Refusal("callback-malformed", tellable=True)
    return {name: answer[name][0] for name in ANSWER_FIELDS if answer.get(name)}

"""Asking a provider again whether people are still there, as `identity.sessions.recheck` does.

Each session has a refresh token of its own. The provider takes it as long as it vouches for that
sign-in: whoever was disabled, deleted or signed out there is refused, and that session ends. What
the provider says of the person with it is taken over, as at a sign-in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from gateway.identity.directories.bulkhead import Bulkhead
from gateway.identity.directories.directory import DirectoryPerson, PersonGone
from gateway.identity.providers.oidc_directory import AskedAgain, GrantOver, OidcDirectory
from gateway.identity.providers.provider_sessions import REASON, ProviderSessions
from gateway.identity.sessions.recheck import Ended
from gateway.identity.staff import staff_by_id, staff_identified
from gateway.store.engine import reading


class ProviderLookUp:
    """Looks people up at one provider, by the sessions they have. Blocks."""

    def __init__(
        self,
        engine: Engine,
        provider: OidcDirectory,
        sessions: ProviderSessions,
        clock: Callable[[], datetime],
        report: Callable[[Ended], None],
    ) -> None:
        """Take what is needed.

        Args:
            engine: the store.
            provider: to ask.
            sessions: holds the refresh tokens.
            clock: the present instant.
            report: is told of sessions that the provider's answer has ended.
        """
        self._engine = engine
        self._provider = provider
        self._sessions = sessions
        self._clock = clock
        self._report = report

    def look_up(self, directory_id: str, budget_seconds: float) -> DirectoryPerson | None:
        """Ask about somebody; see `gateway.identity.sessions.recheck.LooksUp`.

        Raises:
            PersonGone: for none of their sessions the provider vouches any more.
            EntryIncomplete, DirectoryUnavailable, DirectoryMisconfigured: as the provider's.
        """
        del budget_seconds  # the provider keeps its own
        settings = self._provider.settings
        with reading(self._engine) as connection:
            staff_id = staff_identified(
                connection, settings.organisation, settings.id, directory_id
            )
        at = self._clock()
        tokens = self._sessions.refresh_tokens(settings.id, staff_id or "", at=at)
        person, there = None, False
        for kept in tokens:
            said = None if kept.token is None else self._ask(kept.token, directory_id, at)
            if said is None:
                if self._sessions.end_over(kept.session_hash, at=at):
                    self._tell(staff_id or "", at)
                continue
            self._sessions.turn(kept, said.refresh_token)
            person, there = said.person or person, True
        if not there:
            raise PersonGone("provider: it does not vouch for them any more")
        return person

    def _tell(self, staff_id: str, at: datetime) -> None:
        with reading(self._engine) as connection:
            staff = staff_by_id(connection, staff_id)
        if staff is not None:
            self._report(Ended(staff=staff, code=REASON, count=1, at=at))

    def _ask(self, token: str, directory_id: str, at: datetime) -> AskedAgain | None:
        try:
            return self._provider.ask_again(token, directory_id, at)
        except GrantOver:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDoor:
    """A provider as the re-check meets it; see `gateway.identity.sessions.recheck.Asked`."""

    directory: ProviderLookUp
    bulkhead: Bulkhead
    budget_seconds: float

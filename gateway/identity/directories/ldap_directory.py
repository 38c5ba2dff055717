"""An organisation's directory that speaks LDAP: OpenLDAP and its like, or Active Directory.

A sign-in has one budget of time for everything: every server tried (`failover`), and at each the
connection that proves it (`directory_channel`; no password leaves before that) and what is said on
it (`ldap_conversation`). From one sign-in to the next, it is only remembered which servers failed
and which accounts were seen closed (`closures`).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from gateway.identity.directories.closures import Closures
from gateway.identity.directories.directory import (
    AccountClosed,
    AccountState,
    BeforeBind,
    DirectoryPerson,
    MalformedCredentials,
    PersonGone,
    ProbeReport,
    ProbeStep,
    UnknownPerson,
)
from gateway.identity.directories.directory_channel import Server, Trust
from gateway.identity.directories.failover import Failover
from gateway.identity.directories.ldap_conversation import Conversation
from gateway.identity.directories.ldap_link import linked
from gateway.identity.directories.ldap_probe import Trial, probe_server
from gateway.identity.directories.ldap_settings import LdapSettings
from gateway.identity.names import credentials_fault


class LdapDirectory:
    """An organisation's directory. Safe to use from several threads; keeps no connection."""

    def __init__(
        self,
        settings: LdapSettings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Check the settings; no server is asked yet.

        Args:
            settings: of the directory.
            monotonic: seconds that never go back.
            clock_ns: nanoseconds since 1970.

        Raises:
            DirectoryMisconfigured: if the authority's file cannot be used.
        """
        self._settings = settings
        servers = tuple(Server.from_uri(uri) for uri in settings.uris)
        self._failover = Failover(servers, monotonic=monotonic)
        self._trust = Trust(settings.ca_file, settings.crl_file)
        self._closures = Closures(servers)
        self._monotonic = monotonic
        self._clock_ns = clock_ns

    def authenticate(
        self,
        name: str,
        password: str,
        budget_seconds: float,
        *,
        before_bind: BeforeBind | None = None,
    ) -> DirectoryPerson:
        """Vouch for a person; see `gateway.identity.directories.directory.Directory`."""
        # What no directory is shown. An empty password would be an anonymous bind, which succeeds.
        fault = credentials_fault(name, password)
        if fault is not None:
            message = f"directory: {fault}"
            raise MalformedCredentials(message)
        return self._ask(
            budget_seconds,
            lambda talk: talk.sign_in(name, password, before_bind),
            known_password=True,
        )

    def look_up(self, directory_id: str, budget_seconds: float) -> DirectoryPerson:
        """Describe a person as they are now; see `identity.directories.directory.Directory`."""

        def ask(talk: Conversation) -> DirectoryPerson:
            try:
                return talk.look_up(directory_id)
            except PersonGone:
                self._note(directory_id, talk.link.server, AccountState.DISABLED)
                raise

        return self._ask(budget_seconds, ask, known_password=False)

    def look_up_name(self, name: str, budget_seconds: float) -> DirectoryPerson:
        """Describe a person by a name; see `gateway.identity.directories.directory.Directory`."""
        # The password is none: only the name goes to the directory, and is checked with it.
        fault = credentials_fault(name, "none")
        if fault is not None:
            message = f"directory: {fault}"
            raise UnknownPerson(message)
        return self._ask(budget_seconds, lambda talk: talk.look_up_name(name), known_password=False)

    def probe(self, budget_seconds: float) -> ProbeReport:
        """Try every server as far as that goes without a person's password; never raises."""
        steps: list[ProbeStep] = []
        self.try_servers(budget_seconds, steps.append)
        return ProbeReport(steps=tuple(steps))

    def try_servers(
        self, budget_seconds: float, tell: Callable[[ProbeStep], None], trial: Trial | None = None
    ) -> None:
        """Try every server; never raises.

        Args:
            budget_seconds: for each server.
            tell: given each step as it ends.
            trial: whom to sign in, at one server only, so that a wrong password counts once;
                without it, as far as that goes without a password.
        """
        judged: list[ProbeStep] = []

        def told(step: ProbeStep) -> None:
            judged.extend([step] if step.step == "password" else [])
            tell(step)

        for server in self._failover.servers:
            probe_server(
                self._settings,
                server,
                self._trust,
                deadline=self._monotonic() + budget_seconds,
                monotonic=self._monotonic,
                at_ns=self._clock_ns(),
                tell=told,
                trial=None if judged else trial,
            )

    def _ask(
        self,
        budget_seconds: float,
        question: Callable[[Conversation], DirectoryPerson],
        *,
        known_password: bool,
    ) -> DirectoryPerson:
        def ask(server: Server, deadline: float) -> DirectoryPerson:
            with linked(server, self._trust, deadline=deadline, monotonic=self._monotonic) as link:
                at_ns = self._clock_ns()
                talk = Conversation(settings=self._settings, link=link, at_ns=at_ns)
                try:
                    person = question(talk)
                except AccountClosed as closed:
                    self._note(closed.directory_id, server, closed.state)
                    raise
            self._demand_open(person, server, known_password=known_password)
            return person

        return self._failover.ask(budget_seconds, ask)

    def _note(self, directory_id: str, server: Server, state: AccountState) -> None:
        self._closures.note(directory_id, server, state, now=self._monotonic())

    def _demand_open(
        self, person: DirectoryPerson, server: Server, *, known_password: bool
    ) -> None:
        """Do not believe a server that has not heard yet what another one has said."""
        now = self._monotonic()
        state = self._closures.standing(person.directory_id, server, now=now)
        if state is not None:
            raise AccountClosed(
                f"directory: `{server.uri}` is behind, the account is {state}",
                state=state,
                known_password=known_password,
                username=person.username,
                directory_id=person.directory_id,
            )

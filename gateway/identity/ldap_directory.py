"""An organisation's directory that speaks LDAP: OpenLDAP and its like, or Active Directory.

A sign-in has one budget of time for everything: every server tried (`failover`), and at each the
connection that proves it (`directory_channel`; no password leaves before that) and what is said on
it (`ldap_conversation`). Nothing is kept from one sign-in to the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from gateway.identity.directory import (
    BeforeBind,
    DirectoryPerson,
    MalformedCredentials,
    ProbeReport,
    ProbeStep,
)
from gateway.identity.directory_channel import Server, Trust
from gateway.identity.failover import Failover
from gateway.identity.ldap_conversation import Conversation
from gateway.identity.ldap_link import linked
from gateway.identity.ldap_probe import Trial, probe_server
from gateway.identity.ldap_settings import LdapSettings
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
        """Vouch for a person; see `gateway.identity.directory.Directory`."""
        # What no directory is shown. An empty password would be an anonymous bind, which succeeds.
        fault = credentials_fault(name, password)
        if fault is not None:
            message = f"directory: {fault}"
            raise MalformedCredentials(message)
        return self._ask(budget_seconds, lambda talk: talk.sign_in(name, password, before_bind))

    def look_up(self, directory_id: str, budget_seconds: float) -> DirectoryPerson:
        """Describe a person as they are now; see `gateway.identity.directory.Directory`."""
        return self._ask(budget_seconds, lambda talk: talk.look_up(directory_id))

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
        self, budget_seconds: float, question: Callable[[Conversation], DirectoryPerson]
    ) -> DirectoryPerson:
        def ask(server: Server, deadline: float) -> DirectoryPerson:
            with linked(server, self._trust, deadline=deadline, monotonic=self._monotonic) as link:
                at_ns = self._clock_ns()
                return question(Conversation(settings=self._settings, link=link, at_ns=at_ns))

        return self._failover.ask(budget_seconds, ask)

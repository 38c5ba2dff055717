"""An organisation's LDAP directory: search, then bind as the person found.

This is the only module that imports ldap.

A sign-in has one budget of time for everything: every server tried, every step. The steps at a
server:

1. connect and prove it (`directory_channel`); no password leaves before that;
2. bind as the account to search with;
3. search for the name typed, escaped, below the base; exactly one entry, referrals skipped;
4. let the caller count, or object to a guesser (`before_bind`), known name or not;
5. bind as the entry found with the password typed; for a name that is not there, as an entry that
   does not exist, so that both take the same steps and the same time;
6. bind as the account to search with again, and look for those whose manager the person is.

Which server is asked, and what follows one that does not answer, is in `failover`.
"""

from __future__ import annotations

import contextlib
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import ldap
import ldap.filter
from ldap.controls import SimplePagedResultsControl
from ldap.ldapobject import SimpleLDAPObject

from gateway.errors import DirectoryMisconfigured, DirectoryUnavailable
from gateway.identity.directory import (
    BeforeBind,
    DirectoryPerson,
    EntryIncomplete,
    GuessingStopped,
    MalformedCredentials,
    PersonGone,
    ProbeReport,
    ProbeStep,
    UnknownPerson,
    WrongPassword,
)
from gateway.identity.directory_channel import Channel, Server, Trust
from gateway.identity.failover import Failover
from gateway.identity.ldap_settings import PLACE, LdapSettings, read_password
from gateway.identity.names import credentials_fault, is_plain

TEAM_PAGE = 200
TEAM_LIMIT = 1_000
"""The most people that may report to one person; beyond it the attribute does not mean a team."""

MAX_VALUES = 100
MAX_VALUE_CHARACTERS = 256

Entry = Mapping[str, list[bytes]]

# What a server answers when it has looked at the password and does not accept it.
_REFUSED = (
    ldap.INVALID_CREDENTIALS,
    ldap.INAPPROPRIATE_AUTH,  # the entry has no password at all
    ldap.NO_SUCH_OBJECT,
    ldap.INVALID_DN_SYNTAX,
    ldap.CONSTRAINT_VIOLATION,  # locked, in some directories
    ldap.UNWILLING_TO_PERFORM,
    ldap.INSUFFICIENT_ACCESS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """An entry that a name led to."""

    dn: str
    entry: Entry


class LdapDirectory:
    """An organisation's LDAP directory. Safe to use from several threads; keeps no connection."""

    def __init__(
        self, settings: LdapSettings, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Check the settings; no server is asked yet.

        Raises:
            DirectoryMisconfigured: if the authority's file cannot be used.
        """
        self._settings = settings
        servers = tuple(Server.from_uri(uri) for uri in settings.uris)
        self._failover = Failover(servers, monotonic=monotonic)
        self._trust = Trust(settings.ca_file)
        self._monotonic = monotonic

    def authenticate(
        self,
        name: str,
        password: str,
        budget_seconds: float,
        *,
        before_bind: BeforeBind | None = None,
    ) -> DirectoryPerson:
        """Vouch for a person; see `gateway.identity.directory.Directory`."""
        # 0. What no directory is shown. An empty password would be an anonymous bind, which
        #    succeeds.
        fault = credentials_fault(name, password)
        if fault is not None:
            message = f"directory: {fault}"
            raise MalformedCredentials(message)
        return self._ask(budget_seconds, lambda link: link.sign_in(name, password, before_bind))

    def look_up(self, directory_id: str, budget_seconds: float) -> DirectoryPerson:
        """Describe a person as they are now; see `gateway.identity.directory.Directory`."""
        return self._ask(budget_seconds, lambda link: link.look_up(directory_id))

    def _ask(
        self, budget_seconds: float, question: Callable[[_Link], DirectoryPerson]
    ) -> DirectoryPerson:
        def ask(server: Server, deadline: float) -> DirectoryPerson:
            with self._connected(server, deadline) as link:
                return question(link)

        return self._failover.ask(budget_seconds, ask)

    def probe(self, budget_seconds: float) -> ProbeReport:
        """Try every server as far as that goes without a person's password; never raises."""
        steps: list[ProbeStep] = []
        deadline = self._monotonic() + budget_seconds
        servers = self._failover.servers
        for index, server in enumerate(servers):
            share = self._failover.share(deadline, len(servers) - index)
            steps += self._probe(server, share)
        return ProbeReport(steps=tuple(steps))

    def _probe(self, server: Server, deadline: float) -> Iterator[ProbeStep]:
        step, started = "connect", self._monotonic()

        def finished(*, detail: str = "") -> ProbeStep:
            return ProbeStep(
                server=server.uri,
                step=step,
                passed=not detail,
                seconds=self._monotonic() - started,
                detail=detail,
            )

        try:
            with self._connected(server, deadline) as link:
                yield finished()
                for step, act in (("bind", link.bind_as_service), ("search", link.read_base)):  # noqa: B007  # `finished` names the step
                    started = self._monotonic()
                    act()
                    yield finished()
        except (DirectoryUnavailable, DirectoryMisconfigured) as error:
            yield finished(detail=str(error))

    @contextlib.contextmanager
    def _connected(self, server: Server, deadline: float) -> Iterator[_Link]:
        """Give a link to a proven server, and turn what the library raises into ours."""
        with Channel(server, self._trust, deadline=deadline, monotonic=self._monotonic) as channel:
            link = _Link(self._settings, server, channel)
            try:
                yield link
            except ldap.LDAPError as error:
                # What was not expected at its step: the server is no use now, nobody is let in.
                detail = type(error).__name__.lower().replace("_", " ")
                message = f"directory: `{server.uri}` failed: {detail}"
                raise DirectoryUnavailable(message) from error
            finally:
                link.close()


class _Link:
    """LDAP on a proven connection, for one sign-in."""

    def __init__(self, settings: LdapSettings, server: Server, channel: Channel) -> None:
        self._settings = settings
        self._server = server
        self._channel = channel
        # The address is for the library's messages only: it speaks on the descriptor it is given,
        # which is a socket pair inside this process.
        self._ldap = SimpleLDAPObject("ldap://channel", fileno=channel.client_end())
        self._ldap.set_option(ldap.OPT_PROTOCOL_VERSION, ldap.VERSION3)
        self._ldap.set_option(ldap.OPT_REFERRALS, ldap.OPT_OFF)
        self._ldap.set_option(ldap.OPT_DEREF, ldap.DEREF_NEVER)

    def close(self) -> None:
        """Let go of the connection."""
        with contextlib.suppress(ldap.LDAPError):
            self._ldap.unbind_ext_s()

    def sign_in(self, name: str, password: str, before_bind: BeforeBind | None) -> DirectoryPerson:
        """Search, bind, describe; see the head of this module."""
        self.bind_as_service()
        found = self._find(name)
        username = name if found is None else self._one(found.entry, "username") or name
        wanted = before_bind is None or before_bind(username, self._identity(found))
        if found is None or not wanted:
            # The same step as for a known name, so that time does not tell the two apart.
            self._accepts(f"cn={secrets.token_hex(8)},{self._settings.base}", password)
            if not wanted:
                message = "directory: the password was not to be tried"
                raise GuessingStopped(message)
            message = "directory: nobody of that name"
            raise UnknownPerson(message)
        if not self._accepts(found.dn, password):
            message = "directory: not that person's password"
            raise WrongPassword(message, username=username)
        # Only now: what an entry lacks is not told to somebody without its password.
        return self._with_team(self._describe(found.entry), found.dn)

    def _identity(self, found: _Found | None) -> str:
        """Give what stays the same whichever name led to an entry; empty if there is none."""
        if found is None:
            return ""
        return self._one(found.entry, "directory_id") or found.dn.casefold()

    def look_up(self, directory_id: str) -> DirectoryPerson:
        """Search by the immutable id, and describe."""
        self.bind_as_service()
        found = self._search(id_filter(self._settings.attributes["directory_id"], directory_id))
        if found is None:
            message = "directory: nobody with that id"
            raise PersonGone(message)
        return self._with_team(self._describe(found.entry), found.dn)

    def bind_as_service(self) -> None:
        """Bind as the account to search with, or as nobody if none is set."""
        dn, file = self._settings.bind_dn, self._settings.bind_password_file
        if dn is None or file is None:
            self._in_time().simple_bind_s("", "")  # anonymous, as set
            return
        password = read_password(file)
        try:
            self._in_time().simple_bind_s(dn, password)
        except _REFUSED as error:
            message = f"directory: `{self._server.uri}` refuses the account to search with"
            raise DirectoryMisconfigured(message) from error

    def read_base(self) -> None:
        """See whether the base can be read."""
        try:
            rows = self._in_time().search_ext_s(
                self._settings.base, ldap.SCOPE_BASE, attrlist=["1.1"]
            )
        except (ldap.NO_SUCH_OBJECT, ldap.INVALID_DN_SYNTAX, ldap.INSUFFICIENT_ACCESS) as error:
            message = "directory: the base cannot be read"
            raise DirectoryMisconfigured(message) from error
        if not rows:
            message = "directory: the base cannot be read"
            raise DirectoryMisconfigured(message)

    def _find(self, name: str) -> _Found | None:
        """Find the one entry of a name; none or several are nobody."""
        escaped = ldap.filter.escape_filter_chars(name)
        return self._search(self._settings.name_filter.replace(PLACE, escaped))

    def _search(self, wanted: str) -> _Found | None:
        names = [each for word, each in self._settings.attributes.items() if word != "manager"]
        try:
            rows = self._in_time().search_ext_s(
                self._settings.base, ldap.SCOPE_SUBTREE, wanted, names, sizelimit=10
            )
        except ldap.SIZELIMIT_EXCEEDED:
            return None  # many entries: surely not one
        except (ldap.NO_SUCH_OBJECT, ldap.INVALID_DN_SYNTAX, ldap.FILTER_ERROR) as error:
            message = "directory: the base or the name filter does not fit the directory"
            raise DirectoryMisconfigured(message) from error
        # A row without a DN is a referral to another server: nobody here is vouched for there.
        found = [_Found(dn=dn, entry=_lowered(entry)) for dn, entry in rows if dn]
        return found[0] if len(found) == 1 else None

    def _accepts(self, dn: str, password: str) -> bool:
        try:
            self._in_time().simple_bind_s(dn, password)
        except _REFUSED:
            return False
        return True

    def _describe(self, entry: Entry) -> DirectoryPerson:
        directory_id = self._one(entry, "directory_id")
        username = self._one(entry, "username")
        if not directory_id or not username:
            message = "directory: the entry lacks its id or its sign-in name"
            raise EntryIncomplete(message)
        return DirectoryPerson(
            directory_id=directory_id,
            username=username,
            name=self._first(entry, "name") or username,
            employee_number=self._one(entry, "employee_number"),
            posts=frozenset(self._values(entry, "post")),
            unit=self._one(entry, "unit"),
            mail=self._first(entry, "mail"),
        )

    def _with_team(self, person: DirectoryPerson, dn: str) -> DirectoryPerson:
        team: frozenset[str] | None = frozenset()
        if "manager" in self._settings.attributes:
            try:
                team = self._team(dn)
            except (ldap.LDAPError, DirectoryUnavailable, DirectoryMisconfigured):
                team = None  # part of a team is not a team
        return replace(person, team=team or frozenset(), team_complete=team is not None)

    def _team(self, dn: str) -> frozenset[str] | None:
        """Read who reports to an entry, page by page (RFC 2696); None if there are too many."""
        self.bind_as_service()
        manager = self._settings.attributes["manager"]
        number = self._settings.attributes["employee_number"]
        wanted = f"({manager}={ldap.filter.escape_filter_chars(dn)})"
        numbers: set[str] = set()
        # critical: a server that cannot page answers with an error, not with a part
        page = SimplePagedResultsControl(True, size=TEAM_PAGE, cookie="")
        while True:
            link = self._in_time()
            sent = link.search_ext(
                self._settings.base, ldap.SCOPE_SUBTREE, wanted, [number], serverctrls=[page]
            )
            _, rows, _, controls = link.result3(sent)
            for found, entry in rows:
                if found:
                    numbers.update(self._values(_lowered(entry), "employee_number"))
            cookies = [each.cookie for each in controls if isinstance(each, type(page))]
            if not cookies:
                return None  # the server did not page: whether that is all cannot be told
            if not cookies[0]:
                return frozenset(numbers)
            if len(numbers) >= TEAM_LIMIT:
                return None
            page.cookie = cookies[0]

    def _values(self, entry: Entry, word: str) -> list[str]:
        """Give the values of an attribute that are plain text of sane length, in their order."""
        name = self._settings.attributes.get(word, "")
        values = entry.get(name.lower(), [])
        if name.lower() == "objectguid":
            return [str(uuid.UUID(bytes_le=value)) for value in values if len(value) == 16]  # noqa: PLR2004
        texts = (value.decode("utf-8", "replace").strip() for value in values[:MAX_VALUES])
        return [
            text for text in texts if text and len(text) <= MAX_VALUE_CHARACTERS and is_plain(text)
        ]

    def _first(self, entry: Entry, word: str) -> str:
        return next(iter(self._values(entry, word)), "")

    def _one(self, entry: Entry, word: str) -> str:
        """Give the only value; of several, none can be taken for the true one."""
        values = self._values(entry, word)
        return values[0] if len(values) == 1 else ""

    def _in_time(self) -> SimpleLDAPObject:
        """Give the library's object with all the time that is left, and no more."""
        seconds = self._channel.remaining()
        self._ldap.set_option(ldap.OPT_NETWORK_TIMEOUT, seconds)
        self._ldap.set_option(ldap.OPT_TIMEOUT, seconds)
        self._ldap.timeout = seconds
        return self._ldap


def id_filter(attribute: str, directory_id: str) -> str:
    """Write the filter that finds an entry by its immutable id, binary in Active Directory."""
    if attribute.lower() != "objectguid":
        return f"({attribute}={ldap.filter.escape_filter_chars(directory_id)})"
    octets = uuid.UUID(directory_id).bytes_le
    values = "".join(f"\\{octet:02x}" for octet in octets)
    return f"({attribute}={values})"


def _lowered(entry: Entry) -> Entry:
    """Read attribute names without regard to case, as the directory does."""
    return {name.lower(): values for name, values in entry.items()}

"""What is said with one LDAP server to sign somebody in, or to see how they are now.

Where the gateway has an account to search with (or may search as nobody):

1. bind as it, and search for the name typed, escaped, below the base; exactly one entry;
2. let the caller count, or object to a guesser (`before_bind`), known name or not;
3. bind as the entry found with the password typed; for a name that is not there, as an entry that
   does not exist, so that both take the same steps and the same time;
4. read the account's state, which holds although the password was right;
5. bind as the account to search with again, and look for groups, and for those whose manager the
   person is.

Where people bind directly: 2, then the bind, then their own entry is read as themselves. It is
bound as once more by its DN, so that whoever is described is whoever gave the password. Groups and
team are read as the account to search with where there is one, else as the person too.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

from gateway.errors import DirectoryMisconfigured, DirectoryUnavailable
from gateway.identity.directories.directory import (
    AccountClosed,
    AccountState,
    BeforeBind,
    DirectoryPerson,
    GuessingStopped,
    PersonGone,
    UnknownPerson,
    WrongPassword,
)
from gateway.identity.directories.ldap_entry import EntryReader
from gateway.identity.directories.ldap_groups import posts_of
from gateway.identity.directories.ldap_link import Entry, Found, Judgement, Link
from gateway.identity.directories.ldap_settings import LdapSettings, read_password
from gateway.identity.directories.ldap_text import equals, equals_id
from gateway.identity.names import fold_name

TEAM_LIMIT = 1_000
"""The most people that may report to one person; beyond it the attribute does not mean a team."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One sign-in or look-up at one server.

    Attributes:
        settings: of the directory.
        link: to the server.
        at_ns: the instant, in nanoseconds since 1970.
        on_stage: told as each of `bind`, `search`, `password`, `mapping`, `groups`, `team` begins.
        on_person: told what is known of the person as each of the last three ends.
    """

    settings: LdapSettings
    link: Link
    at_ns: int
    on_stage: Callable[[str], None] = lambda _: None
    on_person: Callable[[DirectoryPerson], None] = lambda _: None

    def sign_in(self, name: str, password: str, before_bind: BeforeBind | None) -> DirectoryPerson:
        """Vouch for a person; see `identity.directories.directory.Directory.authenticate`."""
        ask = before_bind or (lambda _name, _person: True)
        if self.settings.binds_directly:
            found = self._prove_directly(name, password, ask)
            return self._describe(found, bind_again=self.settings.bind_dn is not None)
        return self._describe(self._prove(name, password, ask), bind_again=True)

    def look_up(self, directory_id: str) -> DirectoryPerson:
        """Describe a person by their id; see `identity.directories.directory.Directory.look_up`."""
        self._bind_to_look_up()
        wanted = equals_id(self.settings.attributes["directory_id"], directory_id)
        found = self._find(wanted)
        if found is None:
            message = "directory: nobody with that id"
            raise PersonGone(message)
        return self._describe_open(found)

    def look_up_name(self, name: str) -> DirectoryPerson:
        """Describe a person by name; see `directories.directory.Directory.look_up_name`."""
        self._bind_to_look_up()
        found = self._find(self.settings.dialect.name_filter(name))
        if found is None:
            message = "directory: nobody of that name"
            raise UnknownPerson(message)
        return self._describe_open(found)

    def bind_as_service(self) -> None:
        """Bind as the account to search with, or as nobody if none is set."""
        self.on_stage("bind")
        dn, file = self.settings.bind_dn, self.settings.bind_password_file
        if dn is None or file is None:
            self.link.bind_as_nobody()
            return
        if not self.link.bind(dn, read_password(file)).accepted:
            message = f"directory: `{self.link.server.uri}` refuses the account to search with"
            raise DirectoryMisconfigured(message)

    def read_base(self) -> None:
        """See whether the base can be read.

        Raises:
            DirectoryMisconfigured: if not.
        """
        self.on_stage("search")
        if self.link.read(self.settings.base, ("1.1",)) is None:
            message = f"directory: the base `{self.settings.base}` cannot be read"
            raise DirectoryMisconfigured(message)

    def _bind_to_look_up(self) -> None:
        if self.settings.domain is not None and self.settings.bind_dn is None:
            message = "directory: nobody can be looked up without an account to search with"
            raise DirectoryMisconfigured(message)
        self.bind_as_service()

    def _describe_open(self, found: Found) -> DirectoryPerson:
        """Describe whose account may be used."""
        state = self.settings.dialect.state(found.entry, self.at_ns)
        if state is not None:
            raise self._closed(state, found.entry, known_password=False)
        return self._describe(found)

    def _prove(self, name: str, password: str, ask: BeforeBind) -> Found:
        self.bind_as_service()
        self.on_stage("search")
        found = self._find(self.settings.dialect.name_filter(name))
        username = name if found is None else self._reader.one(found.entry, "username") or name
        wanted = ask(username, self._identity(found))
        self.on_stage("password")
        if found is None or not wanted:
            self._try_nobody(password, wanted=wanted)
        judgement = self.link.bind(found.dn, password)
        self._demand_accepted(judgement, found.entry, username)
        return found

    def _prove_directly(self, name: str, password: str, ask: BeforeBind) -> Found:
        dialect = self.settings.dialect
        direct, own = dialect.direct_name(name), dialect.own_filter(name)
        wanted = ask(name, fold_name(direct or ""))
        self.on_stage("password")
        if direct is None or own is None or not wanted:
            self._try_nobody(password, wanted=wanted)
        self._demand_accepted(self.link.bind(direct, password), {}, name)
        self.on_stage("search")
        base, entry_filter = own
        found = self.link.find(base, entry_filter, self._asked)
        if found is None:
            message = "directory: nobody of that name below the base"
            raise UnknownPerson(message)
        judgement = self.link.bind(found.dn, password)
        self._demand_accepted(judgement, found.entry, name)
        return found

    def _try_nobody(self, password: str, *, wanted: bool) -> NoReturn:
        """Take the same step as for a known name, so that time does not tell the two apart."""
        self.link.bind(f"cn={secrets.token_hex(8)},{self.settings.base}", password)
        if not wanted:
            message = "directory: the password was not to be tried"
            raise GuessingStopped(message)
        message = "directory: nobody of that name"
        raise UnknownPerson(message)

    def _demand_accepted(self, judgement: Judgement, entry: Entry, username: str) -> None:
        """Raise unless the password was right and the account may be used."""
        dialect = self.settings.dialect
        closure = dialect.closure(judgement)
        if closure is not None:
            raise AccountClosed(
                f"directory: the account is {closure.state}",
                state=closure.state,
                known_password=closure.known_password,
                username=username,
                directory_id=self._reader.one(entry, "directory_id"),
            )
        state = dialect.state(entry, self.at_ns) if entry else None
        if not judgement.accepted:
            if state is not None:  # for the record alone: the password was not shown to be right
                raise self._closed(state, entry, known_password=False)
            message = "directory: not that person's password"
            raise WrongPassword(message, username=username)
        # A lock that still stands in the entry has run out if the server takes the password.
        if state is not None and state is not AccountState.LOCKED:
            raise self._closed(state, entry, known_password=True)

    def _closed(self, state: AccountState, entry: Entry, *, known_password: bool) -> AccountClosed:
        return AccountClosed(
            f"directory: the account is {state}",
            state=state,
            known_password=known_password,
            username=self._reader.one(entry, "username"),
            directory_id=self._reader.one(entry, "directory_id"),
        )

    def _find(self, wanted: str | None) -> Found | None:
        if wanted is None:
            # The same step as for a name that could be somebody's.
            wanted = equals(self.settings.attributes["username"], secrets.token_hex(8))
            self.link.find(self.settings.base, wanted, self._asked)
            return None
        return self.link.find(self.settings.base, wanted, self._asked)

    def _identity(self, found: Found | None) -> str:
        """Give what stays the same whichever name led to an entry; empty if there is none."""
        if found is None:
            return ""
        return self._reader.one(found.entry, "directory_id") or found.dn.casefold()

    def _describe(self, found: Found, *, bind_again: bool = False) -> DirectoryPerson:
        """Describe whom an entry is about; only now is it told what the entry lacks."""
        self.on_stage("mapping")
        person = self._reader.person(found.entry)
        self.on_person(person)
        groups, has_teams = self.settings.groups, "manager" in self.settings.attributes
        if bind_again and (groups is not None or has_teams):
            self.bind_as_service()
        if groups is not None:
            self.on_stage("groups")
            names = self.settings.dialect.groups(self.link, found.dn)
            posts = person.posts | posts_of(names, groups.by_key)
            person = replace(person, groups=names, posts=posts)
            self.on_person(person)
        if has_teams:
            self.on_stage("team")
            person = self._with_team(person, found.dn)
            self.on_person(person)
        return person

    def _with_team(self, person: DirectoryPerson, dn: str) -> DirectoryPerson:
        attributes = self.settings.attributes
        wanted = equals(attributes["manager"], dn)
        try:
            found = self.link.whole(
                self.settings.base, wanted, (attributes["employee_number"],), most=TEAM_LIMIT
            )
        except (DirectoryUnavailable, DirectoryMisconfigured):
            return replace(person, team_complete=False)  # part of a team is not a team
        numbers = (self._reader.values(each.entry, "employee_number") for each in found)
        return replace(person, team=frozenset(number for each in numbers for number in each))

    @property
    def _reader(self) -> EntryReader:
        return EntryReader(self.settings.attributes)

    @property
    def _asked(self) -> tuple[str, ...]:
        return (*self._reader.asked, *self.settings.dialect.state_attributes)

"""LDAP on a proven connection: bind, search, and search page by page until it is whole.

Everything here takes the time that is left to the connection and no more. What the library raises
is turned into the errors of `identity.directories.directory`. A referral is never followed: the row
that names another server is left out, and an answer that is nothing but a referral is a failure.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import ldap
from ldap.controls import SimplePagedResultsControl
from ldap.controls.ppolicy import PasswordPolicyControl
from ldap.ldapobject import SimpleLDAPObject

from gateway.errors import DirectoryMisconfigured, DirectoryUnavailable
from gateway.identity.directories.directory_channel import Believes, Channel, Server

PAGE = 200
A_FEW = 10
"""How many entries are read where one is wanted: enough to see that there are several."""

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
_UNREADABLE = (
    ldap.NO_SUCH_OBJECT,
    ldap.INVALID_DN_SYNTAX,
    ldap.INSUFFICIENT_ACCESS,
    ldap.FILTER_ERROR,
)


class NotWhole(DirectoryMisconfigured):
    """A search was cut short by a limit: what came is no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An entry that a search led to; attribute names in lower case."""

    dn: str
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a server says of a name and password.

    Attributes:
        accepted: whether the bind succeeded.
        diagnostic: the server's own words, never shown to anybody.
        policy_error: the number of the password policy's response control, if there was one.
    """

    accepted: bool
    diagnostic: str = ""
    policy_error: int | None = None


class Link:
    """LDAP with one server, for one sign-in.

    Attributes:
        server: with which.
        channel: the proven connection to it.
    """

    def __init__(self, server: Server, channel: Channel) -> None:
        """Speak on a proven connection."""
        self.server = server
        self.channel = channel
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

    def bind(self, name: str, password: str) -> Judgement:
        """Bind, and tell what the server made of it."""
        link = self._in_time()
        try:
            sent = link.simple_bind(name, password, serverctrls=[PasswordPolicyControl()])
            _, _, _, controls = link.result3(sent)
        except _REFUSED as error:
            return _refused(error)
        numbers = [each.error for each in controls if isinstance(each, PasswordPolicyControl)]
        return Judgement(accepted=True, policy_error=next(iter(numbers), None))

    def bind_as_nobody(self) -> None:
        """Bind without a name, where the settings ask for it."""
        self._in_time().simple_bind_s("", "")

    def read(self, dn: str, attributes: Sequence[str]) -> Found | None:
        """Read one entry by its DN; None if it is not there or not shown."""
        try:
            rows = self._in_time().search_ext_s(dn, ldap.SCOPE_BASE, attrlist=list(attributes))
        except _UNREADABLE:
            return None
        return next(_found(rows), None)

    def find(self, base: str, wanted: str, attributes: Sequence[str]) -> Found | None:
        """Find the one entry that a filter means; none or several are nobody.

        Raises:
            DirectoryMisconfigured: if the base is not there, or the filter is none.
        """
        try:
            rows = self._in_time().search_ext_s(
                base, ldap.SCOPE_SUBTREE, wanted, list(attributes), sizelimit=A_FEW
            )
        except ldap.SIZELIMIT_EXCEEDED:
            return None  # many entries: surely not one
        except _UNREADABLE as error:
            message = "directory: the base or the name filter does not fit the directory"
            raise DirectoryMisconfigured(message) from error
        found = list(_found(rows))
        return found[0] if len(found) == 1 else None

    def whole(self, base: str, wanted: str, attributes: Sequence[str], *, most: int) -> list[Found]:
        """Find every entry, page by page (RFC 2696).

        Args:
            base: below which to search.
            wanted: the filter.
            attributes: what to read of each.
            most: more than this is not believed to be meant.

        Raises:
            NotWhole: if a limit of the server's or `most` was reached.
            DirectoryUnavailable: if the server went away between two pages.
        """
        # critical: a server that cannot page answers with an error, not with a part
        page = SimplePagedResultsControl(True, size=PAGE, cookie="")
        found: list[Found] = []
        while True:
            link = self._in_time()
            try:
                sent = link.search_ext(
                    base, ldap.SCOPE_SUBTREE, wanted, list(attributes), serverctrls=[page]
                )
                _, rows, _, controls = link.result3(sent)
            except (
                ldap.SIZELIMIT_EXCEEDED,
                ldap.ADMINLIMIT_EXCEEDED,
                ldap.TIMELIMIT_EXCEEDED,
            ) as e:
                message = f"directory: `{self.server.uri}` gives a part of the answer only"
                raise NotWhole(message) from e
            except (*_UNREADABLE, ldap.UNAVAILABLE_CRITICAL_EXTENSION) as error:
                message = f"directory: nothing can be searched below `{base}` page by page"
                raise NotWhole(message) from error
            found += _found(rows)
            cookies = [each.cookie for each in controls if isinstance(each, type(page))]
            if not cookies or len(found) > most:
                # without the control, whether that is all cannot be told
                message = f"directory: `{self.server.uri}` gives no whole answer of at most {most}"
                raise NotWhole(message)
            if not cookies[0]:
                return found
            page.cookie = cookies[0]

    def _in_time(self) -> SimpleLDAPObject:
        """Give the library's object with all the time that is left, and no more."""
        seconds = self.channel.remaining()
        self._ldap.set_option(ldap.OPT_NETWORK_TIMEOUT, seconds)
        self._ldap.set_option(ldap.OPT_TIMEOUT, seconds)
        self._ldap.timeout = seconds
        return self._ldap


@contextlib.contextmanager
def linked(
    server: Server,
    trust: Believes,
    *,
    deadline: float,
    monotonic: Callable[[], float],
    on_stage: Callable[[str], None] | None = None,
) -> Iterator[Link]:
    """Give a link to a proven server, and turn what the library raises into ours."""
    with Channel(
        server, trust, deadline=deadline, monotonic=monotonic, on_stage=on_stage
    ) as channel:
        link = Link(server, channel)
        try:
            yield link
        except ldap.LDAPError as error:
            # What was not expected at its step: the server is no use now, nobody is let in.
            detail = type(error).__name__.lower().replace("_", " ")
            message = f"directory: `{server.uri}` failed: {detail}"
            raise DirectoryUnavailable(message) from error
        finally:
            link.close()


def _found(rows: Sequence[tuple[str | None, Entry]]) -> Iterator[Found]:
    """Leave out referrals, which have no DN: nobody is vouched for elsewhere."""
    for dn, entry in rows:
        if dn:
            yield Found(dn=dn, entry={name.lower(): values for name, values in entry.items()})


def _refused(error: ldap.LDAPError) -> Judgement:
    told = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    policy_error = None
    for kind, _, value in told.get("ctrls", ()):
        if kind == PasswordPolicyControl.controlType:
            control = PasswordPolicyControl()
            with contextlib.suppress(Exception):  # what cannot be read says nothing
                control.decodeControlValue(value)
                policy_error = control.error
    return Judgement(
        accepted=False, diagnostic=str(told.get("info", "")), policy_error=policy_error
    )

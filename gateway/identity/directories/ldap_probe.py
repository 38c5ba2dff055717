"""Trying a server step by step, for whoever connects an organisation or looks for a fault.

The steps are those of a sign-in, each with its time and what failed: name, connect, StartTLS, TLS
with the certificate's dates, bind, search; with somebody's password also password, mapping, groups
and team. Whatever fails ends the trial of that server.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.errors import DirectoryError, DirectoryUnavailable
from gateway.identity.directories.directory import (
    AccountClosed,
    DirectoryPerson,
    DirectoryUntrusted,
    MalformedCredentials,
    ProbeStep,
    UnknownPerson,
    WrongPassword,
)
from gateway.identity.directories.directory_channel import Channel, Server, Trust
from gateway.identity.directories.ldap_conversation import Conversation
from gateway.identity.directories.ldap_link import linked
from gateway.identity.directories.ldap_settings import LdapSettings
from gateway.identity.names import credentials_fault

CERTIFICATE_SECONDS = 2.0
"""How long a certificate that was refused may take to be fetched again, for its dates."""

_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Whom to sign in, to see whether the directory can."""

    name: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what no directory is shown: an empty password would succeed, as nobody.

        Raises:
            MalformedCredentials: saying what is wrong.
        """
        fault = credentials_fault(self.name, self.password)
        if fault is not None:
            message = f"directory: {fault}"
            raise MalformedCredentials(message)


@dataclass(slots=True, kw_only=True)
class _Course:
    """The step under way: each ends where the next begins, and is told then."""

    server: Server
    monotonic: Callable[[], float]
    tell: Callable[[ProbeStep], None]
    step: str = ""
    started: float = 0.0
    detail: str = ""

    def begin(self, step: str) -> None:
        self.end()
        self.step, self.started, self.detail = step, self.monotonic(), ""

    def know(self, person: DirectoryPerson) -> None:
        self.detail = _told(person)[self.step]

    def end(self, failure: str | None = None) -> None:
        if self.step:
            self.tell(
                ProbeStep(
                    server=self.server.uri,
                    step=self.step,
                    passed=failure is None,
                    seconds=self.monotonic() - self.started,
                    detail=self.detail if failure is None else failure,
                )
            )
        self.step = ""


def probe_server(
    settings: LdapSettings,
    server: Server,
    trust: Trust,
    *,
    deadline: float,
    monotonic: Callable[[], float],
    at_ns: int,
    tell: Callable[[ProbeStep], None],
    trial: Trial | None = None,
) -> None:
    """Try one server; never raises.

    Args:
        settings: of the directory.
        server: which to try.
        trust: whom to believe.
        deadline: when the trial ends at the latest, seconds of `monotonic`.
        monotonic: seconds that never go back.
        at_ns: the instant, in nanoseconds since 1970.
        tell: given each step as it ends.
        trial: whom to sign in, if anybody.
    """
    course = _Course(server=server, monotonic=monotonic, tell=tell)
    try:
        with linked(
            server, trust, deadline=deadline, monotonic=monotonic, on_stage=course.begin
        ) as link:
            channel = link.channel
            course.detail = f"{channel.version}, {_dates(channel.certificate, at_ns)}"
            talk = Conversation(
                settings=settings,
                link=link,
                at_ns=at_ns,
                on_stage=course.begin,
                on_person=course.know,
            )
            if trial is None:
                talk.bind_as_service()
                talk.read_base()
            else:
                talk.sign_in(trial.name, trial.password, None)
    except DirectoryError as error:
        failure = _words(error)
        if isinstance(error, DirectoryUntrusted) and course.step == "tls":
            failure += _presented(server, monotonic, at_ns)
        course.end(failure)
    course.end()


def _words(error: DirectoryError) -> str:
    """Say what failed; here the operator is told apart what a sign-in page is not."""
    words = str(error).removeprefix("directory: ")
    match error:
        case AccountClosed(known_password=True):
            return f"{words}; the password is right"
        case AccountClosed():
            return f"{words}; whether the password is right is not told"
        case UnknownPerson():
            return f"{words}; look at the base and the filter"
        case WrongPassword():
            return f"{words} (the name is known)"
        case _:
            return words


def _told(person: DirectoryPerson) -> dict[str, str]:
    posts = f"posts {', '.join(sorted(person.posts))}" if person.posts else "no post"
    missing = [] if person.employee_number else ["no employee number: nobody is let in without"]
    found = [
        f"id {person.directory_id}",
        f"name {person.username}",
        f"employee number {person.employee_number}" if person.employee_number else "",
        posts,
        f"unit {person.unit}" if person.unit else "no unit",
    ]
    team = f"{len(person.team)} people" if person.team_complete else "not whole: counts as empty"
    return {
        "mapping": "; ".join([*filter(None, found), *missing]),
        "groups": f"groups {len(person.groups)}; {posts}",
        "team": team,
    }


def _dates(certificate: bytes, at_ns: int) -> str:
    try:
        read = x509.load_der_x509_certificate(certificate)
        subject = read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return "a certificate that cannot be read"
    ends, begins = read.not_valid_after_utc, read.not_valid_before_utc
    days = int(ends.timestamp() * 10**9 - at_ns) // _DAY_NS
    name = f" of {subject[0].value!s}" if subject else ""
    when = f"in {days} days" if days >= 0 else f"{-days} days ago"
    return f"certificate{name} from {begins:%d %B %Y} to {ends:%d %B %Y} ({when})"


class _Anybody:
    """Believes every certificate. Only to read one: nothing is ever said on such a connection."""

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context


def _presented(server: Server, monotonic: Callable[[], float], at_ns: int) -> str:
    """Fetch the certificate that was refused, for its dates."""
    certificate = presented_certificate(server, monotonic)
    return f"; it shows a {_dates(certificate, at_ns)}" if certificate else ""


def presented_certificate(server: Server, monotonic: Callable[[], float]) -> bytes | None:
    """Fetch the certificate a server shows, believed or not; nothing is said to it.

    Returns:
        As it came (DER); None if none could be had within `CERTIFICATE_SECONDS`.
    """
    deadline = monotonic() + CERTIFICATE_SECONDS
    with (
        contextlib.suppress(DirectoryUnavailable),
        Channel(server, _Anybody(), deadline=deadline, monotonic=monotonic) as channel,
    ):
        return channel.certificate
    return None

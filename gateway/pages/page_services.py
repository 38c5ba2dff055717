"""What the pages are given: one bundle of objects and plain values, and nothing they could look up.

Each protocol is the contract of one neighbour, as the pages use it. `gateway.services` fills the
bundle; tests fill it with doubles.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from gateway.audit.search import AuditFilter, Page
    from gateway.cookies import CookiePolicy
    from gateway.identity.sessions.session_list import ListedSession
    from gateway.identity.signing_in.break_glass_accounts import Use
    from gateway.pages.count_services import StaffCountDesk
    from gateway.pages.factor_services import FactorDesk, FactorOffice, NoticeDesk, PurposeDesk
    from gateway.pages.provider_services import ProviderDesk, TicketDesk
    from gateway.pages.register_services import RegisterDesk
    from gateway.policy_versions import PolicyVersion
    from gateway.system_hosts import SystemHost
    from policies.engine import Engine
    from policies.question import Subject


class OpenVisit(Protocol):
    """The visit that the front opened for this request (`gateway.visit` in the WSGI environ)."""

    @property
    def reference(self) -> str:
        """Ten Crockford base-32 characters: what a person reads out to the help desk."""

    @property
    def at(self) -> datetime:
        """The instant of the visit (aware): the page is made for it, as the decision was."""

    @property
    def zone(self) -> str | None:
        """The network zone it came from; None unless a rule asks for zones."""


class SessionFacts(Protocol):
    """What the pages know of a session itself (`gateway.identity.sessions.sessions.Session`)."""

    @property
    def hash(self) -> str:
        """Hash of the token; opens nothing."""

    @property
    def factors(self) -> frozenset[str]:
        """How the person proved who they are: `password`, `second-factor`."""

    @property
    def started_at_us(self) -> int:
        """When it was opened, microseconds since 1970 UTC."""

    @property
    def displaced(self) -> int:
        """How many older sessions of the person its opening ended."""

    @property
    def second_factor_at_us(self) -> int | None:
        """When they last showed a second factor, microseconds since 1970 UTC."""


class LiveSession(Protocol):
    """The session of a signed-in person (`gateway.session` in the WSGI environ)."""

    @property
    def session(self) -> SessionFacts:
        """The session itself."""

    @property
    def subject(self) -> Subject:
        """Who is signed in, with what the register says of them."""

    @property
    def idle_us(self) -> int:
        """How long the session may be unused, in microseconds."""

    def ends_unused_at(self, at: datetime) -> datetime:
        """Give when it ends if it is not used after `at`."""


class DecidedQuestion(Protocol):
    """The part of a decision that the guard of a page looks at."""

    @property
    def function_id(self) -> str:
        """The function that was asked for."""

    @property
    def permitted(self) -> bool:
        """Whether it was permitted."""


class PageGrant(Protocol):
    """The token that only an enforced permit makes (`gateway.grant` in the WSGI environ)."""

    @property
    def decision(self) -> DecidedQuestion:
        """What was decided."""


class SignInDesk(Protocol):
    """Signs people in and out. Called on a worker thread; may block for the directory's budget."""

    def sign_in(
        self,
        *,
        organisation: str,
        username: str,
        password: str,
        visit: OpenVisit,
        replaces: str | None,
    ) -> str:
        """Bind as that person, open a session, record the sign-in.

        Any text may come in: it has been checked for emptiness and for a known organisation only.

        Args:
            organisation: id of the organisation chosen; one of the configured ones.
            username: as typed.
            password: as typed.
            visit: the visit of this request.
            replaces: what the browser sent as session cookie, live or not; that session is ended.

        Returns:
            The value of the session cookie. The session exists and its entry is durable.

        Raises:
            SignInRefused: with a code; the refusal is recorded.
            DirectoryUnavailable, DirectoryMisconfigured: the directory cannot answer now.
            RecordUnavailable: it could not be recorded, so nobody was signed in.
        """

    def sign_out(self, *, session: LiveSession, visit: OpenVisit) -> None:
        """End the session in every worker and record it; on return neither can be undone.

        Raises:
            GatewayError: the session could not be ended; it is still live.
        """


class BreakGlassDesk(Protocol):
    """Lets people in with the envelope. Called on a worker thread; hashing takes its time."""

    def open(
        self,
        *,
        account: str,
        password: str,
        code: str,
        used_by: str,
        reason: str,
        visit: OpenVisit,
        replaces: str | None,
    ) -> str:
        """Take one use of an account, open a short session, record it, raise the alarm.

        Any text may come in: it has been checked for emptiness only.

        Returns:
            The value of the session cookie. The session exists and its entry is durable.

        Raises:
            SignInRefused: with a code; the refusal is recorded.
            GatewayError: it could not be recorded or kept, so nobody was let in.
        """

    def uses(self) -> tuple[Use, ...]:
        """List the uses: those that wait for review first, then the latest."""


class NotYoursError(GatewayError):
    """An officer asked for what another organisation's officers answer for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSearch:
    """Whose sessions an officer means; nothing given means everybody they answer for.

    Attributes:
        text: a name, a number: to look for, never to end by.
        person: `<organisation>/<employee number>`.
        organisation: the organisation's id.
        directory: the directory's id.
    """

    text: str = ""
    person: str = ""
    organisation: str = ""
    directory: str = ""


class SessionDesk(Protocol):
    """Lists and ends sessions. Called on a worker thread."""

    def mine(self, session: LiveSession) -> tuple[ListedSession, ...]:
        """List the living sessions of whoever asks, the newest first."""

    def end_mine(self, session: LiveSession, visit: OpenVisit, *, which: str) -> int:
        """End one of one's own sessions, named by its short hash; all others where empty.

        The session that asks lives on. Gives how many were ended.
        """

    def found(
        self, session: LiveSession, search: SessionSearch
    ) -> tuple[tuple[ListedSession, ...], bool]:
        """List what an officer searches for, and whether there is more than is listed.

        Raises:
            NotYoursError: it is another organisation's.
        """

    def end(self, session: LiveSession, visit: OpenVisit, search: SessionSearch) -> int:
        """End what an officer has chosen, all but the session that asks; recorded first.

        Raises:
            NotYoursError: it is another organisation's.
            RecordUnavailable: it could not be recorded, so nothing was ended.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderChoice:
    """A provider at which an organisation's staff may sign in: its id, its name on the button."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationChoice:
    """An organisation whose staff may sign in.

    Attributes:
        id: as in the settings, such as `cheshire-fire`.
        name: as its staff know it.
        help_contact: whom its staff ask, such as a desk and its telephone number.
        takes_password: whether its staff may type a password here.
        takes_ticket: whether they may sign in with the account of their computer.
        providers: at which they may sign in instead.
        email_domains: of their e-mail addresses, in lower case.
    """

    id: str
    name: str
    help_contact: str
    takes_password: bool = True
    takes_ticket: bool = False
    providers: tuple[ProviderChoice, ...] = ()
    email_domains: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """What the pages call the service and whose it is.

    Attributes:
        service_name: the name of the service.
        host: the organisation whose back office it is; its name stands in the header.
        host_vetting_contact: whom to ask about vetting.
    """

    service_name: str
    host: OrganisationChoice
    host_vetting_contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageServices:
    """Everything the pages use.

    Attributes:
        brand: service name, host organisation, whom to ask about vetting.
        organisations: those whose staff may sign in, in the order to show them.
        cookies: names and flags of our cookies.
        form_secret: at least 32 random bytes, the same in every worker.
        engine: the engine in force; asked for anew by every request.
        policy_versions: every policy set there was, the newest first; called on a worker thread.
        sign_in_desk: signs people in and out.
        break_glass: lets people in with the envelope, and tells of it.
        provider_desk: the same through OpenID providers.
        ticket_desk: the same with tickets of computers that are joined to a domain.
        register: the vetting register, read only.
        staff_counts: counts who may open what.
        search_record: searches the record; called on a worker thread.
        session_limits: idle and absolute limit of a session in minutes, for the notices.
        session_desk: lists and ends sessions.
        at_most: how many sessions a person may have.
        directories: ids of the directories, each with its organisation's.
        why_over: gives the code of why the session of a token was ended, as far as it is known.
        factors: somebody's own second factors.
        factor_office: what security officers do with those of others.
        notices: what happened to second factors, until it has been seen.
        purposes: what people said they need functions for.
        hosts: the systems that have hosts of their own, by id.
    """

    brand: Brand
    organisations: tuple[OrganisationChoice, ...]
    cookies: CookiePolicy
    form_secret: bytes
    engine: Callable[[], Engine]
    policy_versions: Callable[[], tuple[PolicyVersion, ...]]
    sign_in_desk: SignInDesk
    break_glass: BreakGlassDesk
    provider_desk: ProviderDesk
    ticket_desk: TicketDesk
    register: RegisterDesk
    staff_counts: StaffCountDesk
    search_record: Callable[[AuditFilter], Page]
    session_limits: tuple[int, int]
    session_desk: SessionDesk
    at_most: int
    directories: Mapping[str, str]
    why_over: Callable[[str], str]
    factors: FactorDesk
    factor_office: FactorOffice
    notices: NoticeDesk
    purposes: PurposeDesk
    hosts: Mapping[str, SystemHost] = field(default_factory=dict)

    @property
    def origins(self) -> tuple[str, ...]:
        """Ours, where there are several; a form's redirect may lead from any to any other."""
        main = {each.main for each in self.hosts.values()}
        return tuple(sorted(main | {each.origin for each in self.hosts.values()}))

    def contacts(self, organisation: str | None) -> Mapping[str, str]:
        """Say whom to ask, by the keys that reasons name (`policies.reasons.Telling.whom`).

        Args:
            organisation: the employer of who asks; None when that is not known.
        """
        own = self.organisation(organisation) or self.brand.host
        return {
            "own-organisation": own.help_contact,
            "host-vetting": self.brand.host_vetting_contact,
            "host-help": self.brand.host.help_contact,
        }

    def organisation(self, organisation: str | None) -> OrganisationChoice | None:
        """Find an organisation whose staff may sign in."""
        for choice in self.organisations:
            if choice.id == organisation:
                return choice
        return None

    def organisation_by_mail(self, mail: str) -> OrganisationChoice | None:
        """Find the organisation whose staff have e-mail addresses of this domain.

        An address with more than one `@` has two readings and leads nowhere.
        """
        local, _, domain = mail.strip().partition("@")
        if not local or "@" in domain:
            return None
        wanted = domain.lower()
        return next((each for each in self.organisations if wanted in each.email_domains), None)

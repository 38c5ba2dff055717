"""Doubles of what the pages are given, in memory: sessions, directories, register, record.

The policy set, the engine, the levels and the clearances are the real ones; only what blocks or
keeps state is a double.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gateway.audit.search import AuditFilter, AuditRow, Page
from gateway.errors import DirectoryUnavailable, GatewayError, SignInRefused
from gateway.identity.sessions.session_list import ListedSession
from gateway.identity.signing_in.break_glass_accounts import Use
from gateway.pages.count_services import Counting, Tally
from gateway.pages.page_services import (
    LiveSession,
    NotYoursError,
    OpenVisit,
    SessionSearch,
)
from gateway.pages.register_services import HistoryBrokenError, NamedLapse, RegisterPerson
from gateway.policy_versions import PolicyVersion, State
from gateway.store.schema import microseconds
from policies.question import Subject
from tests.gateway.pages.people import AT, grant_of
from vetting.clearance import Clearance
from vetting.lapses import Lapse
from vetting.levels import LevelOrder
from vetting.person import PersonKey
from vetting.register_history import ChangeKind, RegisterChange

PASSWORD = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A visit, as far as pages see it."""

    reference: str
    at: datetime
    zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """A session, as far as pages see it."""

    hash: str = ""
    started_at_us: int = 0
    displaced: int = 0
    factors: frozenset[str] = frozenset({"password"})
    second_factor_at_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A live session, as far as pages see it."""

    subject: Subject
    session: SessionFacts = field(default_factory=SessionFacts)
    idle_us: int = 30 * 60_000_000

    def ends_unused_at(self, at: datetime) -> datetime:
        """Give the end of the idle time."""
        return at + timedelta(microseconds=self.idle_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A Grant, as far as pages see it."""

    decision: Any


class SignInDesk:
    """Signs in the people of the demonstration; one organisation's directory can be away."""

    def __init__(self, staff: dict[str, Subject]) -> None:
        self.staff = staff
        self.sessions: dict[str, SignedIn] = {}
        self.ended: dict[str, str] = {}  # why the session of a token was ended
        self.fails_with: GatewayError | None = None
        self.asked: list[dict[str, Any]] = []

    def forget(self) -> None:
        """Begin anew."""
        self.sessions.clear()
        self.ended.clear()
        self.asked.clear()
        self.fails_with = None

    def sign_in(
        self,
        *,
        organisation: str,
        username: str,
        password: str,
        visit: OpenVisit,
        replaces: str | None,
    ) -> str:
        """Sign in with the one password there is."""
        self.asked.append({"organisation": organisation, "username": username, "visit": visit})
        if self.fails_with is not None:
            raise self.fails_with
        if username == "away":
            raise DirectoryUnavailable("directory: no answer")
        person = self.staff.get(username)
        if person is None or person.organisation != organisation or password != PASSWORD:
            raise SignInRefused("wrong-credentials", tellable=False)
        self.sessions.pop(replaces or "", None)
        return self.open(person)

    def open(self, person: Subject) -> str:
        """Open a session without a form."""
        token = secrets.token_urlsafe(32)
        facts = SessionFacts(hash=hashlib.sha256(token.encode()).hexdigest())
        if "security-officer" in person.appointments:  # who has shown a second factor already
            both = frozenset({"password", "second-factor"})
            facts = replace(facts, factors=both, second_factor_at_us=microseconds(AT))
        self.sessions[token] = SignedIn(subject=person, session=facts)
        return token

    def sign_out(self, *, session: LiveSession, visit: OpenVisit) -> None:
        """End a session."""
        del visit
        for token in [key for key, kept in self.sessions.items() if kept is session]:
            del self.sessions[token]


class BreakGlassDesk:
    """One account with one envelope, used twice: once reviewed, once not."""

    def __init__(self, desk: SignInDesk) -> None:
        self._desk = desk
        self.fails_with: GatewayError | None = None
        self.asked: list[dict[str, Any]] = []

    def forget(self) -> None:
        """Begin anew."""
        self.fails_with = None
        self.asked.clear()

    def open(self, *, replaces: str | None, **entered: Any) -> str:
        """Let in whoever has the one password."""
        self.asked.append(entered)
        if self.fails_with is not None:
            raise self.fails_with
        if entered["password"] != PASSWORD:
            raise SignInRefused("wrong-password", tellable=False)
        self._desk.sessions.pop(replaces or "", None)
        return self._desk.open(self._desk.staff["security-officer"])

    def uses(self) -> tuple[Use, ...]:
        """Tell of two uses."""
        first = Use(
            number=1,
            account="night-duty",
            at=datetime(2026, 11, 20, 2, 14, tzinfo=UTC),
            used_by="Helen Marsh",
            reason="Directory away, payroll run due at six",
            source="10.20.4.17",
            reference="7H3K9QZ2MB",
            reviewed_by="Tom Bell",
            reviewed_at=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
            finding="As agreed with the duty officer",
        )
        second = replace(
            first, number=2, reference="7H3K9QZ2MC", reviewed_by="", reviewed_at=None, finding=""
        )
        return (second, first)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutForm:
    """Signs out at the provider."""

    provider: str = "NWAS sign-in"
    method: str = "get"
    url: str = "https://login.nwas.example/end?a=1"
    fields: Mapping[str, str] = field(default_factory=lambda: {"id_token_hint": "token"})


class ProviderDesk:
    """A provider that signs in the paramedic for the code `good`, if the browser is the same."""

    def __init__(self, desk: SignInDesk) -> None:
        self.desk = desk
        self.begun: list[dict[str, Any]] = []
        self.heard: list[str] = []
        self.fails_with: GatewayError | None = None
        self.form: SignOutForm | None = None

    def forget(self) -> None:
        """Begin anew."""
        self.begun.clear()
        self.heard.clear()
        self.fails_with = None
        self.form = None

    def organisation_of(self, directory: str) -> str | None:
        """Give whose provider it is."""
        return "nwas" if directory == "nwas" else None

    def begin(self, directory: str, *, browser: str, next_path: str, visit: OpenVisit) -> str:
        """Note it, and give an address."""
        if self.fails_with is not None:
            raise self.fails_with
        self.begun.append({"browser": browser, "next": next_path, "visit": visit})
        return f"https://login.nwas.example/auth?client={directory}&state=s-1"

    def finish(
        self,
        directory: str,
        answer: Mapping[str, Sequence[str]],
        *,
        browser: str,
        visit: OpenVisit,
        replaces: str | None,
    ) -> tuple[str, str]:
        """Sign the paramedic in."""
        del directory, visit
        if self.fails_with is not None:
            raise self.fails_with
        if not self.begun or browser != self.begun[-1]["browser"] or answer["code"] != ["good"]:
            raise SignInRefused("sign-in-over", tellable=True)
        self.desk.sessions.pop(replaces or "", None)
        return self.desk.open(self.desk.staff["paramedic"]), self.begun[-1]["next"]

    def sign_out_form(self, session: LiveSession) -> SignOutForm | None:
        """Give what the test wants."""
        del session
        return self.form

    def back_channel(self, directory: str, token: str, *, visit: OpenVisit) -> bool:
        """Accept `good` alone."""
        del visit
        if self.fails_with is not None:
            raise self.fails_with
        self.heard.append(f"{directory}: {token}")
        return token == "good"


class TicketDesk:
    """Takes `Negotiate good` for the constable's."""

    def __init__(self, desk: SignInDesk) -> None:
        self._desk = desk
        self.shown: list[str] = []
        self.fails_with: GatewayError | None = None

    def forget(self) -> None:
        """Begin anew."""
        self.shown.clear()
        self.fails_with = None

    def sign_in(
        self, organisation: str, authorization: str, *, visit: OpenVisit, replaces: str | None
    ) -> tuple[str, str]:
        """Sign the constable in."""
        del organisation, visit
        self.shown.append(authorization)
        if self.fails_with is not None:
            raise self.fails_with
        if authorization != "Negotiate good":
            raise SignInRefused("ticket-refused", tellable=True)
        self._desk.sessions.pop(replaces or "", None)
        return self._desk.open(self._desk.staff["constable"]), "b3Vycw=="


class SessionDesk:
    """The sessions of the sign-in desk, and some of people who are elsewhere."""

    def __init__(self, desk: SignInDesk, at: datetime) -> None:
        self._desk = desk
        self._at = at
        self.away: list[ListedSession] = []
        self.ended: list[SessionSearch] = []

    def _listed(self) -> list[ListedSession]:
        here = [
            self.session(each.subject, hash=each.session.hash)
            for each in self._desk.sessions.values()
        ]
        return here + self.away

    def session(self, person: Subject, **more: Any) -> ListedSession:
        """Make a session of somebody."""
        facts: dict[str, Any] = {
            "hash": secrets.token_hex(32),
            "person": f"{person.organisation}/{person.employee_number}",
            "staff_id": person.staff_id,
            "name": person.name,
            "username": person.staff_id.partition("/")[2],
            "organisation": person.organisation,
            "directory": person.organisation,
            "source": "10.20.30.40",
            "agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537 Edg/140",
            "factors": frozenset({"password"}),
            "started_at": self._at - timedelta(minutes=50),
            "last_seen_at": self._at - timedelta(minutes=3),
            "ends_at": self._at + timedelta(hours=8),
        }
        return ListedSession(**(facts | more))

    def mine(self, session: LiveSession) -> tuple[ListedSession, ...]:
        """List one's own."""
        return tuple(each for each in self._listed() if each.staff_id == session.subject.staff_id)

    def end_mine(self, session: LiveSession, visit: OpenVisit, *, which: str) -> int:
        """End one, or all others."""
        del visit
        chosen = [
            each
            for each in self.mine(session)
            if each.hash != session.session.hash and which in {"", each.short}
        ]
        self.away = [each for each in self.away if each not in chosen]
        return len(chosen)

    def found(
        self, session: LiveSession, search: SessionSearch
    ) -> tuple[tuple[ListedSession, ...], bool]:
        """Search; a partner's officer sees their own organisation's."""
        only = session.subject.organisation
        if only != "cheshire-police" and search.organisation not in {"", only}:
            raise NotYoursError
        return tuple(
            each
            for each in self._listed()
            if search.text in {"", each.username}
            and search.person in {"", each.person}
            and search.organisation in {"", each.organisation}
            and search.directory in {"", each.directory}
            and only in {"cheshire-police", each.organisation}
        ), False

    def end(self, session: LiveSession, visit: OpenVisit, search: SessionSearch) -> int:
        """End what was chosen."""
        del visit
        self.ended.append(search)
        return sum(each.hash != session.session.hash for each in self.found(session, search)[0])


def policy_versions(digest: str) -> tuple[PolicyVersion, ...]:
    """Tell of three policy sets: one in force, the first one, and one that waits."""
    first = PolicyVersion(
        number=1,
        digest="0f" * 32,
        state=State.RETIRED,
        base=None,
        loosens=True,
        reason="the first set",
        proposed_by="settings file",
        proposed_at=AT - timedelta(days=40),
        decided_by="settings file",
        decided_at=AT - timedelta(days=40),
    )
    second = replace(
        first,
        number=2,
        digest=digest,
        state=State.IN_FORCE,
        base=1,
        reason="stores for watch managers, as agreed in schedule 3",
        proposed_by="imran.qureshi",
        proposed_at=AT - timedelta(days=3),
        decided_by="helen.marsh",
        decided_at=AT - timedelta(days=2),
    )
    third = replace(
        second,
        number=3,
        digest="7e" * 32,
        state=State.PROPOSED,
        base=2,
        reason="ambulance staff report defects",
        proposed_at=AT - timedelta(hours=2),
        decided_by=None,
        decided_at=None,
    )
    return third, second, first


class RegisterDesk:
    """A register of the demonstration's people and as many others as asked for."""

    def __init__(self, staff: dict[str, Subject], order: LevelOrder, others: int = 60) -> None:
        known = [_register_person(person, person.name) for person in staff.values()]
        for position in range(others):
            number = str(41000 + position)
            end = date(2026, 12, 1) + timedelta(days=37 * position)
            level = ("DBSB", "DBSS", "BPSS")[position % 3]
            grants = (grant_of(level, "cheshire-fire", expires_on=end if position % 4 else None),)
            known.append(
                RegisterPerson(
                    organisation="cheshire-fire",
                    employee_number=number,
                    name=None,
                    clearance=Clearance(
                        grants=grants,
                        organisation="cheshire-fire",
                        order=order,
                        accepted=frozenset({"cheshire-police"}),
                    ),
                    appointments=frozenset(),
                )
            )
        self.broken = False
        self.known = sorted(known, key=lambda person: (person.organisation, person.employee_number))

    def people(
        self, *, text: str, organisation: str, offset: int, limit: int, at: datetime
    ) -> tuple[tuple[RegisterPerson, ...], int]:
        """Search by part of a name or number."""
        del at
        found = [
            person
            for person in self.known
            if (not organisation or person.organisation == organisation)
            and text.lower() in f"{person.name} {person.employee_number}".lower()
        ]
        return tuple(found[offset : offset + limit]), len(found)

    def person(
        self, *, organisation: str, employee_number: str, at: datetime
    ) -> RegisterPerson | None:
        """Give one person."""
        del at
        for person in self.known:
            if (person.organisation, person.employee_number) == (organisation, employee_number):
                return person
        return None

    def as_of(
        self, *, organisation: str, employee_number: str, at: datetime
    ) -> RegisterPerson | None:
        """Give nothing before 2024, and from then on what there is now."""
        if self.broken:
            raise HistoryBrokenError("read history: line 7 does not follow from those before it")
        if at.year < 2024:
            return None
        return self.person(organisation=organisation, employee_number=employee_number, at=at)

    def lapses(
        self, *, organisation: str, days: int, at: datetime
    ) -> tuple[tuple[NamedLapse, ...], int]:
        """Find what ends, as the register does."""
        found = []
        for person in self.known:
            for grant in person.clearance.held(at=at):
                lapse = Lapse(
                    person=PersonKey(
                        organisation=person.organisation, employee_number=person.employee_number
                    ),
                    grant_id=grant.id,
                    title=person.clearance.describe(grant, at=at).title,
                    sponsor=grant.sponsor,
                    ends_on=grant.ends_on or date.max,
                    by_review=False,
                )
                if organisation in {"", person.organisation} and lapse.days_left(at=at) <= days:
                    found.append(NamedLapse(lapse=lapse, name=person.name))
        found.sort(key=lambda each: each.lapse.ends_on)
        return tuple(found[:50]), len(found)

    def history(self, *, organisation: str, employee_number: str) -> tuple[RegisterChange, ...]:
        """Tell the same short history of everyone."""
        person = PersonKey(organisation=organisation, employee_number=employee_number)
        first = datetime(2024, 4, 2, 10, 12, tzinfo=UTC)
        return (
            RegisterChange(
                sequence=1,
                at=first,
                by="helen.marsh",
                person=person,
                kind=ChangeKind.GRANT_ADDED,
                item="g1",
                level="N2F",
                changed=(("level", "", "N2F"),),
            ),
            RegisterChange(
                sequence=9,
                at=first + timedelta(days=370),
                by="helen.marsh",
                person=person,
                kind=ChangeKind.GRANT_CHANGED,
                item="g1",
                level="N2F",
                changed=(("expires_on", "2026-04-01", "2026-11-20"),),
            ),
        )


def _register_person(person: Subject, name: str | None) -> RegisterPerson:
    return RegisterPerson(
        organisation=person.organisation,
        employee_number=person.employee_number,
        name=name,
        clearance=person.clearance,
        appointments=person.appointments,
    )


class RecordDesk:
    """A log in memory, newest first, searched the way the page expects."""

    def __init__(self, rows: Iterable[AuditRow]) -> None:
        self.rows = sorted(rows, key=lambda row: -row.index)
        self.asked: list[AuditFilter] = []
        self.search_with: Callable[[AuditFilter], Page] | None = None

    def search(self, asked: AuditFilter) -> Page:
        """Search."""
        self.asked.append(asked)
        if self.search_with is not None:
            return self.search_with(asked)
        found = [row for row in self.rows if _matches(row, asked)]
        shown = tuple(found[: asked.limit])
        more = len(found) > asked.limit
        return Page(rows=shown, next=shown[-1].index if more else None)


def _matches(row: AuditRow, asked: AuditFilter) -> bool:
    outcomes = {row.outcome, row.result.outcome if row.result else row.outcome}
    return (
        (asked.before is None or row.index < asked.before)
        and asked.reference in ("", row.reference)
        and asked.organisation in ("", row.organisation)
        and asked.function in ("", row.function)
        and (asked.outcome is None or asked.outcome in outcomes)
        and asked.person in row.personal.get("actor_name", "")
        and (asked.since is None or row.at >= asked.since)
        and (asked.until is None or row.at < asked.until)
    )


class StaffCountDesk:
    """Counts that are over, going on or failed, as a test says; over by default."""

    def __init__(self, staff: Mapping[str, Subject]) -> None:
        self.total = len(staff)
        self.looked_at = self.total
        self.failed = False

    def counted(self, at: datetime) -> Counting:
        """Give the count, or how far it is."""
        over = self.looked_at == self.total and not self.failed
        return Counting(
            at=at,
            looked_at=self.looked_at,
            total=self.total,
            staff={"cheshire-police": 2412, "cheshire-fire": 640} if over else None,
            tallies={
                ("hr.search", "cheshire-police"): Tally(may=31, after=0),
                ("pay.bank", "cheshire-fire"): Tally(may=0, after=633),
            },
            failed=self.failed,
        )

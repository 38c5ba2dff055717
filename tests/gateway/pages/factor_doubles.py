"""Doubles of the desks of second factors: they accept one code, and note what they were asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.identity.factors.factor_notices import Notice, NoticeCode, Unseen
from gateway.identity.factors.factor_reset import Reset, ResetRefused
from gateway.identity.factors.factor_rows import Factor, FactorKind, Standing
from gateway.identity.factors.factors import FactorRefused
from gateway.identity.factors.kept_forms import KeptForm
from gateway.identity.factors.security_key import RelyingParty, challenge_options, enrolment_options
from gateway.identity.signing_in.factor_holder import Holder
from gateway.identity.staff import Staff
from gateway.pages.page_services import LiveSession, OpenVisit
from gateway.store.schema import microseconds
from tests.gateway.pages.people import AT

CODE = "123456"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
CODES = tuple(f"ABCD{number}-EFGH{number}" for number in range(10))
NEW_TOKEN = "N" * 42 + "A"
STAGE_TOKEN = "S" * 42 + "A"
PARTY = RelyingParty(origin="http://localhost:8080", name="Shared services")
PHONE = Factor(
    id="phone", kind=FactorKind.APP, name="My work phone",
    added_at_us=microseconds(AT - timedelta(days=40)), used_at_us=microseconds(AT),
)  # fmt: skip
KEY = Factor(
    id="key", kind=FactorKind.KEY, name="Blue key", added_at_us=microseconds(AT), used_at_us=None
)
FORM = KeptForm(
    target="/OA_HTML/OA.jsp?OAFunc=XX_BANK",
    title="My bank details",
    fields=(("account", "12345678"), ("note", 'one\ntwo "<b>&')),
)


def staff_of(subject: object) -> Staff:
    """Give the staff behind a subject of the demonstration."""
    return Staff(
        staff_id=subject.staff_id,  # type: ignore[attr-defined]
        organisation=subject.organisation,  # type: ignore[attr-defined]
        directory_id="x",
        employee_number=subject.employee_number,  # type: ignore[attr-defined]
        username="x",
        name=subject.name,  # type: ignore[attr-defined]
        posts=frozenset(),
        unit="",
        team=frozenset(),
    )


def notice(number: int, code: NoticeCode, *, name: str = "Sam Lowe", detail: str = "") -> Notice:
    """Make a notice."""
    return Notice(
        number=number, at=AT, code=code, detail=detail, staff_id="x", name=name, person="x/1"
    )


NEWS = Unseen(
    own=(
        notice(4, NoticeCode.RESET, detail="<b>Ann"),
        notice(3, NoticeCode.ADDED, detail="My work phone"),
    ),
    others=(
        *(notice(each, NoticeCode.ADDED, detail="Phone") for each in range(9, 4, -1)),
        notice(2, NoticeCode.BREAK_GLASS, name="Break-glass account day", detail="Jo Hill"),
    ),
)


@dataclass(slots=True)
class NoticeDesk:
    """Gives everybody the same notices, until they have seen them."""

    waiting: Unseen = field(default_factory=Unseen)
    seen: list[int] = field(default_factory=list)

    def unseen(self, session: LiveSession, *, at: datetime) -> Unseen:
        del session, at
        return self.waiting

    def see(self, session: LiveSession, number: int) -> None:
        del session
        self.seen.append(number)
        self.waiting = Unseen()


@dataclass(slots=True, kw_only=True)
class FactorDesk:
    """Accepts `CODE`, and any answer of a key but an empty one.

    Attributes:
        having: the factors of everybody.
        lacks: what must come before a change.
        waits: the form that waits.
        fails_with: refuses every proof and enrolment.
        asked: what was asked.
    """

    having: tuple[Factor, ...] = (PHONE, KEY)
    lacks: str = ""
    waits: KeptForm | None = None
    fails_with: FactorRefused | None = None
    asked: list[str] = field(default_factory=list)
    stage_of: Staff | None = None

    def forget(self) -> None:
        """Begin anew."""
        self.having, self.lacks, self.waits, self.fails_with = (PHONE, KEY), "", None, None
        self.asked.clear()

    def holder(self, session: LiveSession) -> Holder:
        return Holder(staff=staff_of(session.subject), binding="b" * 64)

    def stage_holder(self, token: str, *, at: datetime) -> Holder | None:
        del at
        if token != STAGE_TOKEN or self.stage_of is None:
            return None
        return Holder(staff=self.stage_of, binding="s" * 64)

    def standing(self, holder: Holder) -> Standing:
        del holder
        return Standing(factors=self.having, codes_left=8 if self.having else 0)

    def notices(self, holder: Holder, *, at: datetime, within: timedelta) -> tuple[Notice, ...]:
        del within
        if not self.having:
            return ()
        return (
            Notice(
                number=1,
                at=at - timedelta(days=2),
                code=NoticeCode.ADDED,
                detail="Blue key",
                staff_id=holder.staff.staff_id,
                name=holder.staff.name,
                person=holder.staff.person,
            ),
        )

    def missing(self, holder: Holder, *, at: datetime) -> str:
        del holder, at
        return self.lacks

    def begin_app(self, holder: Holder, *, at: datetime) -> tuple[str, str]:
        del holder, at
        return SECRET, f"otpauth://totp/Shared:x?secret={SECRET}&issuer=Shared"

    def begin_key(self, holder: Holder, *, at: datetime) -> str:
        del at
        name = holder.staff.name
        return enrolment_options(
            PARTY, handle=b"h" * 32, account="x", name=name, challenge=b"c" * 32, known=()
        )

    def add_app(
        self, holder: Holder, *, name: str, code: str, visit: OpenVisit, replaces: str | None
    ) -> tuple[tuple[str, ...], str]:
        del holder, visit, replaces
        self._judge(f"add-app {name} {code}", right=code == CODE)
        return (() if self.having else CODES), NEW_TOKEN

    def add_key(
        self, holder: Holder, *, name: str, answer: str, visit: OpenVisit, replaces: str | None
    ) -> tuple[tuple[str, ...], str]:
        del holder, visit, replaces
        self._judge(f"add-key {name} {answer}", right=True)
        return (() if self.having else CODES), NEW_TOKEN

    def challenge_key(self, holder: Holder, *, at: datetime) -> str:
        del holder, at
        has_key = any(each.kind is FactorKind.KEY for each in self.having)
        return challenge_options(PARTY, challenge=b"c" * 32, known=()) if has_key else ""

    def prove_code(
        self, holder: Holder, code: str, *, visit: OpenVisit, replaces: str | None
    ) -> str:
        del holder, visit, replaces
        self._judge(f"code {code}", right=code == CODE)
        return NEW_TOKEN

    def prove_key(
        self, holder: Holder, answer: str, *, visit: OpenVisit, replaces: str | None
    ) -> str:
        del holder, visit, replaces
        self._judge(f"key {answer}", right=True)
        return NEW_TOKEN

    def new_codes(self, holder: Holder, *, visit: OpenVisit) -> tuple[str, ...]:
        del holder, visit
        self.asked.append("codes")
        return CODES if self.having else ()

    def remove(self, holder: Holder, factor_id: str, *, visit: OpenVisit) -> bool:
        del holder, visit
        self.asked.append(f"remove {factor_id}")
        return True

    def take_form(self, holder: Holder, *, at: datetime) -> KeptForm | None:
        del holder, at
        if self.lacks:
            return None
        form, self.waits = self.waits, None
        return form

    def form_waits(self, holder: Holder, *, at: datetime) -> str | None:
        del holder, at
        return None if self.waits is None else self.waits.system

    def _judge(self, asked: str, *, right: bool) -> None:
        self.asked.append(asked)
        if self.fails_with is not None:
            raise self.fails_with
        if not right:
            raise FactorRefused("code-wrong")


@dataclass(slots=True, kw_only=True)
class FactorOffice:
    """One person, one proposal."""

    person: Staff
    proposed_by: str
    fails_with: ResetRefused | None = None
    asked: list[str] = field(default_factory=list)

    def forget(self) -> None:
        """Begin anew."""
        self.fails_with = None
        self.asked.clear()

    def find(self, officer: LiveSession, text: str) -> tuple[tuple[Staff, Standing], ...]:
        del officer
        if text == "zebra":
            return ()
        return ((self.person, Standing(factors=(PHONE,), codes_left=3)),)

    def waiting(self, officer: LiveSession, *, at: datetime) -> tuple[Reset, ...]:
        del officer
        return (
            Reset(
                id="r1",
                staff_id="cheshire-police/other",
                organisation="cheshire-police",
                name="Rosa Lind",
                person="cheshire-police/10777",
                proposed_by=self.proposed_by,
                at=at - timedelta(hours=2),
            ),
        )

    def notices(self, officer: LiveSession, *, at: datetime) -> tuple[Notice, ...]:
        del officer
        return (
            Notice(
                number=1,
                at=at - timedelta(hours=2),
                code=NoticeCode.RESET_PROPOSED,
                detail="Imran Qureshi",
                staff_id="cheshire-police/other",
                name="Rosa Lind",
                person="cheshire-police/10777",
            ),
        )

    def propose(self, officer: LiveSession, staff_id: str, *, visit: OpenVisit) -> None:
        del officer, visit
        self._note(f"propose {staff_id}")

    def approve(self, officer: LiveSession, proposal_id: str, *, visit: OpenVisit) -> Reset:
        self._note(f"approve {proposal_id}")
        return self.waiting(officer, at=visit.at)[0]

    def drop(self, officer: LiveSession, proposal_id: str, *, visit: OpenVisit) -> Reset:
        self._note(f"drop {proposal_id}")
        return self.waiting(officer, at=visit.at)[0]

    def _note(self, asked: str) -> None:
        self.asked.append(asked)
        if self.fails_with is not None:
            raise self.fails_with


class PurposeDesk:
    """Notes what people said they need functions for."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str, str]] = []

    def keep(
        self,
        session_hash: str,  # noqa: ARG002
        function: str,
        *,
        code: str,
        text: str,
        at: datetime,  # noqa: ARG002
    ) -> None:
        self.kept.append((function, code, text))

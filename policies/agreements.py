"""Agreements: which functions of the host's back office an organisation is offered, and when.

An agreement covers a question only while all of this holds; whatever is missing or past denies:

1. its status is in force;
2. the instant lies between the first moment of `start` and the last moment of `end`, days in
   Europe/London;
3. its data-sharing agreement has not ended (`dsa_expires` is its last valid day);
4. the organisation is served by it: a party that is not the host. The host's own staff are covered
   only by an agreement whose sole party is the host, so suspending it cannot be undone by what a
   partner has signed;
5. the function is among its functions.

It may accept vetting that the host does not in general (`policies.acceptance`).

An overdue review warns (`review_overdue`) and does not end anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from policies.acceptance import read_acceptances
from policies.errors import PolicyError
from policies.findings import Findings, TableReader, nearest_of
from policies.organisations import ORGANISATION_ID
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from policies.acceptance import Acceptance
    from vetting.levels import LevelOrder

AGREEMENT_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

# The name an agreement uses for "every function of the back office"; only the host's own may.
EVERY_FUNCTION = "*"

_LONDON = ZoneInfo("Europe/London")


class AgreementStatus(StrEnum):
    """Where an agreement stands; only one in force covers anything."""

    IN_FORCE = "in-force"
    SUSPENDED = "suspended"
    ENDED = "ended"


class LegalBasis(StrEnum):
    """The law that lets the parties agree."""

    POLICE_ACT_1996_S22A = "s22A"
    POLICING_AND_CRIME_ACT_2017 = "PCA2017"
    GOODS_AND_SERVICES_ACT_1970 = "LAGSA1970"
    LOCAL_GOVERNMENT_ACT_1972 = "LGA1972"
    CONTRACT = "contract"
    OWN_STAFF = "own-staff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One agreement between the host and its partners.

    Attributes:
        id: short name, e.g. `cheshire-blue-light-2018`; every permit names it.
        title: publishable (Police Act 1996 s.23E), the text may not be.
        legal_basis: the law it rests on.
        parties: ids of the organisations that signed, the host among them.
        host: id of the organisation whose back office it is about.
        functions: ids of the functions it offers.
        start: first valid day.
        end: last valid day; None where none is agreed.
        review_due: the day by which it is to be looked at again.
        dsa_ref: reference of the data-sharing agreement.
        dsa_expires: last valid day of the data-sharing agreement; None where none is agreed.
        dpia_ref: reference of the data protection impact assessment.
        status: where it stands.
        supersedes: id of the agreement it takes over from, without a day between; or empty.
        purposes: what the data may be used for, for the record and for people.
        data_classes: what kinds of data it is about.
        accepts: whose vetting counts for its functions besides what the host accepts in general.
        discloses: whether what its partners' staff read is disclosed to their organisation; not so
            where they read for the host, as a processor does.
        starts_at: first instant (UTC), from `start`.
        ends_at: first instant after it (UTC), the earlier of `end` and `dsa_expires`; None where it
            has no end.
        serves: ids of the organisations whose staff it lets in.
    """

    id: str
    title: str
    legal_basis: LegalBasis
    parties: frozenset[str]
    host: str
    functions: frozenset[str]
    start: date
    end: date | None = None
    review_due: date | None = None
    dsa_ref: str
    dsa_expires: date | None = None
    dpia_ref: str
    status: AgreementStatus
    supersedes: str = ""
    purposes: tuple[str, ...] = ()
    data_classes: tuple[str, ...] = ()
    accepts: tuple[Acceptance, ...] = ()
    discloses: bool = False
    starts_at: datetime = field(init=False)
    ends_at: datetime | None = field(init=False)
    serves: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        if self.host not in self.parties:
            raise PolicyError(f"agreement `{self.id}`: the host `{self.host}` is not a party")
        if self.end is not None and self.end < self.start:
            raise PolicyError(f"agreement `{self.id}`: it ends before it starts")
        last_days = [day for day in (self.end, self.dsa_expires) if day is not None]
        ends_at = _start_of(min(last_days) + timedelta(days=1)) if last_days else None
        serves = self.parties if self.parties == {self.host} else self.parties - {self.host}
        # Frozen for everyone else; worked out once, because `covers` is asked on every request.
        object.__setattr__(self, "starts_at", _start_of(self.start))
        object.__setattr__(self, "ends_at", ends_at)
        object.__setattr__(self, "serves", serves)

    def live(self, *, at: datetime) -> bool:
        """Tell whether it is in force at an instant, its data-sharing agreement included."""
        return (
            self.status is AgreementStatus.IN_FORCE
            and at >= self.starts_at
            and (self.ends_at is None or at < self.ends_at)
        )

    def covers(self, organisation: str, function_id: str, *, at: datetime) -> bool:
        """Tell whether it offers a function to an organisation's staff at an instant.

        Args:
            organisation: id of the caller's organisation.
            function_id: id of a function of the catalogue.
            at: an aware instant.
        """
        return organisation in self.serves and function_id in self.functions and self.live(at=at)

    def review_overdue(self, *, at: datetime) -> bool:
        """Tell whether the day of its review has passed; a warning, never an end."""
        return self.review_due is not None and at >= _start_of(self.review_due + timedelta(days=1))

    def changes_at(self) -> tuple[datetime, ...]:
        """Tell the instants at which it comes into force or ends by itself, in order."""
        return (self.starts_at,) if self.ends_at is None else (self.starts_at, self.ends_at)


def load_agreements(
    path: Path, *, order: LevelOrder, every_function: frozenset[str] = frozenset()
) -> tuple[Agreement, ...]:
    """Read the agreements of a policy set, in the order of the file.

    Args:
        path: the file.
        order: the levels whose acceptance may be agreed.
        every_function: the ids that `functions = ["*"]` stands for in the host's own agreement.

    Raises:
        PolicyFileError: with every fault of the file. Whether the organisations and functions exist
        is the
            policy set's affair, which knows them.
    """
    findings = Findings.read(path)
    document = findings.document()
    agreements: dict[str, Agreement] = {}
    successors: list[tuple[TableReader, Agreement]] = []
    for reader in document.tables("agreement"):
        agreement = _agreement(reader, every_function, order)
        if agreement is None:
            continue
        if agreement.id in agreements:
            reader.fault("id", message=f"`{agreement.id}` is declared twice", remedy="remove one")
        agreements[agreement.id] = agreement
        if agreement.supersedes:
            successors.append((reader, agreement))
    for reader, agreement in successors:
        _check_succession(reader, agreement, agreements)
    document.finish()
    findings.refuse_if_any()
    return tuple(agreements.values())


def _check_succession(
    reader: TableReader, agreement: Agreement, agreements: Mapping[str, Agreement]
) -> None:
    """Note an agreement that leaves a day between itself and the one it takes over from."""
    before = agreements.get(agreement.supersedes)
    if before is None or before is agreement:
        reader.fault(
            "supersedes",
            message=f"{quoted(agreement.supersedes)} is not another agreement of this file",
            remedy=nearest_of(agreement.supersedes, agreements.keys() - {agreement.id}),
        )
    elif before.end != agreement.start - timedelta(days=1):
        ends = "has no end" if before.end is None else f"ends on {before.end.isoformat()}"
        reader.fault(
            "start",
            message=f"`{before.id}`, which this agreement supersedes, {ends}",
            remedy=f"end it on {(agreement.start - timedelta(days=1)).isoformat()}, the day before",
        )


def _agreement(
    reader: TableReader, every_function: frozenset[str], order: LevelOrder
) -> Agreement | None:
    agreement_id = reader.text("id", pattern=AGREEMENT_ID)
    title = reader.text("title")
    legal_basis = reader.choice("legal_basis", LegalBasis)
    parties = frozenset(reader.texts("parties", pattern=ORGANISATION_ID))
    host = reader.text("host", pattern=ORGANISATION_ID)
    functions = frozenset(reader.texts("functions"))
    start = reader.day("start", required=True)
    end = reader.day("end", required=False)
    review_due = reader.day("review_due", required=False)
    dsa_ref = reader.text("dsa_ref")
    dsa_expires = reader.day("dsa_expires", required=False)
    dpia_ref = reader.text("dpia_ref")
    status = reader.choice("status", AgreementStatus)
    supersedes = reader.text("supersedes", required=False, pattern=AGREEMENT_ID)
    purposes = reader.texts("purposes", required=False)
    data_classes = reader.texts("data_classes", required=False)
    accepts = read_acceptances(reader, order)
    discloses = reader.flag("discloses")
    reader.finish()
    if EVERY_FUNCTION in functions:
        if parties != {host} or len(functions) != 1:
            reader.fault(
                "functions",
                message='"*" offers every function',
                remedy="name the functions one by one; only the host's own staff may be given all",
            )
        functions = every_function
    if not agreement_id or legal_basis is None or start is None or status is None:
        return None
    return reader.parsed(
        "id",
        read=lambda: Agreement(
            id=agreement_id,
            title=title,
            legal_basis=legal_basis,
            parties=parties,
            host=host,
            functions=functions,
            start=start,
            end=end,
            review_due=review_due,
            dsa_ref=dsa_ref,
            dsa_expires=dsa_expires,
            dpia_ref=dpia_ref,
            status=status,
            supersedes=supersedes,
            purposes=purposes,
            data_classes=data_classes,
            accepts=accepts,
            discloses=discloses,
        ),
        error=PolicyError,
        remedy="correct the parties or the days",
    )


def _start_of(day: date) -> datetime:
    """Give the first instant of a day in London, in UTC."""
    return datetime.combine(day, time.min, tzinfo=_LONDON).astimezone(UTC)

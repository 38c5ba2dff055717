"""Reads decision tables: questions, and everything that one person sees, as an officer writes them.

    policy_set = "../policy"               # folder of the set, from the folder of this file
    on = 2026-11-21T12:00:00Z              # the instant, where a row gives none

    [[case]]                               # one question
    why = "C1: a supplier's call handler, on the last day of the control room contract"
    organisation = "steria"
    posts = ["control-room"]
    levels = ["N3 by cleveland-police until 2020-09-30"]
    asks = "pc.incident"
    on = 2019-04-30T12:00:00Z
    gate = "permitted"                     # or the gate that fails
    reason = "rule-permits"                # the reason that is recorded

    [[account]]                            # everything one person sees
    name = "firefighter"
    organisation = "cheshire-fire"
    levels = ["DBSB"]
    tiles = ["pay.slip", "pay.bank"]       # exactly, in the order of the catalogue
    step_up = ["pay.bank"]                 # of those, what waits for a second factor
    purpose = ["hr.search"]                # and what waits for a purpose
    pages = ["gate.portal"]                # exactly the gateway's own pages

A level stands as `LEVEL [by BODY] [for SPONSOR] [from DAY] [until DAY] [review DAY] [STATUS]`. Left
out: granted by the host (an employer's screening by the employer), for the person's own
organisation, in 2000, without end, granted. The person's own employee number is 1001. An
organisation that the set does not know needs `stranger_of_kind`.

Whoever asks is taken to do what obligations leave to them (mask, watermark, rate). A question may
have `purpose`, `rate_used_up = true` where it was asked too often, and `obligations`, the words of
all that a permit is bound to, or of what is not kept; `discloses` says whether reading is a
disclosure to the caller's organisation, by the agreement.

Either may have `zone` (where the request comes from; else not known) and `trainings` (in date). A
question has `second_factor = true`, or `second_factor_minutes` where it was shown so long ago.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from policies.decision import Gate
from policies.findings import Findings, nearest_of
from policies.function import Action
from policies.obligations import LEFT_TO_ASKER, Obligation
from policies.organisations import ORGANISATION_ID, OrganisationKind
from policies.question import Question, Subject
from policies.reasons import Reason
from vetting.clearance import Clearance
from vetting.errors import VettingError, quoted
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from policies.findings import TableReader
    from policies.policy_set import PolicySet

OWN_NUMBER = "1001"
PASSWORD = frozenset({"password"})
BOTH_FACTORS = frozenset({"password", "second-factor"})
LONG_AGO = date(2000, 1, 1)
MOST_MINUTES = 24 * 60
_STATUSES = {status.value: status for status in GrantStatus}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question and what has to come out.

    Attributes:
        file: where it is written.
        line: the line it begins on.
        why: what it shows.
        question: what is asked.
        gate: where it has to end.
        reason: the reason that has to be recorded.
        obligations: the words of what the decision has to carry; None where the row does not say.
        discloses: whether what is read is disclosed to the caller's organisation; None as above.
    """

    file: str
    line: int
    why: str
    question: Question
    gate: Gate
    reason: Reason
    obligations: tuple[str, ...] | None
    discloses: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person and everything they have to see.

    Attributes:
        file: where it is written.
        line: the line it begins on.
        why: the account's name.
        subject: the person.
        at: when they look.
        zone: the network zone they look from.
        tiles: ids of the functions with a tile, in the order of the catalogue.
        step_up: of those, the ones that wait for a second factor.
        purpose: of those, the ones that wait for a purpose.
        pages: ids of the gateway's own pages that open.
    """

    file: str
    line: int
    why: str
    subject: Subject
    at: datetime
    zone: str | None
    tiles: tuple[str, ...]
    step_up: tuple[str, ...]
    purpose: tuple[str, ...]
    pages: frozenset[str]


Row = Case | Account


def policy_set_of(path: Path) -> Path | None:
    """Tell which policy set a table is about; None where it does not say."""
    written = Findings.read(path).source.data.get("policy_set")
    return path.parent / written if isinstance(written, str) else None


def load_table(path: Path, policy_set: PolicySet) -> tuple[Row, ...]:
    """Read the rows of one table, in their order.

    Args:
        path: the file.
        policy_set: what its words are about.

    Raises:
        PolicyFileError: with every fault of the file; a table without rows has one.
    """
    findings = Findings.read(path)
    document = findings.document()
    document.text("policy_set", required=False)
    usual = document.instant("on", required=False)
    reading = _Reading(findings, policy_set, usual, str(path))
    rows: list[Row | None] = [
        *(reading.account(reader) for reader in document.tables("account", required=False)),
        *(reading.case(reader) for reader in document.tables("case", required=False)),
    ]
    document.finish()
    if not rows and not findings.faults:
        findings.add(message="holds no row", remedy="write a [[case]] or an [[account]]")
    findings.refuse_if_any()
    return tuple(row for row in rows if row is not None)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads the rows of one file."""

    findings: Findings
    policy_set: PolicySet
    usual: datetime | None
    file: str

    def account(self, reader: TableReader) -> Account | None:
        name = reader.text("name")
        manages = reader.flag("manages")
        subject = self._subject(reader, team=("1002",) if manages else ())
        reader.text("reason", required=False)
        functions = self.policy_set.catalogue.functions
        tiles, step_up, purpose, pages = (
            self._known(reader, key, functions) for key in ("tiles", "step_up", "purpose", "pages")
        )
        at = self._at(reader)
        zone = reader.text("zone", required=False) or None
        reader.finish()
        if subject is None or at is None:
            return None
        return Account(
            file=self.file,
            line=reader.line,
            why=name,
            subject=subject,
            at=at,
            zone=zone,
            tiles=tiles,
            step_up=step_up,
            purpose=purpose,
            pages=frozenset(pages),
        )

    def case(self, reader: TableReader) -> Case | None:
        why = reader.text("why")
        subject = self._subject(reader, team=reader.texts("team", required=False))
        asked = reader.text("asks")
        function = self.policy_set.catalogue.functions.get(asked)
        if asked and function is None:
            self._unknown(reader, "asks", asked, self.policy_set.catalogue.functions)
        action = reader.choice("to", Action, required=False) or Action.READ
        person = reader.text("names", required=False) or None
        owner = reader.text("of", required=False, pattern=ORGANISATION_ID) or None
        age_us = self._factor_age_us(reader)
        zone = reader.text("zone", required=False) or None
        at = self._at(reader)
        purpose = self._purpose(reader)
        used_up = reader.flag("rate_used_up")
        obligations = self._obligations(reader)
        discloses = reader.flag("discloses") if reader.has("discloses") else None
        gate = reader.choice("gate", Gate)
        reason = reader.choice("reason", Reason)
        reader.finish()
        if subject is None or function is None or at is None or gate is None or reason is None:
            return None
        factors = PASSWORD if age_us is None else BOTH_FACTORS
        question = Question(
            subject=subject,
            function=function,
            action=action,
            at=at,
            record_person=person,
            record_organisation=owner,
            factors=function.fresh_factors(factors, None if age_us is None else -age_us, 0),
            zone=zone,
            second_factor_age_us=age_us,
            purpose=purpose,
            honours=LEFT_TO_ASKER - {Obligation.RATE} if used_up else LEFT_TO_ASKER,
        )
        return Case(
            file=self.file,
            line=reader.line,
            why=why,
            question=question,
            gate=gate,
            reason=reason,
            obligations=obligations,
            discloses=discloses,
        )

    def _purpose(self, reader: TableReader) -> str | None:
        purpose = reader.text("purpose", required=False) or None
        if purpose is not None and purpose not in self.policy_set.catalogue.purposes:
            self._unknown(reader, "purpose", purpose, self.policy_set.catalogue.purposes)
        return purpose

    @staticmethod
    def _obligations(reader: TableReader) -> tuple[str, ...] | None:
        if reader.has("obligations") and reader.raw("obligations") == []:
            return ()
        return reader.texts("obligations", required=False) or None

    @staticmethod
    def _factor_age_us(reader: TableReader) -> int | None:
        """Read how long ago a second factor was shown; None where none was."""
        shown = reader.flag("second_factor")
        if not reader.has("second_factor_minutes"):
            return 0 if shown else None
        return 60_000_000 * reader.whole(
            "second_factor_minutes", least=0, most=MOST_MINUTES, default=0
        )

    def _at(self, reader: TableReader) -> datetime | None:
        at = reader.instant("on", required=False)
        if at is None and self.usual is None:
            reader.fault(
                message="says no instant", remedy="write `on` here, or once at the top of the file"
            )
        return at or self.usual

    def _subject(self, reader: TableReader, team: Iterable[str]) -> Subject | None:
        kinds = {each.id: each.kind for each in self.policy_set.organisations}
        organisation = reader.text("organisation", pattern=ORGANISATION_ID)
        posts = reader.texts("posts", required=False)
        unit = reader.text("unit", required=False)
        appointments = reader.texts("appointments", required=False)
        trainings = reader.texts("trainings", required=False)
        stranger = reader.choice("stranger_of_kind", OrganisationKind, required=False)
        if stranger is not None:
            kinds = {organisation: stranger}
        if organisation and organisation not in kinds:
            self._unknown(reader, "organisation", organisation, kinds)
            organisation = ""
        grants = self._grants(reader, organisation)
        if not organisation:
            return None
        return Subject(
            staff_id=f"{organisation}/{OWN_NUMBER}",
            organisation=organisation,
            organisation_kind=kinds[organisation],
            employee_number=OWN_NUMBER,
            name="",
            posts=frozenset(posts),
            unit=unit,
            team=frozenset(team),
            appointments=frozenset(appointments),
            trainings=frozenset(trainings),
            clearance=Clearance(
                grants=grants,
                organisation=organisation,
                order=self.policy_set.levels,
                accepted=self.policy_set.accepted_bodies,
            ),
        )

    def _grants(self, reader: TableReader, organisation: str) -> tuple[ClearanceGrant, ...]:
        grants = []
        for place, words in enumerate(reader.texts("levels", required=False)):
            try:
                grants.append(self._grant(words, place, organisation or "unknown"))
            except (ValueError, VettingError) as error:
                reader.fault(
                    "levels",
                    place,
                    message=str(error),
                    remedy="write LEVEL [by BODY] [for SPONSOR] [from DAY] [until DAY] [STATUS]",
                )
        return tuple(grants)

    def _grant(self, words: str, place: int, organisation: str) -> ClearanceGrant:
        level, *rest = words.split()
        levels = self.policy_set.levels
        if level not in levels.ids:
            raise ValueError(f"{quoted(level)} is no level")
        screening = levels.level(LevelId(level)).screening
        named = {"by": organisation if screening else self.policy_set.host.id, "for": organisation}
        days = {"from": LONG_AGO, "until": None, "review": None}
        status = GrantStatus.GRANTED
        while rest:
            word = rest.pop(0)
            if word in _STATUSES:
                status = _STATUSES[word]
            elif word in named and rest:
                named[word] = rest.pop(0)
            elif word in days and rest:
                days[word] = date.fromisoformat(rest.pop(0))
            else:
                raise ValueError(f"{quoted(word)} is not understood in {quoted(words)}")
        return ClearanceGrant(
            id=f"{place + 1}",
            level=LevelId(level),
            granting_body=named["by"],
            sponsor=named["for"],
            granted_on=days["from"] or LONG_AGO,
            expires_on=days["until"],
            review_due_on=days["review"],
            status=status,
        )

    def _known(self, reader: TableReader, key: str, functions: Iterable[str]) -> tuple[str, ...]:
        names = reader.texts(key, required=False)
        for name in names:
            if name not in functions:
                self._unknown(reader, key, name, functions)
        return names

    @staticmethod
    def _unknown(reader: TableReader, key: str, word: str, known: Iterable[str]) -> None:
        message = f"{quoted(word)} is not part of the policy set"
        reader.fault(key, message=message, remedy=nearest_of(word, known))

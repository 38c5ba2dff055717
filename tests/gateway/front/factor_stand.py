"""The desks of second factors over a real store, record and sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.audit.entry import EntryDraft
from gateway.errors import RecordUnavailable
from gateway.front.factor_desk import FactorDesk
from gateway.front.factor_office import FactorOffice
from gateway.front.factor_record import FactorRecord
from gateway.identity.factors.factor_reset import FactorResets
from gateway.identity.factors.factors import SecondFactors
from gateway.identity.factors.kept_forms import KeptForms
from gateway.identity.factors.second_factor import totp_code, totp_step
from gateway.identity.organisations import Organisation, Organisations
from gateway.identity.signing_in.attempts import AttemptLimits, Attempts
from gateway.identity.signing_in.factor_holder import Holder
from gateway.identity.signing_in.sign_in import SignIn
from gateway.identity.signing_in.stages import SignInStages
from gateway.store.schema import microseconds
from gateway.throttle import RefusalThrottle
from gateway.visit import Visit
from tests.gateway.identity.factor_bench import PARTY, SEAL
from tests.gateway.identity.parts import AT, FIRE, Parts
from tests.gateway.visits import new_visit, request


@dataclass
class NotingRecord:
    """A record that can be away, and notes what it was given."""

    drafts: list[EntryDraft] = field(default_factory=list)
    away: bool = False

    def record_and_wait(self, draft: EntryDraft, timeout_seconds: float = 2.0) -> None:
        del timeout_seconds
        if self.away:
            raise RecordUnavailable("record: away")
        self.drafts.append(draft)

    @property
    def codes(self) -> list[str]:
        return [f"{draft.outcome.value} {draft.code}" for draft in self.drafts]


@dataclass
class FactorStand:
    """Desks over one store; the fire service asks for a factor at sign-in."""

    parts: Parts
    noted: NotingRecord = field(default_factory=NotingRecord)

    def __post_init__(self) -> None:
        store, parts = self.parts.store, self.parts
        recorder: Any = self.noted
        record = FactorRecord(engine=store, recorder=recorder, throttle=RefusalThrottle())
        self.factors = SecondFactors(store, SEAL, PARTY)
        self.forms = KeptForms(store, SEAL)
        self.stages = SignInStages(store, SEAL)
        fire = Organisation(id=FIRE, name="Fire", kind="fire", factor_at_sign_in=True)
        self.sign_in = SignIn(
            engine=store,
            bulletin=parts.bulletin,
            organisations=Organisations([fire]),
            doors={},
            attempts=Attempts(store, lambda _: AttemptLimits()),
            sessions=parts.sessions,
            subjects=parts.subjects,
            hold=self.stages.begin,
        )
        self.desk = FactorDesk(
            engine=store,
            bulletin=parts.bulletin,
            factors=self.factors,
            forms=self.forms,
            stages=self.stages,
            sessions=parts.sessions,
            sign_in=self.sign_in,
            record=record,
            service_name="Shared services",
            clock=lambda: AT,
        )
        self.office = FactorOffice(
            engine=store,
            factors=self.factors,
            resets=FactorResets(store),
            sessions=parts.sessions,
            record=record,
        )

    def holder(self, name: str = "alice", number: str = "40011", token: str = "") -> Holder:
        """Sign somebody in at `AT`, or look a token up; gives the holder."""
        token = token or self.parts.sign_in(name, number)[0]
        live = self.parts.cache.load(token, at=AT)
        assert live is not None
        return self.desk.holder(live)

    def enrol(self, holder: Holder, at: datetime = AT) -> tuple[str, tuple[str, ...], str]:
        """Enrol an app; gives its secret, the recovery codes and the new token."""
        secret, _ = self.desk.begin_app(holder, at=at)
        codes, token = self.desk.add_app(
            holder,
            name="Phone",
            code=totp_code(secret, totp_step(at)),
            visit=visit_at(at),
            replaces=None,
        )
        self.parts.reader.read()
        return secret, codes, token


def visit_at(at: datetime = AT) -> Visit:
    """Open a visit at an instant."""
    return new_visit(request(), at_us=microseconds(at))

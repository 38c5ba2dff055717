"""What tests of second factors put together: the real store, sealed, and somebody signed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from gateway.identity.factors.factor_seal import FactorSeal
from gateway.identity.factors.factors import Enrolled, SecondFactors
from gateway.identity.factors.second_factor import totp_code, totp_step
from gateway.identity.factors.security_key import RelyingParty
from gateway.identity.staff import Staff, staff_by_id
from gateway.store.engine import reading
from tests.doubles.soft_key import SoftKey
from tests.gateway.identity.parts import AT, Parts

ORIGIN = "http://localhost:8080"
SEAL = FactorSeal([bytes(range(32))])
PARTY = RelyingParty(origin=ORIGIN, name="Shared services")


def anyone(_: Connection, __: int) -> None:
    """Allow every enrolment: who may is not what is tested."""


@dataclass(slots=True, kw_only=True)
class FactorBench:
    """Second factors over a store."""

    parts: Parts
    factors: SecondFactors = field(init=False)

    def __post_init__(self) -> None:
        self.factors = SecondFactors(self.parts.store, SEAL, PARTY)

    def staff(self, name: str = "alice", number: str = "40011") -> tuple[Staff, str]:
        """Sign somebody in; gives them and the hash of their session."""
        _, session = self.parts.sign_in(name, number)
        with reading(self.parts.store) as connection:
            staff = staff_by_id(connection, session.staff_id)
        assert staff is not None
        return staff, session.hash

    def with_app(
        self, staff: Staff, binding: str, at: datetime = AT, name: str = "Phone"
    ) -> tuple[str, Enrolled]:
        """Enrol an app; gives its secret too."""
        secret = self.factors.begin_app(binding, at=at)
        code = totp_code(secret, totp_step(at))
        return secret, self.factors.add_app(
            binding, staff.staff_id, name=name, code=code, at=at, allow=anyone
        )

    def with_key(self, staff: Staff, binding: str, at: datetime = AT) -> SoftKey:
        """Enrol a security key."""
        key = SoftKey(origin=ORIGIN)
        options = self.factors.begin_key(binding, staff, at=at)
        answer = key.enrol(options)
        self.factors.add_key(
            binding, staff.staff_id, name="Blue key", answer=answer, at=at, allow=anyone
        )
        return key

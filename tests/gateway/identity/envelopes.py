"""Break-glass accounts for tests: proposed by one officer, sealed by another."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine

from gateway.identity.factors.factor_seal import FactorSeal
from gateway.identity.factors.second_factor import totp_code, totp_step
from gateway.identity.signing_in.break_glass_accounts import Envelope, propose, seal
from gateway.store.engine import writing
from tests.gateway.identity.parts import AT, FIRE

ACCOUNT = "night-duty"
NUMBER = "BG-1"
SEAL = FactorSeal([bytes(range(32))])


def new_envelope(
    store: Engine,
    *,
    host: str = FIRE,
    name: str = ACCOUNT,
    number: str = NUMBER,
    uses: int = 2,
    proposed_by: str = "m.jones",
    sealed_by: str = "t.bell",
    at: datetime = AT,
    seal_with: FactorSeal = SEAL,
) -> Envelope:
    """Make an account that can be used."""
    with writing(store) as connection:
        propose(
            connection,
            host=host,
            name=name,
            employee_number=number,
            uses=uses,
            by=proposed_by,
            at=at,
        )
        return seal(
            connection,
            host=host,
            name=name,
            by=sealed_by,
            until=at + timedelta(days=180),
            at=at,
            factor_seal=seal_with,
        )


def code_at(envelope: Envelope, at: datetime) -> str:
    """Give the code that the authenticator shows."""
    return totp_code(envelope.authenticator, totp_step(at))

"""A sign-in that still owes a second factor: kept apart from sessions, and never one.

The browser holds a random token in a cookie of its own; the database its hash, and sealed what the
session will be opened with. A stage is good for ten minutes and taken out once, by whoever has just
judged a proof; what it becomes then is a new session with a new token. Its token opens no page but
those of the sign-in, and is looked up nowhere else.
"""

from __future__ import annotations

import json
from dataclasses import asdict, astuple, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, delete, insert, select

from gateway.identity.directories.directory import DirectoryPerson
from gateway.identity.factors.factor_seal import FactorSeal
from gateway.identity.sessions.session import SessionLimits
from gateway.identity.sessions.session_ending import provider_session_hash
from gateway.identity.sessions.tokens import is_token, new_token, token_hash
from gateway.identity.signing_in.sign_in import Vouched
from gateway.identity.staff import Staff, staff_by_id
from gateway.store.engine import reading
from gateway.store.schema import instant, microseconds
from gateway.store.schema_second_factor import sign_in_stage

GOOD_FOR: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A sign-in that owes a factor.

    Attributes:
        hash: of its token; what a ceremony is bound to.
        staff: who is signing in.
        vouched: what their directory vouched for.
        begun_at: when it did.
    """

    hash: str
    staff: Staff
    vouched: Vouched
    begun_at: datetime

    def proved(self, at: datetime) -> Vouched:
        """Give what a session is opened on, once the factor has been shown."""
        return replace(
            self.vouched,
            factors=self.vouched.factors | {"second-factor"},
            second_factor_at=at,
            # The directory may have closed the account since: it is asked again the sooner.
            vouched_at=self.begun_at,
        )


class SignInStages:
    """The stages of one gateway. Every method blocks; safe to use from several threads."""

    def __init__(self, engine: Engine, seal: FactorSeal) -> None:
        """Keep them in this store, sealed."""
        self._engine = engine
        self._seal = seal

    def begin(self, connection: Connection, staff: Staff, vouched: Vouched, at: datetime) -> str:
        """Keep a sign-in that owes a factor, in the transaction that remembers the staff.

        Returns:
            Its token, for the browser and nothing else.
        """
        token = new_token()
        stage_hash = token_hash(token)
        connection.execute(
            insert(sign_in_stage).values(
                hash=stage_hash,
                staff_id=staff.staff_id,
                directory=vouched.directory,
                provider_session=provider_session_hash(vouched.provider_session),
                sealed=self._seal.seal(_written(vouched), context=_context(stage_hash)),
                at_us=microseconds(at),
            )
        )
        return token

    def look(self, token: str, *, at: datetime) -> Stage | None:
        """Find the stage of a token, leaving it there; None if there is none, or it has lapsed."""
        if not is_token(token):
            return None
        with reading(self._engine) as connection:
            return self._read(connection, token_hash(token), at)

    def find(self, stage_hash: str, *, at: datetime) -> Stage | None:
        """Find a stage by its hash, leaving it there."""
        with reading(self._engine) as connection:
            return self._read(connection, stage_hash, at)

    def is_there(self, connection: Connection, stage_hash: str) -> bool:
        """Tell whether a stage has been neither taken nor ended."""
        table = sign_in_stage
        found = connection.execute(select(table.c.hash).where(table.c.hash == stage_hash))
        return found.first() is not None

    def take(self, connection: Connection, stage_hash: str) -> bool:
        """Take a stage out, in the transaction that opens its session.

        Of two who have proved the factor at once, one gets it; nobody does when it was ended
        meanwhile.

        Returns:
            Whether it was there.
        """
        table = sign_in_stage
        return bool(connection.execute(delete(table).where(table.c.hash == stage_hash)).rowcount)

    def _read(self, connection: Connection, stage_hash: str, at: datetime) -> Stage | None:
        table = sign_in_stage
        row = connection.execute(
            select(table).where(
                table.c.hash == stage_hash,
                table.c.at_us > microseconds(at - GOOD_FOR),
                table.c.at_us <= microseconds(at),
            )
        ).one_or_none()
        staff = None if row is None else staff_by_id(connection, row.staff_id)
        if row is None or staff is None:
            return None
        return Stage(
            hash=stage_hash,
            staff=staff,
            vouched=_read_back(self._seal.open(row.sealed, context=_context(stage_hash))),
            begun_at=instant(row.at_us),
        )


def end_provider_stages(
    connection: Connection,
    directory: str,
    *,
    provider_session: str | None,
    staff_id: str | None,
) -> tuple[str, ...]:
    """End what waits for a second factor, as its provider says that it is over.

    Args:
        connection: a writing connection.
        directory: the provider.
        provider_session: its own session (`sid`), where it names one.
        staff_id: whose, where it names somebody; empty for somebody who is not known.

    Returns:
        Whose they were.
    """
    table = sign_in_stage
    meant = table.c.directory == directory
    if provider_session is not None:
        meant &= table.c.provider_session == provider_session_hash(provider_session)
    if staff_id is not None:
        meant &= table.c.staff_id == staff_id
    gone = connection.execute(delete(table).where(meant).returning(table.c.staff_id))
    return tuple(gone.scalars())


def purge_stages(connection: Connection, at: datetime) -> None:
    """Remove what nobody finished."""
    connection.execute(
        delete(sign_in_stage).where(sign_in_stage.c.at_us <= microseconds(at - GOOD_FOR))
    )


def _written(vouched: Vouched) -> bytes:
    """Write down what was vouched for; the second factor is owed, so when it was shown is not."""
    held = asdict(replace(vouched, second_factor_at=None))
    if vouched.limits is not None:
        held["limits"] = [each.total_seconds() for each in astuple(vouched.limits)]
    return json.dumps(held, default=sorted).encode()  # sets are all that JSON does not know


def _read_back(plain: bytes) -> Vouched:
    held = json.loads(plain)
    person: dict[str, Any] = {
        name: frozenset(value) if isinstance(value, list) else value
        for name, value in held.pop("person").items()
    }
    factors = frozenset(held.pop("factors"))
    if held["limits"] is not None:
        idle, absolute = (timedelta(seconds=each) for each in held["limits"])
        held["limits"] = SessionLimits(idle=idle, absolute=absolute)
    return Vouched(person=DirectoryPerson(**person), factors=factors, **held)


def _context(stage_hash: str) -> str:
    return f"sign-in stage {stage_hash}"

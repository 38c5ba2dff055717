"""The second factors of staff in the database: enrolled, proved, removed.

1. A person has as many as they like, each with a name: authenticator apps, and security keys or
   passkeys. The first one brings recovery codes with it; the last one takes them away.
2. A proof is judged and used up in one transaction under the write lock: a code, a challenge or a
   count of signatures serves once, whoever sends it how often at the same time.
3. What is not right is not right: an empty answer, one to a challenge of another session, one of
   somebody else's factor.

Who may enrol or remove one, and what is then recorded, is for `gateway.front.factor_desk`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, Engine, delete, insert, select, update

from gateway.errors import IdentityError
from gateway.identity.factors import factor_ceremonies as ceremonies
from gateway.identity.factors import security_key
from gateway.identity.factors.factor_ceremonies import Purpose
from gateway.identity.factors.factor_failures import count_failure, forget_failures, wait_until
from gateway.identity.factors.factor_rows import (
    Factor,
    FactorKind,
    Standing,
    factor_rows,
    to_factor,
    to_key,
)
from gateway.identity.factors.factor_seal import FactorSeal, SealBroken
from gateway.identity.factors.recovery_codes import codes_left, drop_codes, make_codes, use_code
from gateway.identity.factors.second_factor import NO_STEP, new_secret, plain_code, verify_totp
from gateway.identity.factors.security_key import KnownKey, RelyingParty, SignCountRegressed
from gateway.identity.staff import Staff
from gateway.store.engine import reading, writing
from gateway.store.schema import microseconds
from gateway.store.schema_second_factor import second_factor

MOST_FACTORS: Final = 10
NAME_CHARACTERS: Final = 60
_CHALLENGE_BYTES: Final = 32


class Proof(StrEnum):
    """What a second factor was proved with, for the record."""

    APP = "app"
    KEY = "key"
    RECOVERY_CODE = "recovery-code"


class FactorRefused(IdentityError):  # noqa: N818  # named for what happened, as its family is
    """A proof or an enrolment was refused.

    Attributes:
        code: why: `code-wrong`, `code-must-wait`, `key-wrong`, `key-copied`, `too-late` (nothing
            is under way any more), `too-many`, `key-known`.
        wait_until: for `code-must-wait`, from when a code is looked at again.
        failures: for `code-wrong`, how many there have been.
    """

    def __init__(self, code: str, *, wait_until: datetime | None = None, failures: int = 0) -> None:
        super().__init__(f"second factor: {code}")
        self.code, self.wait_until, self.failures = code, wait_until, failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A factor that was added; the recovery codes that came with a first one, else none."""

    factor: Factor
    codes: tuple[str, ...]


Allow = Callable[[Connection, int], None]
"""Says, in the transaction that adds a factor, whether it may be; raises `FactorRefused` if not.

It is told how many factors the person has in that very state of the database.
"""


class SecondFactors:
    """The factors of one gateway. Every method blocks; safe to use from several threads."""

    def __init__(self, engine: Engine, seal: FactorSeal, party: RelyingParty) -> None:
        """Keep factors in this store.

        Args:
            engine: the store.
            seal: for what is secret.
            party: who asks, as security keys know it.
        """
        self._engine = engine
        self._seal = seal
        self._party = party

    def standing(self, staff_id: str) -> Standing:
        """Say what a person has, the oldest first."""
        with reading(self._engine) as connection:
            rows = factor_rows(connection, staff_id)
            return Standing(
                factors=tuple(to_factor(row) for row in rows),
                codes_left=codes_left(connection, staff_id) if rows else 0,
            )

    # ---- enrolment --------------------------------------------------------------------------

    def begin_app(self, binding: str, *, at: datetime) -> str:
        """Give the secret of an app being enrolled, the same as long as that goes on.

        Args:
            binding: hash of the session or of the sign-in stage.
            at: now.
        """
        with writing(self._engine) as connection:
            kept = ceremonies.peek_value(connection, self._seal, binding, Purpose.ADD_APP, at)
            if kept is not None:
                return kept.decode("ascii")
            secret = new_secret()
            ceremonies.keep_value(
                connection, self._seal, binding, Purpose.ADD_APP, secret.encode("ascii"), at
            )
            return secret

    def add_app(
        self, binding: str, staff_id: str, *, name: str, code: str, at: datetime, allow: Allow
    ) -> Enrolled:
        """Add the app being enrolled, which shows that it works.

        Raises:
            FactorRefused: `code-wrong` (it may be tried again), `too-late`, `too-many`, or what
                `allow` says.
        """
        with writing(self._engine) as connection:
            kept = ceremonies.peek_value(connection, self._seal, binding, Purpose.ADD_APP, at)
            if kept is None:
                raise FactorRefused("too-late")
            secret = kept.decode("ascii")
            step = verify_totp(secret, code, at=at, last_step=NO_STEP)
            if step is None:
                raise FactorRefused("code-wrong")
            ceremonies.take_value(connection, self._seal, binding, Purpose.ADD_APP, at)
            factor_id = _new_id()
            sealed = self._seal.seal(secret.encode("ascii"), context=_context(factor_id, staff_id))
            return self._add(
                connection,
                staff_id,
                at,
                allow,
                id=factor_id,
                kind=FactorKind.APP,
                name=_named(name, "Authenticator app"),
                secret=sealed,
                last_step=step,
            )

    def begin_key(self, binding: str, staff: Staff, *, at: datetime) -> str:
        """Give what a browser asks a new key, as JSON."""
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)
        with writing(self._engine) as connection:
            known = [
                to_key(row) for row in factor_rows(connection, staff.staff_id) if row.credential_id
            ]
            ceremonies.keep_value(connection, self._seal, binding, Purpose.ADD_KEY, challenge, at)
        handle = self._seal.macs(staff.staff_id, context="handle for keys")[-1]
        return security_key.enrolment_options(
            self._party,
            handle=bytes.fromhex(handle),
            account=staff.address,
            name=staff.name,
            challenge=challenge,
            known=known,
        )

    def add_key(
        self, binding: str, staff_id: str, *, name: str, answer: str, at: datetime, allow: Allow
    ) -> Enrolled:
        """Add a security key or passkey.

        Raises:
            FactorRefused: `key-wrong`, `key-known`, `too-late`, `too-many`, or what `allow` says.
        """
        challenge = self._take(binding, Purpose.ADD_KEY, at)
        try:
            key = security_key.judge_enrolment(self._party, challenge=challenge, answer=answer)
        except security_key.KeyAnswerWrong as error:
            raise FactorRefused("key-wrong") from error
        with writing(self._engine) as connection:
            table = second_factor
            known = select(table.c.id).where(table.c.credential_id == key.credential_id)
            if connection.execute(known).first() is not None:
                raise FactorRefused("key-known")
            return self._add(
                connection,
                staff_id,
                at,
                allow,
                id=_new_id(),
                kind=FactorKind.KEY,
                name=_named(name, "Security key"),
                credential_id=key.credential_id,
                public_key=key.public_key,
                sign_count=key.sign_count,
                transports=key.transports,
            )

    # ---- proof ------------------------------------------------------------------------------

    def prove_code(self, staff_id: str, code: str, *, at: datetime) -> Proof:
        """Judge a code of one of the person's apps, or a recovery code, and use it up.

        Raises:
            FactorRefused: `code-wrong`, `code-must-wait`.
        """
        # Refusing must not undo the count, so it happens outside the transaction.
        refused: FactorRefused
        with writing(self._engine) as connection:
            until = wait_until(connection, staff_id, at)
            if until is not None:
                refused = FactorRefused("code-must-wait", wait_until=until)
            else:
                proof = self._use_code(connection, staff_id, code, at)
                if proof is not None:
                    forget_failures(connection, staff_id)
                    return proof
                failures = count_failure(connection, staff_id, at)
                refused = FactorRefused("code-wrong", failures=failures)
        raise refused

    def challenge_key(self, binding: str, staff_id: str, *, at: datetime) -> str:
        """Give what a browser asks the person's keys, as JSON; empty where they have none."""
        with writing(self._engine) as connection:
            known = [to_key(row) for row in factor_rows(connection, staff_id) if row.credential_id]
            if not known:
                return ""
            challenge = secrets.token_bytes(_CHALLENGE_BYTES)
            ceremonies.keep_value(connection, self._seal, binding, Purpose.PROVE_KEY, challenge, at)
        return security_key.challenge_options(self._party, challenge=challenge, known=known)

    def prove_key(self, binding: str, staff_id: str, answer: str, *, at: datetime) -> Proof:
        """Judge the answer of one of the person's keys to the challenge of this session.

        Raises:
            FactorRefused: `key-wrong`, `too-late`; `key-copied` where its count went back.
        """
        challenge = self._take(binding, Purpose.PROVE_KEY, at)
        try:
            claimed = security_key.answering_key(answer)
            with writing(self._engine) as connection:
                key = self._key(connection, staff_id, claimed)
                count = security_key.judge_answer(
                    self._party, challenge=challenge, answer=answer, key=key
                )
                connection.execute(
                    update(second_factor)
                    .where(second_factor.c.credential_id == key.credential_id)
                    .values(sign_count=count, used_at_us=microseconds(at))
                )
        except SignCountRegressed as error:
            raise FactorRefused("key-copied") from error
        except security_key.KeyAnswerWrong as error:
            raise FactorRefused("key-wrong") from error
        return Proof.KEY

    # ---- afterwards -------------------------------------------------------------------------

    def new_codes(self, staff_id: str, *, at: datetime) -> tuple[str, ...]:
        """Make new recovery codes for somebody who has a factor; the old ones are void."""
        with writing(self._engine) as connection:
            if not factor_rows(connection, staff_id):
                return ()
            return make_codes(connection, self._seal, staff_id, at)

    def remove(self, staff_id: str, factor_id: str) -> Factor | None:
        """Remove a factor; the last one takes the recovery codes with it.

        Returns:
            What was removed; None if the person has no such factor.
        """
        with writing(self._engine) as connection:
            rows = factor_rows(connection, staff_id)
            gone = next((row for row in rows if row.id == factor_id), None)
            if gone is None:
                return None
            connection.execute(delete(second_factor).where(second_factor.c.id == factor_id))
            if len(rows) == 1:
                drop_codes(connection, staff_id)
            return to_factor(gone)

    def _add(
        self,
        connection: Connection,
        staff_id: str,
        at: datetime,
        allow: Allow,
        **values: object,
    ) -> Enrolled:
        before = len(factor_rows(connection, staff_id))
        allow(connection, before)
        if before >= MOST_FACTORS:
            raise FactorRefused("too-many")
        row = {
            "staff_id": staff_id,
            "added_at_us": microseconds(at),
            "used_at_us": None,
            "secret": "",
            "last_step": NO_STEP,
            "credential_id": None,
            "public_key": "",
            "sign_count": 0,
            "transports": "",
            **values,
        }
        connection.execute(insert(second_factor).values(row))
        codes = () if before else make_codes(connection, self._seal, staff_id, at)
        (added,) = [each for each in factor_rows(connection, staff_id) if each.id == row["id"]]
        return Enrolled(factor=to_factor(added), codes=codes)

    def _use_code(
        self, connection: Connection, staff_id: str, code: str, at: datetime
    ) -> Proof | None:
        rows = factor_rows(connection, staff_id)
        if not rows or not plain_code(code):
            return None
        for row in rows:
            if row.kind != FactorKind.APP:
                continue
            try:
                secret = self._seal.open(row.secret, context=_context(row.id, staff_id))
            except SealBroken:
                continue  # its key is gone: this app proves nothing, their other factors still do
            step = verify_totp(secret.decode("ascii"), code, at=at, last_step=row.last_step)
            if step is not None:
                connection.execute(
                    update(second_factor)
                    .where(second_factor.c.id == row.id)
                    .values(last_step=step, used_at_us=microseconds(at))
                )
                return Proof.APP
        used = use_code(connection, self._seal, staff_id, code, at)
        return Proof.RECOVERY_CODE if used else None

    def _take(self, binding: str, purpose: Purpose, at: datetime) -> bytes:
        """Take a challenge out in a transaction of its own: judged wrong, it is still used up."""
        with writing(self._engine) as connection:
            challenge = ceremonies.take_value(connection, self._seal, binding, purpose, at)
        if challenge is None:
            raise FactorRefused("too-late")
        return challenge

    def _key(self, connection: Connection, staff_id: str, claimed: str) -> KnownKey:
        for row in factor_rows(connection, staff_id):
            if row.credential_id == claimed:
                return to_key(row)
        raise security_key.KeyAnswerWrong("security key: not one of this person's")


def _new_id() -> str:
    return secrets.token_urlsafe(16)


def _named(typed: str, otherwise: str) -> str:
    """Give the name a person chose, without what cannot be read, or a common one."""
    readable = "".join(each for each in typed if each.isprintable())
    return readable.strip()[:NAME_CHARACTERS].strip() or otherwise


def _context(factor_id: str, staff_id: str) -> str:
    return f"secret of {factor_id} of {staff_id}"

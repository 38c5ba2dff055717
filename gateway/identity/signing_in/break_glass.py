"""Using a break-glass account: from the envelope to a short session.

1. This source has not failed too often with this account. There is no lock of the account itself:
   its password cannot be guessed, and nobody may keep it shut on the day it is needed.
2. Password and code are both looked at, known account or not, in the same time.
3. The account is sealed, not expired, and has a use left; the use is taken and a review opened, in
   one transaction, before anybody is let in. A use that came to no session stays taken.
4. The session is opened as for everybody: an hour at the most, for the account's person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, insert, select, update

from gateway.errors import SignInRefused
from gateway.identity.directories.directory import BREAK_GLASS
from gateway.identity.factors.factor_notices import NoticeCode, give_notice
from gateway.identity.factors.factor_seal import FactorSeal, SealBroken
from gateway.identity.factors.second_factor import NO_STEP, new_secret, verify_totp
from gateway.identity.sessions.session import SessionLimits
from gateway.identity.signing_in.attempts import Attempts, TooManyAttempts
from gateway.identity.signing_in.break_glass_accounts import (
    ACCOUNT_NAME,
    Account,
    Use,
    context,
    directory_id,
    find_account,
    person_of,
    uses,
)
from gateway.identity.signing_in.lockout import AttemptLimits
from gateway.identity.signing_in.password_hash import HashingBusy, PasswordCheck
from gateway.identity.signing_in.sign_in import SignedIn, SignIn, Vouched
from gateway.identity.signing_in.sign_in_refusal import Refusal
from gateway.sources import place_of
from gateway.store import schema
from gateway.store.engine import reading, writing
from gateway.store.schema_break_glass import break_glass_use, local_account

FACTORS: Final = frozenset({"break-glass", "second-factor"})
SESSION: Final = SessionLimits(idle=timedelta(minutes=15), absolute=timedelta(hours=1))

ATTEMPTS_KEY: Final = "-break-glass"
"""Where failures are counted: no organisation has such an id."""

LIMITS: Final = AttemptLimits(
    per_person=5, per_directory=5, window=timedelta(minutes=15), longest_wait=timedelta(hours=1)
)

_PASSWORD_CHARACTERS: Final = 128
_TEXT_CHARACTERS: Final = 200

_account = local_account


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What somebody with the envelope entered.

    Attributes:
        account: name of the account, as typed.
        password: as typed; spaces and letter case are as on paper.
        code: of the authenticator, as typed.
        used_by: who they say they are.
        reason: why they open it.
        source: the address they come from.
        agent: what their browser calls itself.
        reference: of the visit.
    """

    account: str
    password: str
    code: str
    used_by: str
    reason: str
    source: str
    agent: str
    reference: str


class BreakGlass:
    """Lets people in with the envelope. Blocks; safe to use from several threads."""

    def __init__(
        self,
        *,
        engine: Engine,
        host: str,
        sign_in: SignIn,
        attempts: Attempts,
        passwords: PasswordCheck,
        factor_seal: FactorSeal,
    ) -> None:
        """Take what is needed.

        Args:
            engine: the store.
            host: the organisation whose back office it is; there is no other.
            sign_in: opens the session.
            attempts: the count of failures; it bears `LIMITS` at `ATTEMPTS_KEY`.
            passwords: compares.
            factor_seal: opens the secrets of authenticators.
        """
        self._engine = engine
        self._host = host
        self._sign_in = sign_in
        self._attempts = attempts
        self._passwords = passwords
        self._factor_seal = factor_seal
        self._nobodys = new_secret()

    def open(
        self,
        opening: Opening,
        *,
        at: datetime,
        replaces: str | None,
        record: Callable[[SignedIn], None],
    ) -> SignedIn:
        """Let somebody in.

        Args:
            opening: what they entered.
            at: now.
            replaces: what the browser sent as session cookie; that session is ended.
            record: makes it durable; what it raises ends the new session and is raised on.

        Raises:
            SignInRefused: always a `Refusal`.
            StoreError: the database does not answer.
        """
        name = opening.account.strip().casefold()[:_PASSWORD_CHARACTERS]
        # 1.
        try:
            tried = self._attempts.begin(
                organisation=ATTEMPTS_KEY,
                name=f"{name} {place_of(opening.source)}",
                source=opening.source,
                at=at,
            ).number
        except TooManyAttempts as error:
            raise Refusal("too-many-attempts", tellable=True) from error
        # 2.
        try:
            account, step = self._proved(name, opening, at)
        except HashingBusy as error:
            self._attempts.forget(tried)
            raise Refusal("busy", tellable=True) from error
        # 3.
        self._take_use(account, step, opening, at)
        self._attempts.forget(tried)
        # 4.
        return self._sign_in.admit(
            Vouched(
                organisation=self._host,
                directory=BREAK_GLASS,
                person=person_of(account),
                factors=FACTORS,
                source=opening.source,
                agent=opening.agent,
                second_factor_at=at,
                limits=SESSION,
            ),
            at=at,
            replaces=replaces,
            record=record,
            claim=lambda connection: self._demand_open(connection, account),
        )

    def uses(self) -> tuple[Use, ...]:
        """List the uses: those that wait for review first, then the latest."""
        with reading(self._engine) as connection:
            return uses(connection)

    def _demand_open(self, connection: Connection, account: Account) -> None:
        """Refuse an account that was taken out of use while somebody was let in."""
        table = _account
        disabled = connection.execute(
            select(table.c.disabled).where(table.c.name == account.name)
        ).scalar_one_or_none()
        if disabled != 0:
            raise Refusal("account-closed", tellable=True, username=account.name)

    def _proved(self, name: str, opening: Opening, at: datetime) -> tuple[Account, int]:
        """Give the account of a right password and a right code, and the step of the code."""
        account, held = None, None
        if ACCOUNT_NAME.fullmatch(name):
            with reading(self._engine) as connection:
                account = find_account(connection, name)
                held = connection.execute(
                    select(_account).where(
                        _account.c.name == name,
                        _account.c.organisation == self._host,
                        _account.c.password_hash != "",
                    )
                ).one_or_none()
        typed = opening.password.strip()
        right = self._passwords.is_right(
            held.password_hash if held else None, typed[:_PASSWORD_CHARACTERS]
        )
        step = verify_totp(
            self._authenticator(name, held.authenticator if held else ""),
            opening.code,
            at=at,
            last_step=held.last_step if held else NO_STEP,
        )
        if account is None or held is None:
            raise Refusal("unknown-account", tellable=False)
        if not right:
            raise Refusal("wrong-password", tellable=False, username=name)
        if step is None:
            raise Refusal("wrong-code", tellable=False, username=name)
        return account, step

    def _authenticator(self, name: str, sealed: str) -> str:
        if not sealed:
            return self._nobodys
        try:
            return self._factor_seal.open(sealed, context=context(name)).decode()
        except SealBroken:
            return self._nobodys  # a key that is gone proves nobody

    def _take_use(self, account: Account, step: int, opening: Opening, at: datetime) -> None:
        at_us = schema.microseconds(at)
        with writing(self._engine) as connection:
            taken = connection.execute(
                update(_account)
                .where(
                    _account.c.name == account.name,
                    _account.c.disabled == 0,
                    _account.c.uses_left > 0,
                    _account.c.expires_at_us > at_us,
                    _account.c.last_step < step,  # of two at once with one code, one is too late
                )
                .values(uses_left=_account.c.uses_left - 1, last_step=step)
            ).rowcount
            if taken:
                connection.execute(
                    insert(break_glass_use).values(
                        account=account.name,
                        at_us=at_us,
                        used_by=opening.used_by[:_TEXT_CHARACTERS],
                        reason=opening.reason[:_TEXT_CHARACTERS],
                        source=opening.source[:64],
                        reference=opening.reference,
                        reviewed_by="",
                        finding="",
                    )
                )
                give_notice(
                    connection,
                    f"{self._host}/{directory_id(account.name)}",
                    NoticeCode.BREAK_GLASS,
                    at,
                    detail=opening.used_by,
                )
        if not taken:
            raise Refusal("account-closed", tellable=True, username=account.name)


def shows_password(error: SignInRefused) -> bool:
    """Tell whether somebody who was refused had the right password: the envelope is open."""
    return error.code in {"wrong-code", "account-closed"}

"""Sign-ins at a provider that have begun: bound to one browser, used once, over after ten minutes.

None of them is a session, and none becomes one: whoever comes back with the right `state` at the
right browser may exchange one code, and what the provider then says is what counts.

The database holds hashes only. The nonce and the PKCE verifier are not kept at all: they follow
from the `state`, the browser's cookie and the gateway's own secret, so that neither a copy of the
database nor an address that was overheard is enough to finish somebody's sign-in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine, delete, func, insert, select

from gateway.identity.providers.oidc_directory import Secrets
from gateway.identity.signing_in.attempts import TooManyAttempts
from gateway.sources import place_of
from gateway.store import schema
from gateway.store.engine import reading, writing

LOGIN_LASTS: Final = timedelta(minutes=10)
PER_SOURCE: Final = 200
"""Sign-ins of one address that may be under way: a station's staff share one."""
IN_ALL: Final = 20_000

_RANDOM: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class LoginOver(Exception):  # noqa: N818  # named for what happened
    """No sign-in is under way with this `state` at this browser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A sign-in that somebody comes back from: what was sent with it, where they were going."""

    secrets: Secrets
    next_path: str


class ProviderLogins:
    """The sign-ins under way, in the database: any worker may finish what another began."""

    def __init__(
        self, engine: Engine, secret: bytes, *, per_source: int = PER_SOURCE, in_all: int = IN_ALL
    ) -> None:
        """Keep them in this store.

        Args:
            engine: the store.
            secret: at least 32 random bytes, the same in every worker.
            per_source: how many of one address may be under way.
            in_all: how many may be under way.
        """
        self._engine = engine
        self._key = hmac.new(secret, b"gateway provider login 1", hashlib.sha256).digest()
        self._per_source = per_source
        self._in_all = in_all

    def begin(
        self, directory: str, *, browser: str, next_path: str, source: str, at: datetime
    ) -> Secrets:
        """Begin a sign-in (blocks).

        Args:
            directory: at which provider.
            browser: what its cookie holds; random, and known to this browser alone.
            next_path: where the person was going; one of our own paths.
            source: the address they came from.
            at: now.

        Raises:
            TooManyAttempts: if too many are under way from there, or in all.
            StoreUnavailable: if the database does not answer.
        """
        if not is_browser(browser):
            raise ValueError("provider: a browser is known by 32 random bytes")
        state = new_browser()
        table = schema.provider_login
        place, since_us = place_of(source), schema.microseconds(at - LOGIN_LASTS)
        with reading(self._engine) as connection:
            alive = select(func.count()).select_from(table).where(table.c.at_us > since_us)
            in_all = connection.execute(alive).scalar_one()
            of_source = connection.execute(alive.where(table.c.source == place)).scalar_one()
        if in_all >= self._in_all or of_source >= self._per_source:
            message = "sign-in: too many have been begun and not finished"
            raise TooManyAttempts(message)
        with writing(self._engine) as connection:
            connection.execute(delete(table).where(table.c.at_us <= since_us))
            connection.execute(
                insert(table).values(
                    state_hash=_hash(state),
                    browser_hash=_hash(browser),
                    directory=directory,
                    next=next_path,
                    source=place,
                    at_us=schema.microseconds(at),
                )
            )
        return self._secrets(state, browser)

    def finish(self, directory: str, *, state: str, browser: str, at: datetime) -> Login:
        """Give what belongs to a `state`, once (blocks).

        Raises:
            LoginOver: unless that sign-in was begun at this provider, by this browser, lately, and
                has not come back yet.
            StoreUnavailable: if the database does not answer.
        """
        if not (is_browser(state) and is_browser(browser)):
            raise LoginOver
        table = schema.provider_login
        with writing(self._engine) as connection:
            row = connection.execute(
                delete(table)
                .where(
                    table.c.state_hash == _hash(state),
                    table.c.browser_hash == _hash(browser),
                    table.c.directory == directory,
                )
                .returning(table.c.next, table.c.at_us)
            ).one_or_none()
        passed_us = None if row is None else schema.microseconds(at) - row.at_us
        if row is None or passed_us is None or passed_us >= LOGIN_LASTS // schema.MICROSECOND:
            raise LoginOver
        return Login(secrets=self._secrets(state, browser), next_path=row.next)

    def _secrets(self, state: str, browser: str) -> Secrets:
        def derived(label: bytes) -> str:
            named = b"\0".join((label, state.encode("ascii"), browser.encode("ascii")))
            mac = hmac.new(self._key, named, hashlib.sha256).digest()
            return base64.urlsafe_b64encode(mac).rstrip(b"=").decode("ascii")

        return Secrets(state=state, nonce=derived(b"nonce"), verifier=derived(b"verifier"))


def new_browser() -> str:
    """Make what the cookie of a browser holds: 32 random bytes in base64url."""
    return secrets.token_urlsafe(32)


def is_browser(value: str) -> bool:
    """Tell whether a cookie holds what we would have put there."""
    return _RANDOM.fullmatch(value) is not None


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode("ascii")).hexdigest()

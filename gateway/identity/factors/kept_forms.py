"""A form that somebody filled in and that has to wait for their second factor, or their purpose.

It is sealed, bound to the session that sent it (and follows it when its id changes), kept for ten
minutes and taken out once. A session keeps one: who sends another form has left the first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, delete, insert, select

from gateway.identity.factors.factor_seal import FactorSeal, SealBroken
from gateway.identity.sessions.session import Session
from gateway.identity.sessions.tokens import token_hash
from gateway.store import schema
from gateway.store.engine import reading, writing
from gateway.store.schema import microseconds
from gateway.store.schema_second_factor import kept_form

SECOND_FACTOR: Final = "second-factor"
PURPOSE: Final = "purpose"
KEPT: Final = timedelta(minutes=10)
FORM_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptForm:
    """A form as it was sent.

    Attributes:
        target: path and query, canonical.
        title: of the function it was for.
        fields: name and value in their order, decoded.
        waits_for: `second-factor`, or `purpose`.
        system: at whose own host it was sent; empty for the gateway's.
    """

    target: str
    title: str
    fields: tuple[tuple[str, str], ...]
    waits_for: str = SECOND_FACTOR
    system: str = ""


class KeptForms:
    """The forms that wait. Every method blocks; safe to use from several threads."""

    def __init__(self, engine: Engine, seal: FactorSeal) -> None:
        """Keep them in this store, sealed."""
        self._engine = engine
        self._seal = seal

    def keep(self, session_hash: str, form: KeptForm, *, at: datetime) -> None:
        """Keep a form for a session, in the place of any other."""
        parts = [form.target, form.title, form.fields, form.waits_for, form.system]
        plain = json.dumps(parts).encode()
        with writing(self._engine) as connection:
            _put(
                connection, session_hash, self._seal.seal(plain, context=_context(session_hash)), at
            )

    def look(self, session_hash: str, *, at: datetime) -> KeptForm | None:
        """Look at what waits for a session, leaving it there."""
        with reading(self._engine) as connection:
            return self._read(connection, session_hash, at)

    def take(self, session_hash: str, *, at: datetime) -> KeptForm | None:
        """Take out what waits for a session: it is given once."""
        with writing(self._engine) as connection:
            form = self._read(connection, session_hash, at)
            _drop(connection, session_hash)
        return form

    def move(self, connection: Connection, before: str, after: str) -> None:
        """Have what waits follow a session whose id changes, within the caller's transaction."""
        row = connection.execute(
            select(kept_form).where(kept_form.c.session_hash == before)
        ).one_or_none()
        if row is None:
            return
        _drop(connection, before)
        try:
            plain = self._seal.open(row.sealed, context=_context(before))
        except SealBroken:  # its key is gone: nobody is kept out for the sake of a form
            return
        connection.execute(
            insert(kept_form).values(
                session_hash=after,
                sealed=self._seal.seal(plain, context=_context(after)),
                at_us=row.at_us,
            )
        )

    def carry(self, replaced: str, after: Session) -> None:
        """Have what waits follow a person who has signed in again in the same browser.

        Args:
            replaced: the token of the session that their sign-in ended, as the browser sent it.
            after: the session that took its place; of somebody else, nothing is carried over.
        """
        before = token_hash(replaced)
        with writing(self._engine) as connection:
            whose = connection.execute(
                select(schema.session.c.staff_id).where(schema.session.c.hash == before)
            ).scalar_one_or_none()
            if whose == after.staff_id:
                self.move(connection, before, after.hash)
            else:
                _drop(connection, before)

    def _read(self, connection: Connection, session_hash: str, at: datetime) -> KeptForm | None:
        row = connection.execute(
            select(kept_form.c.sealed).where(
                kept_form.c.session_hash == session_hash,
                kept_form.c.at_us > microseconds(at - KEPT),
                kept_form.c.at_us <= microseconds(at),
            )
        ).one_or_none()
        if row is None:
            return None
        target, title, fields, *waits = json.loads(
            self._seal.open(row.sealed, context=_context(session_hash))
        )
        return KeptForm(
            target=target,
            title=title,
            fields=tuple((name, value) for name, value in fields),
            waits_for=waits[0] if waits else SECOND_FACTOR,
            system="".join(waits[1:]),
        )


def purge_forms(connection: Connection, at: datetime) -> None:
    """Remove what nobody came back for."""
    connection.execute(delete(kept_form).where(kept_form.c.at_us <= microseconds(at - KEPT)))


def _put(connection: Connection, session_hash: str, sealed: str, at: datetime) -> None:
    _drop(connection, session_hash)
    connection.execute(
        insert(kept_form).values(session_hash=session_hash, sealed=sealed, at_us=microseconds(at))
    )


def _drop(connection: Connection, session_hash: str) -> None:
    connection.execute(delete(kept_form).where(kept_form.c.session_hash == session_hash))


def _context(session_hash: str) -> str:
    return f"form of {session_hash}"

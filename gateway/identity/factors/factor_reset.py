"""Resetting somebody's second factors: one officer proposes it, another approves.

For people who have lost what they prove themselves with. Nobody approves what they proposed, nor
their own reset, and a proposal is good for a day. An approved one removes every factor and recovery
code and ends the person's sessions; the person then enrols anew from a fresh sign-in.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, delete, insert, select

from gateway.errors import IdentityError
from gateway.identity.factors.factor_notices import NoticeCode, give_notice
from gateway.identity.factors.factor_rows import drop_factors
from gateway.store.engine import reading, writing
from gateway.store.schema import instant, metadata, microseconds
from gateway.store.schema_second_factor import factor_reset

GOOD_FOR: Final = timedelta(days=1)


class ResetRefused(IdentityError):  # noqa: N818  # named for what happened, as its family is
    """A reset may not be proposed or approved.

    Attributes:
        code: why: `reset-unknown`, `reset-own`, `reset-same-officer`, `reset-waiting`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"factor reset: {message}")
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Officer:
    """Who proposes or approves.

    Attributes:
        id: a staff id, or `operator:<name>` at the command line.
        name: for people to read.
    """

    id: str
    name: str

    @classmethod
    def operator(cls, name: str) -> Officer:
        """Name somebody at the command line."""
        return cls(id=f"operator:{' '.join(name.casefold().split())}", name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """A proposal that waits.

    Attributes:
        id: random.
        staff_id: whose factors.
        organisation: of which organisation they are.
        name: their name.
        person: the same as the register names them.
        proposed_by: the officer's id.
        at: when it was proposed.
    """

    id: str
    staff_id: str
    organisation: str
    name: str
    person: str
    proposed_by: str
    at: datetime


EndSessions = Callable[[Connection, str], object]
"""Ends every session of a member of staff, inside a transaction."""


class FactorResets:
    """The proposals of one gateway. Every method blocks; safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        """Keep them in this store."""
        self._engine = engine

    def waiting(self, *, at: datetime, organisation: str | None = None) -> tuple[Reset, ...]:
        """List the proposals that wait, the oldest first."""
        with reading(self._engine) as connection:
            found = _waiting(connection, at)
        return tuple(
            each for each in found if organisation is None or each.organisation == organisation
        )

    def propose(self, staff_id: str, *, by: Officer, at: datetime) -> Reset:
        """Propose to reset somebody's factors.

        Raises:
            ResetRefused: it is one's own, or one waits already.
        """
        if by.id == staff_id:
            raise ResetRefused("reset-own", "nobody proposes to reset their own factors")
        with writing(self._engine) as connection:
            table = factor_reset
            # One that has lapsed makes room for the next.
            connection.execute(delete(table).where(table.c.at_us <= microseconds(at - GOOD_FOR)))
            if any(each.staff_id == staff_id for each in _waiting(connection, at)):
                raise ResetRefused("reset-waiting", "a proposal for this person waits already")
            proposal_id = secrets.token_hex(8)
            connection.execute(
                insert(table).values(
                    id=proposal_id,
                    staff_id=staff_id,
                    organisation=staff_id.partition("/")[0],
                    proposed_by=by.id,
                    at_us=microseconds(at),
                )
            )
            give_notice(connection, staff_id, NoticeCode.RESET_PROPOSED, at, detail=by.name)
            (made,) = [each for each in _waiting(connection, at) if each.id == proposal_id]
            return made

    def find(self, proposal_id: str, *, at: datetime) -> Reset:
        """Find a proposal that waits.

        Raises:
            ResetRefused: there is none.
        """
        for each in self.waiting(at=at):
            if each.id == proposal_id:
                return each
        raise ResetRefused("reset-unknown", "no such proposal waits; it may have lapsed")

    def approve(
        self, proposal_id: str, *, by: Officer, at: datetime, end: EndSessions
    ) -> tuple[Reset, int]:
        """Reset the factors that a proposal is about, and end the person's sessions with them.

        In one transaction: a session that outlived the factors by a moment could enrol another.

        Args:
            proposal_id: which.
            by: who approves.
            at: now.
            end: ends the sessions of a member of staff; the caller rings the bulletin afterwards.

        Returns:
            The proposal, and how many factors were removed.

        Raises:
            ResetRefused: there is none, or it is the approver's own in one way or the other.
        """
        with writing(self._engine) as connection:
            found = [each for each in _waiting(connection, at) if each.id == proposal_id]
            if not found:
                raise ResetRefused("reset-unknown", "no such proposal waits; it may have lapsed")
            demand_another(found[0], by)
            connection.execute(delete(factor_reset).where(factor_reset.c.id == proposal_id))
            removed = drop_factors(connection, found[0].staff_id)
            end(connection, found[0].staff_id)
            give_notice(connection, found[0].staff_id, NoticeCode.RESET, at, detail=by.name)
            return found[0], removed

    def drop(self, proposal_id: str, *, by: Officer, at: datetime) -> Reset:
        """Take a proposal back, which any officer may; nothing is reset.

        Raises:
            ResetRefused: there is none.
        """
        with writing(self._engine) as connection:
            found = [each for each in _waiting(connection, at) if each.id == proposal_id]
            if not found:
                raise ResetRefused("reset-unknown", "no such proposal waits; it may have lapsed")
            connection.execute(delete(factor_reset).where(factor_reset.c.id == proposal_id))
            give_notice(connection, found[0].staff_id, NoticeCode.RESET_DROPPED, at, detail=by.name)
            return found[0]


def demand_another(reset: Reset, by: Officer) -> None:
    """Refuse an approver who proposed it, or whose own factors it is about.

    Raises:
        ResetRefused: if so.
    """
    if by.id == reset.proposed_by:
        raise ResetRefused("reset-same-officer", "whoever proposed it cannot approve it")
    if by.id == reset.staff_id:
        raise ResetRefused("reset-own", "nobody approves the reset of their own factors")


def _waiting(connection: Connection, at: datetime) -> tuple[Reset, ...]:
    table, staff = factor_reset, metadata.tables["staff"]
    rows = connection.execute(
        select(table, staff.c.name, staff.c.employee_number)
        .join(staff, staff.c.staff_id == table.c.staff_id)
        .where(table.c.at_us > microseconds(at - GOOD_FOR))
        .order_by(table.c.at_us)
    ).mappings()
    return tuple(
        Reset(
            id=row["id"],
            staff_id=row["staff_id"],
            organisation=row["organisation"],
            name=row["name"],
            person=f"{row['organisation']}/{row['employee_number']}",
            proposed_by=row["proposed_by"],
            at=instant(row["at_us"]),
        )
        for row in rows
    )

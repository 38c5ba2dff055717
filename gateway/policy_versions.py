"""Which policy set is in force: every version there was, and who put it there.

1. The first start takes the set from the files named in the settings. From then on files change
   nothing by themselves: a set comes into force by a command, or later by a page.
2. A set that only tightens comes into force at once. One that may loosen waits for a second person,
   who approves exactly that content on exactly the set it was compared with: if another came into
   force meanwhile, the proposal is stale.
3. A version is never changed and never removed. Going back is a new version with old content.
4. A function on which the engine and Casbin were found to differ is withheld until another version
   comes into force.
5. A change is announced on the bulletin in its own transaction, so that every worker decides by it
   at its next request.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, insert, literal, select, update

from gateway.bulletin import POLICY, Bulletin
from gateway.errors import PolicyChangeRefused, StoreError
from gateway.store.engine import reading, writing
from gateway.store.schema import instant, microseconds
from gateway.store.schema_policy import policy_doubt, policy_version
from policies.policy_files import PolicyFiles

if TYPE_CHECKING:
    from policies.policy_set import PolicySet

FIRST = "settings file"
"""Stands for a person where the first set came from the files."""


class State(StrEnum):
    """Where a version stands."""

    PROPOSED = "proposed"
    IN_FORCE = "in-force"
    RETIRED = "retired"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    """One version, without its files.

    Attributes:
        number: counts up, never given twice.
        digest: of the policy set.
        state: where it stands.
        base: the version it was compared with; None for the first.
        loosens: whether it may permit what that one denied.
        reason: why, in the words of who proposed it.
        proposed_by: who.
        proposed_at: when.
        decided_by: who put it in force or dropped it; None while it waits.
        decided_at: when.
    """

    number: int
    digest: str
    state: State
    base: int | None
    loosens: bool
    reason: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None


class PolicyVersions:
    """The versions in the database. Every method blocks; safe to use from several threads."""

    def __init__(self, engine: Engine, bulletin: Bulletin) -> None:
        """Keep versions in this store and announce what comes into force."""
        self._engine = engine
        self._bulletin = bulletin

    def begin(self, files: PolicyFiles, policy_set: PolicySet, *, at: datetime) -> PolicyVersion:
        """Put the first set in force unless there is one; give the one in force.

        Args:
            files: the files named in the settings.
            policy_set: what they hold.
            at: now.
        """
        with writing(self._engine) as connection:
            known = _in_force(connection)
            if known is not None:
                return known
            number = _add(
                connection,
                files,
                policy_set.digest,
                state=State.IN_FORCE,
                base=None,
                loosens=True,
                reason="the first set",
                by=FIRST,
                at=at,
            )
            _decide(connection, number, State.IN_FORCE, by=FIRST, at=at)
            self._bulletin.announce(connection, POLICY, at)
            began = _read(connection, number)
        self._bulletin.ring()
        return began

    def in_force(self) -> tuple[PolicyVersion, PolicyFiles] | None:
        """Give the version in force with its files; None before the first start.

        Raises:
            StoreError: the database does not answer.
            PolicyError: what is stored cannot be read.
        """
        return read_in_force(self._engine)

    def propose(
        self,
        files: PolicyFiles,
        digest: str,
        *,
        base: int,
        loosens: bool,
        reason: str,
        by: str,
        at: datetime,
    ) -> PolicyVersion:
        """Keep a set until somebody decides on it.

        Args:
            files: its files.
            digest: of what they hold.
            base: number of the version it was compared with.
            loosens: whether it may permit what that one denied.
            reason: why.
            by: who proposes it.
            at: now.
        """
        with writing(self._engine) as connection:
            number = _add(
                connection,
                files,
                digest,
                state=State.PROPOSED,
                base=base,
                loosens=loosens,
                reason=reason,
                by=by,
                at=at,
            )
            return _read(connection, number)

    def put_in_force(self, number: int, *, by: str, at: datetime) -> PolicyVersion:
        """Put a proposed version in force, in every worker at its next request.

        What is withheld for a doubt stays withheld under one that only tightens. Another, which two
        people have looked at, lifts those that were known when it was proposed.

        Raises:
            PolicyChangeRefused: it does not wait, is stale, or needs another person.
        """
        with writing(self._engine) as connection:
            version = _waiting(connection, number)
            now = _in_force(connection)
            if now is None or now.number != version.base:
                raise PolicyChangeRefused(
                    f"approve: version {number} was compared with version {version.base}, but "
                    f"{now.number if now else 'none'} is in force now; plan and propose it again"
                )
            if version.loosens and same_person(by, version.proposed_by):
                raise PolicyChangeRefused(
                    f"approve: `{version.proposed_by}` proposed this and it may loosen; "
                    "somebody else must approve it"
                )
            _set_state(connection, now.number, State.RETIRED)
            _keep_doubts(connection, now.number, version)
            _decide(connection, number, State.IN_FORCE, by=by, at=at)
            self._bulletin.announce(connection, POLICY, at)
            version = _read(connection, number)
        self._bulletin.ring()
        return version

    def drop(self, number: int, *, by: str, at: datetime) -> PolicyVersion:
        """Take a proposal back; anybody may.

        Raises:
            PolicyChangeRefused: it does not wait.
        """
        with writing(self._engine) as connection:
            _waiting(connection, number)
            _decide(connection, number, State.DROPPED, by=by, at=at)
            return _read(connection, number)

    def doubt(self, number: int, function: str, *, at: datetime) -> bool:
        """Withhold a function under a version, in every worker at its next request.

        Returns:
            Whether it was not withheld before.
        """
        with writing(self._engine) as connection:
            if function in _doubted(connection, number):
                return False
            connection.execute(
                insert(policy_doubt).values(
                    version=number, function=function[:80], found_at_us=microseconds(at)
                )
            )
            self._bulletin.announce(connection, POLICY, at)
        self._bulletin.ring()
        return True

    def doubted(self, number: int) -> frozenset[str]:
        """Give the functions that are withheld under a version.

        Raises:
            StoreError: the database does not answer.
        """
        with reading(self._engine) as connection:
            return _doubted(connection, number)

    def listed(self) -> tuple[PolicyVersion, ...]:
        """List every version, the newest first."""
        with reading(self._engine) as connection:
            rows = connection.execute(
                select(*_COLUMNS).order_by(policy_version.c.number.desc())
            ).mappings()
            return tuple(_version(dict(row)) for row in rows)

    def files(self, number: int) -> PolicyFiles:
        """Give the files of a version.

        Raises:
            PolicyChangeRefused: there is no such version.
        """
        with reading(self._engine) as connection:
            _read(connection, number)
            return _files(connection, number)

    def find(self, number: int) -> PolicyVersion:
        """Give one version.

        Raises:
            PolicyChangeRefused: there is no such version.
        """
        with reading(self._engine) as connection:
            return _read(connection, number)


def read_in_force(engine: Engine) -> tuple[PolicyVersion, PolicyFiles] | None:
    """Give the version in force with its files; None before the first start.

    Raises:
        StoreError: the database does not answer.
        PolicyError: what is stored cannot be read.
    """
    with reading(engine) as connection:
        version = _in_force(connection)
        return None if version is None else (version, _files(connection, version.number))


_COLUMNS = tuple(column for column in policy_version.c if column.name != "files")


def _add(
    connection: Connection,
    files: PolicyFiles,
    digest: str,
    *,
    state: State,
    base: int | None,
    loosens: bool,
    reason: str,
    by: str,
    at: datetime,
) -> int:
    number = connection.execute(
        insert(policy_version)
        .values(
            digest=digest,
            files=files.to_json(),
            state=state.value,
            base=base,
            loosens=int(loosens),
            reason=reason,
            proposed_by=by,
            proposed_at_us=microseconds(at),
        )
        .returning(policy_version.c.number)
    ).scalar_one()
    return int(number)


def _in_force(connection: Connection) -> PolicyVersion | None:
    row = (
        connection.execute(select(*_COLUMNS).where(policy_version.c.state == State.IN_FORCE.value))
        .mappings()
        .one_or_none()
    )
    return None if row is None else _version(dict(row))


def _read(connection: Connection, number: int) -> PolicyVersion:
    row = (
        connection.execute(select(*_COLUMNS).where(policy_version.c.number == number))
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise PolicyChangeRefused(
            f"policy: there is no version {number}; see `gateway policy versions`"
        )
    return _version(dict(row))


def _waiting(connection: Connection, number: int) -> PolicyVersion:
    version = _read(connection, number)
    if version.state is not State.PROPOSED:
        raise PolicyChangeRefused(f"policy: version {number} does not wait, it is {version.state}")
    return version


def _files(connection: Connection, number: int) -> PolicyFiles:
    text = connection.execute(
        select(policy_version.c.files).where(policy_version.c.number == number)
    ).scalar_one()
    return PolicyFiles.from_json(text)


def _doubted(connection: Connection, number: int) -> frozenset[str]:
    found = connection.execute(
        select(policy_doubt.c.function).where(policy_doubt.c.version == number)
    )
    return frozenset(found.scalars())


def _keep_doubts(connection: Connection, before: int, after: PolicyVersion) -> None:
    doubts = policy_doubt.c
    kept = select(literal(after.number), doubts.function, doubts.found_at_us).where(
        doubts.version == before
    )
    if after.loosens:
        kept = kept.where(doubts.found_at_us > microseconds(after.proposed_at))
    columns = ["version", "function", "found_at_us"]
    connection.execute(insert(policy_doubt).from_select(columns, kept))


def _set_state(connection: Connection, number: int, state: State) -> None:
    connection.execute(
        update(policy_version).where(policy_version.c.number == number).values(state=state.value)
    )


def _decide(connection: Connection, number: int, state: State, *, by: str, at: datetime) -> None:
    connection.execute(
        update(policy_version)
        .where(policy_version.c.number == number)
        .values(state=state.value, decided_by=by, decided_at_us=microseconds(at))
    )


def same_person(one: str, other: str) -> bool:
    """Tell whether two typed names are one person's, however they are spelt."""
    return one.casefold().strip() == other.casefold().strip()


def _version(row: dict[str, Any]) -> PolicyVersion:
    try:
        state = State(row["state"])
    except ValueError as error:
        raise StoreError(f"policy: version {row['number']} has an unknown state") from error
    decided = row["decided_at_us"]
    return PolicyVersion(
        number=row["number"],
        digest=row["digest"],
        state=state,
        base=row["base"],
        loosens=bool(row["loosens"]),
        reason=row["reason"],
        proposed_by=row["proposed_by"],
        proposed_at=instant(row["proposed_at_us"]),
        decided_by=row["decided_by"],
        decided_at=None if decided is None else instant(decided),
    )

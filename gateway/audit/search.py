"""Finds entries for auditors, newest first, also while the sequencer writes.

A row is one act: a decision, or an entry that stands alone, with the result that closed it. Who is
in it is decrypted with the key ring; without keys, or when the month's key is destroyed, the rest
is still found. Searching records nothing: whoever calls this has recorded the query before.
"""

import heapq
import sqlite3
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import orjson

from gateway.audit.closings import as_result, find_result
from gateway.audit.columns import KIND_CODES, OUTCOME_CODES, PHASE_CODES
from gateway.audit.entry import Kind, Outcome, Phase
from gateway.audit.errors import FieldsError, LogStoreError
from gateway.audit.field_encryption import FieldEncryption
from gateway.audit.log_store import BLOCK_ENTRIES, PERSON_SHIFT, EntryRow, open_for_reading
from gateway.audit.sealing import Pseudonyms
from gateway.keys import KeyRing

MAX_PAGE_ROWS = 500
# One call reads at most so many entries where no index helps, about 0.3 s; the page says where to
# go on, so that a rare function in a long log never holds a worker's thread.
_SCAN_ENTRIES = 200_000
_KINDS = tuple(Kind)
_PHASES = tuple(Phase)
_OUTCOMES = tuple(Outcome)
_DECISION, _RESULT = PHASE_CODES[Phase.DECISION], PHASE_CODES[Phase.RESULT]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# `none`: the entry names nobody; `locked`: no keys were given; `expired`: the key is destroyed;
# `damaged`: the ciphertext is not what was sealed.
PersonalState = Literal["shown", "none", "locked", "expired", "damaged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonIdentities:
    """Under which identities a person appears in the log.

    Attributes:
        staff_ids: As actor: `<organisation>/<directory id>`.
        subjects: As the one whose data it was: `<organisation>/<employee number>`.
    """

    staff_ids: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()


# Finds the identities of what an auditor typed: `cheshire-fire/firefighter`, a staff id, a number.
ResolvePerson = Callable[[str], PersonIdentities]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """What to look for; everything given must hold.

    Attributes:
        reference: The reference of a visit, as shown on a page.
        person: As actor or as the one whose data it was.
        organisation: Of the actor.
        function: Id of the function.
        outcome: Of the decision; `ERROR` and `UNKNOWN` also of the result.
        since: From this instant on.
        until: Before this instant.
        kind: What sort of act.
        limit: Most rows of a page, at most 500.
        before: Only entries of a smaller index: `next` of the page before.
    """

    reference: str = ""
    person: str = ""
    organisation: str = ""
    function: str = ""
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None
    kind: Kind | None = None
    limit: int = 50
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One act as an auditor sees it.

    Attributes:
        index: Place in the log.
        id: Of the entry.
        at: When.
        clear: The envelope, parsed.
        personal: The decrypted fields: `actor_name`, `staff_id`, `subject`, `ip`, ...
        personal_state: Why `personal` is empty, if it is.
        flag: Not zero if the entry came with a fault; the log then has an entry saying which.
        result: What closed this decision, if something has.
    """

    index: int
    id: bytes
    at: datetime
    kind: Kind
    phase: Phase
    outcome: Outcome
    reference: str
    organisation: str
    function: str
    flag: int
    clear: Mapping[str, Any]
    personal: Mapping[str, str] = field(default_factory=dict)
    personal_state: PersonalState = "none"
    result: "AuditRow | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows, newest first; with `next` as the next filter's `before` there may be more.

    A page can be short or empty and still have a `next`: the search stopped to breathe.
    """

    rows: tuple[AuditRow, ...]
    next: int | None


def search(
    log_directory: Path,
    key_ring: KeyRing | None,
    wanted: AuditFilter,
    resolve: ResolvePerson | None = None,
) -> Page:
    """Find entries.

    Args:
        log_directory: The folder of the log, `<record.directory>/log`.
        key_ring: For names and for finding persons; None shows and finds neither.
        wanted: What to look for.
        resolve: Turns what was typed as `person` into identities; without it the text itself is
            taken as a staff id and as a subject.

    Raises:
        LogStoreError: There is no log, it cannot be read, or a person is wanted without keys.
    """
    pseudonyms = _person_pseudonyms(key_ring, wanted.person, resolve)
    limit = max(1, min(wanted.limit, MAX_PAGE_ROWS))
    with closing(open_for_reading(log_directory)) as connection:
        try:
            connection.execute("BEGIN")  # one moment of the log for all that follows
            found, following = _find(connection, wanted, pseudonyms, limit)
            decisions = _as_decisions(connection, found)
            results = [find_result(connection, decision.idx) for decision in decisions]
        except sqlite3.Error as error:
            raise LogStoreError(f"log: cannot search `{log_directory}`: {error}") from error
    reader = None if key_ring is None else FieldEncryption(key_ring)
    rows = []
    for decision, result in zip(decisions, results, strict=True):
        row = _read_row(decision, reader)
        if result is not None:
            row = replace(row, result=_read_result(EntryRow(*result), row, reader))
        rows.append(row)
    return Page(rows=tuple(rows), next=following)


def _person_pseudonyms(
    key_ring: KeyRing | None, person: str, resolve: ResolvePerson | None
) -> list[tuple[str, bytes]] | None:
    """List (column, pseudonym) under every index key; None if nobody in particular is wanted."""
    if not person:
        return None
    if key_ring is None:
        raise LogStoreError("log: a person can only be found with the key ring")
    known = PersonIdentities(staff_ids=(person,), subjects=(person,))
    identities = known if resolve is None else resolve(person)
    pseudonyms: list[tuple[str, bytes]] = []
    for key in key_ring.index_keys:
        of = Pseudonyms(key).of
        pseudonyms += [("actor", of("actor", staff_id)) for staff_id in identities.staff_ids]
        pseudonyms += [("subject", of("subject", subject)) for subject in identities.subjects]
    return pseudonyms


def _find(
    connection: sqlite3.Connection,
    wanted: AuditFilter,
    pseudonyms: list[tuple[str, bytes]] | None,
    limit: int,
) -> tuple[list[EntryRow], int | None]:
    """Find matching rows, newest first, and where to go on."""
    size = connection.execute("SELECT max(idx) FROM entry").fetchone()[0]
    low, high = _span(connection, wanted, 0 if size is None else size + 1)
    conditions, values = _conditions(wanted)
    if pseudonyms is not None:
        streams = [
            _rows_of(connection, person, (conditions, values), (low, high), limit)
            for person in pseudonyms
        ]
        rows = _merged(streams)
    elif wanted.reference:
        rows = _rows(
            connection,
            ["reference = ?", *conditions],
            [wanted.reference, *values],
            low,
            high,
            limit,
        )
    else:
        indexed = wanted.outcome not in {None, Outcome.PERMIT}
        floor = low if indexed else max(low, high - _SCAN_ENTRIES)
        rows = _rows(connection, conditions, values, floor, high, limit)
        found = list(islice(rows, limit + 1))
        if len(found) <= limit and floor > low:
            return found, floor
        return _cut(found, limit)
    return _cut(list(islice(rows, limit + 1)), limit)


def _cut(found: list[EntryRow], limit: int) -> tuple[list[EntryRow], int | None]:
    if len(found) <= limit:
        return found, None
    return found[:limit], found[limit - 1].idx


def _span(connection: sqlite3.Connection, wanted: AuditFilter, size: int) -> tuple[int, int]:
    """Narrow the indexes to those whose time can match; the order is not exactly that of time."""
    low, high = 0, size if wanted.before is None else min(size, wanted.before)
    if wanted.since is not None or wanted.until is not None:
        since = -(2**62) if wanted.since is None else _microseconds(wanted.since)
        until = 2**62 if wanted.until is None else _microseconds(wanted.until)
        first, last = connection.execute(
            "SELECT min(number), max(number) FROM block WHERE to_us >= ? AND from_us < ?",
            (since, until),
        ).fetchone()
        if first is None:
            return 0, 0
        low, high = first * BLOCK_ENTRIES, min(high, (last + 1) * BLOCK_ENTRIES)
    return low, high


def _conditions(wanted: AuditFilter) -> tuple[list[str], list[object]]:
    conditions: list[str] = []
    values: list[object] = []

    def add(condition: str, value: object) -> None:
        conditions.append(condition)
        values.append(value)

    if wanted.organisation:
        add("organisation = ?", wanted.organisation)
    if wanted.function:
        add("function = ?", wanted.function)
    if wanted.kind is not None:
        add("kind = ?", KIND_CODES[wanted.kind])
    if wanted.since is not None:
        add("at_us >= ?", _microseconds(wanted.since))
    if wanted.until is not None:
        add("at_us < ?", _microseconds(wanted.until))
    if wanted.outcome is not None:
        add("outcome = ?", OUTCOME_CODES[wanted.outcome])
        if wanted.outcome is not Outcome.PERMIT:
            conditions.append("outcome <> 0")  # lets the partial index be used
    if wanted.outcome not in {Outcome.ERROR, Outcome.UNKNOWN}:
        add("phase = ?", _DECISION)
    return conditions, values


def _rows(
    connection: sqlite3.Connection,
    conditions: list[str],
    values: list[object],
    low: int,
    high: int,
    limit: int,
) -> Iterator[EntryRow]:
    where = " AND ".join(["idx >= ?", "idx < ?", *conditions])
    # Every condition is one of this module's own texts; all values are bound.
    cursor = connection.execute(
        f"SELECT * FROM entry WHERE {where} ORDER BY idx DESC LIMIT ?",  # noqa: S608
        (low, high, *values, limit + 1),
    )
    return (EntryRow(*row) for row in cursor)


def _rows_of(
    connection: sqlite3.Connection,
    person: tuple[str, bytes],
    wanted: tuple[list[str], list[object]],
    span: tuple[int, int],
    limit: int,
) -> Iterator[EntryRow]:
    """Give one person's rows, newest first, from one part of the index after the other."""
    column, pseudonym = person
    conditions = [f"idx >> {PERSON_SHIFT} = ?", f"{column} = ?", *wanted[0]]
    low, high = span
    for part in range((high - 1) >> PERSON_SHIFT, (low >> PERSON_SHIFT) - 1, -1):
        yield from _rows(connection, conditions, [part, pseudonym, *wanted[1]], low, high, limit)


def _merged(streams: list[Iterator[EntryRow]]) -> Iterator[EntryRow]:
    """Merge rows, newest first, each once: an actor may read their own data."""
    last = None
    for row in heapq.merge(*streams, key=lambda row: -row.idx):
        if row.idx != last:
            last = row.idx
            yield row


def _as_decisions(connection: sqlite3.Connection, found: list[EntryRow]) -> list[EntryRow]:
    """Put the decision in the place of each result that was found."""
    decisions: dict[int, EntryRow] = {}
    for row in found:
        decision = row
        if row.phase == _RESULT and (corr := orjson.loads(row.envelope).get("corr")):
            stored = connection.execute(
                "SELECT * FROM entry WHERE id = ?", (bytes.fromhex(corr),)
            ).fetchone()
            decision = row if stored is None else EntryRow(*stored)
        decisions.setdefault(decision.idx, decision)
    return list(decisions.values())


def _read_row(row: EntryRow, reader: FieldEncryption | None) -> AuditRow:
    clear: dict[str, Any] = orjson.loads(row.envelope)
    personal, state = _read_personal(row, clear, reader)
    return AuditRow(
        index=row.idx,
        id=row.id,
        at=_EPOCH + timedelta(microseconds=row.at_us),
        kind=_KINDS[row.kind],
        phase=_PHASES[row.phase],
        outcome=_OUTCOMES[row.outcome],
        reference=row.reference or "",
        organisation=row.organisation or "",
        function=row.function or "",
        flag=row.flag,
        clear=clear,
        personal=personal,
        personal_state=state,
    )


def _read_result(result: EntryRow, decision: AuditRow, reader: FieldEncryption | None) -> AuditRow:
    """Read what closed a decision; from an entry that closes many, what concerns this one."""
    row = _read_row(result, reader)
    if "closes" not in row.clear:
        return row
    alone = as_result(row.clear, decision.id)
    return replace(
        row,
        at=_EPOCH + timedelta(microseconds=alone["time"]),
        kind=decision.kind,
        reference=decision.reference,
        organisation=decision.organisation,
        function=decision.function,
        clear=alone,
    )


def _read_personal(
    row: EntryRow, clear: Mapping[str, Any], reader: FieldEncryption | None
) -> tuple[dict[str, str], PersonalState]:
    if "kid" not in clear:
        return {}, "none"
    if reader is None:
        return {}, "locked"
    if row.ciphertext is None:
        return {}, "expired"
    try:
        fields = reader.decrypt(
            bytes(row.ciphertext),
            entry_id=row.id,
            kid=clear["kid"],
            kc=b64decode(clear["kc"]),
            fields_root=b64decode(clear["fields_root"]),
        )
    except (FieldsError, KeyError, ValueError):
        return {}, "damaged"
    return ({}, "expired") if fields is None else (fields, "shown")


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)

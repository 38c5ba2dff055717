"""Finds entries for auditors, newest first, also while the sequencer writes.

A row is one act: a decision, or an entry that stands alone, with the result that closed it. Who is
in it is decrypted with the key ring; without keys, or when the month's key is destroyed, the rest
is still found. Searching records nothing: whoever calls this has recorded the query before.
"""

import sqlite3
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import orjson

from gateway.audit.blocks import BLOCK_ENTRIES, blocks_that_may_have, find_entry
from gateway.audit.bundles import Bundle, StoredEntry, log_size, read_bundles
from gateway.audit.closing_table import find_result
from gateway.audit.closings import as_result
from gateway.audit.columns import OUTCOME_CODES
from gateway.audit.entry import Kind, Outcome, Phase
from gateway.audit.errors import FieldsError, LogStoreError
from gateway.audit.field_encryption import FieldEncryption
from gateway.audit.log_store import open_for_reading
from gateway.audit.persons import PART_ENTRIES, blocks_with
from gateway.audit.sealing import Pseudonyms
from gateway.keys import KeyRing

MAX_PAGE_ROWS = 500
# One call looks through about so many entries, 0.3 s; the page says where to go on, so that a rare
# function in a long log never holds a worker's thread.
_SCAN_ENTRIES = 200_000
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
            found, following = _find(connection, _Wanted.of(wanted, pseudonyms), limit)
            decisions = _as_decisions(connection, found)
            results = [find_result(connection, decision.idx) for decision in decisions]
            reader = None if key_ring is None else FieldEncryption(key_ring)
            rows = []
            for decision, result in zip(decisions, results, strict=True):
                row = _read_row(decision, reader)
                if result is not None:
                    row = replace(row, result=_read_result(result, row, reader))
                rows.append(row)
        except sqlite3.Error as error:
            raise LogStoreError(f"log: cannot search `{log_directory}`: {error}") from error
        except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
            what = "an entry was changed and cannot be read; `gateway audit verify` says which"
            raise LogStoreError(f"log: {what}") from error
    return Page(rows=tuple(rows), next=following)


def _person_pseudonyms(
    key_ring: KeyRing | None, person: str, resolve: ResolvePerson | None
) -> frozenset[bytes] | None:
    """Give the pseudonyms under every index key; None if nobody in particular is wanted."""
    if not person:
        return None
    if key_ring is None:
        raise LogStoreError("log: a person can only be found with the key ring")
    known = PersonIdentities(staff_ids=(person,), subjects=(person,))
    identities = known if resolve is None else resolve(person)
    pseudonyms: set[bytes] = set()
    for key in key_ring.index_keys:
        of = Pseudonyms(key).of
        pseudonyms.update(of("actor", staff_id) for staff_id in identities.staff_ids)
        pseudonyms.update(of("subject", subject) for subject in identities.subjects)
    return frozenset(pseudonyms)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What to look for, made ready.

    Attributes:
        filter: As it was asked.
        pseudonyms: Of a person; None for anybody.
        since_us: From this instant on.
        until_us: Before this one.
        said: What the envelope must say, by the names of its fields.
        texts: The same as a sealer writes it.
    """

    filter: AuditFilter
    pseudonyms: frozenset[bytes] | None
    since_us: int
    until_us: int
    said: Mapping[str, str]
    texts: tuple[bytes, ...]

    @classmethod
    def of(cls, wanted: AuditFilter, pseudonyms: frozenset[bytes] | None) -> "_Wanted":
        said = {
            "reference": wanted.reference,
            "organisation": wanted.organisation,
            "function": wanted.function,
            "kind": wanted.kind or "",
            "outcome": wanted.outcome or "",
        }
        if wanted.outcome not in {Outcome.ERROR, Outcome.UNKNOWN}:
            said["phase"] = Phase.DECISION
        said = {name: str(value) for name, value in said.items() if value}
        return cls(
            filter=wanted,
            pseudonyms=pseudonyms,
            since_us=-(2**62) if wanted.since is None else _microseconds(wanted.since),
            until_us=2**62 if wanted.until is None else _microseconds(wanted.until),
            said=said,
            texts=tuple(orjson.dumps({name: value})[1:-1] for name, value in said.items()),
        )

    def in_bundle(self, bundle: Bundle) -> bool:
        """Tell whether any entry of a bundle may be wanted. Forged ones are written in any way."""
        content = bundle.content
        if self.pseudonyms is not None and not any(each in content for each in self.pseudonyms):
            return False
        return any(bundle.flags) or all(text in content for text in self.texts)

    def is_met(self, entry: StoredEntry) -> bool:
        """Tell whether an entry is wanted."""
        if self.pseudonyms is not None and self.pseudonyms.isdisjoint((entry.actor, entry.subject)):
            return False
        if not entry.flag and not all(text in entry.envelope for text in self.texts):
            return False
        clear = orjson.loads(entry.envelope)
        return self.since_us <= clear["time"] < self.until_us and all(
            clear.get(name) == value for name, value in self.said.items()
        )


def _find(
    connection: sqlite3.Connection, wanted: _Wanted, limit: int
) -> tuple[list[StoredEntry], int | None]:
    """Find what is wanted, newest first, and where to go on."""
    size = log_size(connection)
    high = size if wanted.filter.before is None else min(size, wanted.filter.before)
    found: list[StoredEntry] = []
    left = _SCAN_ENTRIES
    for block in _candidates(connection, wanted, high, size):
        low = block * BLOCK_ENTRIES
        end = min(high, low + BLOCK_ENTRIES)
        for bundle in read_bundles(connection, low, end, newest_first=True):
            if left <= 0:
                return found, min(end, bundle.first + len(bundle.flags))
            left -= len(bundle.flags)
            if not wanted.in_bundle(bundle):
                continue
            for entry in reversed(list(bundle.entries())):
                if entry.idx < end and wanted.is_met(entry):
                    if len(found) == limit:
                        return found, found[-1].idx
                    found.append(entry)
    return found, None


def _candidates(
    connection: sqlite3.Connection, wanted: _Wanted, high: int, size: int
) -> Iterator[int]:
    """Give the blocks in which something wanted may be, newest first."""
    asked = wanted.filter
    # The reference of a result is that of its decision, and not in the span of its own block.
    reference = asked.reference if "phase" in wanted.said else ""
    outcome = None if asked.outcome is None else OUTCOME_CODES[asked.outcome]
    blocks = blocks_that_may_have(
        connection,
        range((high + BLOCK_ENTRIES - 1) // BLOCK_ENTRIES),
        wanted.since_us,
        wanted.until_us,
        outcome,
        reference,
    )
    if wanted.pseudonyms is None:
        return blocks
    possible = frozenset(blocks)
    if not possible:
        return iter(())
    first, last = (
        block * BLOCK_ENTRIES // PART_ENTRIES for block in (min(possible), max(possible))
    )
    parts = range(first, last + 1)
    present = blocks_with(connection, wanted.pseudonyms, parts, size)
    return (block for block in present if block in possible)


def _as_decisions(connection: sqlite3.Connection, found: list[StoredEntry]) -> list[StoredEntry]:
    """Put the decision in the place of each result that was found."""
    decisions: dict[int, StoredEntry] = {}
    for entry in found:
        clear = orjson.loads(entry.envelope)
        decision = entry
        if clear["phase"] == Phase.RESULT and (corr := clear.get("corr")):
            decision = find_entry(connection, bytes.fromhex(corr)) or entry
        decisions.setdefault(decision.idx, decision)
    return list(decisions.values())


def _read_row(row: StoredEntry, reader: FieldEncryption | None) -> AuditRow:
    clear: dict[str, Any] = orjson.loads(row.envelope)
    personal, state = _read_personal(row, clear, reader)
    return AuditRow(
        index=row.idx,
        id=bytes.fromhex(clear["id"]),
        at=_EPOCH + timedelta(microseconds=clear["time"]),
        kind=Kind(clear["kind"]),
        phase=Phase(clear["phase"]),
        outcome=Outcome(clear["outcome"]),
        reference=clear.get("reference", ""),
        organisation=clear.get("organisation", ""),
        function=clear.get("function", ""),
        flag=row.flag,
        clear=clear,
        personal=personal,
        personal_state=state,
    )


def _read_result(
    result: StoredEntry, decision: AuditRow, reader: FieldEncryption | None
) -> AuditRow:
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
    row: StoredEntry, clear: Mapping[str, Any], reader: FieldEncryption | None
) -> tuple[dict[str, str], PersonalState]:
    if "kid" not in clear:
        return {}, "none"
    if reader is None:
        return {}, "locked"
    if not row.ciphertext:
        return {}, "expired"
    try:
        fields = reader.decrypt(
            row.ciphertext,
            entry_id=bytes.fromhex(clear["id"]),
            kid=clear["kid"],
            kc=b64decode(clear["kc"]),
            fields_root=b64decode(clear["fields_root"]),
        )
    except (FieldsError, KeyError, ValueError):
        return {}, "damaged"
    return ({}, "expired") if fields is None else (fields, "shown")


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)

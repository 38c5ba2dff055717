"""Proves a log from its files and public keys alone, or says exactly where it does not hold.

It shares no state with the sequencer and needs no secret. For every entry: (1) the indexes have no
hole; (2) the leaf, recomputed from the stored bytes, is the one in the tiles; (3) the pseudonyms
are those it commits to; (4) the ciphertext is the one sealed; (5) each writer's own sequence and
chain go on. For the whole: (6) higher tiles, (7) every signed checkpoint kept, and one the auditor
holds from before, fit the recomputed tree; (8) the file's own structure is sound, and its tables
say what the entries say, so that none is hidden from a search; (9) every flag is spoken of in the
log, and what it says could not become an entry is kept as it was found.

What it cannot see: entries cut off after the newest checkpoint anybody holds.
"""

import hashlib
import sqlite3
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.audit.batch import CODE_DUPLICATE, CODE_GAP, CODE_GIVEN_UP, CODE_MAC, NOTE_SYSTEM
from gateway.audit.bundles import (
    BUNDLE_ENTRIES,
    FLAG_MAC,
    FLAG_SEQUENCE,
    Bundle,
    StoredEntry,
    log_size,
    read_bundles,
)
from gateway.audit.checkpoint import Checkpoint, open_checkpoint
from gateway.audit.errors import LogStoreError, NoteError
from gateway.audit.log_store import CHECKPOINT_FILE, SCHEMA, open_for_reading
from gateway.audit.merkle import Frontier, tree_root
from gateway.audit.sealing import NO_LEAF
from gateway.audit.table_check import TableCheck
from gateway.audit.tile_check import TileCheck
from gateway.audit.verify_report import MAX_FAULTS, VerifyFault, VerifyReport

# Notes that explain why a writer's sequence goes on later.
_NOTE_CODES = (CODE_GAP, CODE_GIVEN_UP, CODE_DUPLICATE)

# Told every thousand entries: how many are done, of how many.
Progress = Callable[[int, int], None]


def verify(
    log_directory: Path,
    public_keys: Sequence[Ed25519PublicKey],
    held_checkpoint: str | None = None,
    *,
    origin: str | None = None,
    progress: Progress | None = None,
) -> VerifyReport:
    """Verify a log.

    Args:
        log_directory: The folder of the log, or a copy of it.
        public_keys: Every key the log has signed with.
        held_checkpoint: A checkpoint kept from before, the only proof against truncation.
        origin: Which log it must be; without it, the one its checkpoint names.
        progress: Told as it goes on.

    Raises:
        LogStoreError: There is no log to read.
    """
    verification = _Verification(log_directory, list(public_keys), origin)
    # The head first, then the entries: they can only have grown since.
    head = verification.read_head(held_checkpoint)
    with closing(open_for_reading(log_directory)) as connection:
        try:
            connection.execute("BEGIN")
            verification.run(connection, head, progress)
        except sqlite3.Error as error:
            verification.fault("log file", f"cannot be read to the end: {error}")
    return verification.report()


class _Verification:
    def __init__(self, directory: Path, keys: list[Ed25519PublicKey], origin: str | None) -> None:
        self._directory = directory
        self._keys = keys
        self._origin = origin
        self._faults: list[VerifyFault] = []
        self._fault_count = 0
        self._head: Checkpoint | None = None
        self._held: Checkpoint | None = None
        self._size = 0
        self._signed = 0
        self._root = b""
        self._fitting = 0
        self._frontier = Frontier()
        self._nodes: list[tuple[int, bytes]] = []
        # Heads to compare with the recomputed root, by size: (where, root).
        self._heads: dict[int, list[tuple[str, bytes]]] = {}
        self._chains: dict[str, tuple[int, bytes]] = {}
        self._breaks: list[tuple[int, str, int]] = []
        self._flags: dict[str, tuple[int, int]] = {}
        self._notes: set[tuple[str, str, int]] = set()
        self._noted_ids: set[tuple[str, str]] = set()
        # What could not become an entry: its hash, and the entry that says so.
        self._kept_pieces: dict[str, int] = {}
        self._alarms: list[tuple[int, str]] = []
        self._template = hashlib.sha256(b"\0")

    def fault(self, where: str, what: str, index: int | None = None) -> None:
        self._fault_count += 1
        if len(self._faults) < MAX_FAULTS:
            self._faults.append(VerifyFault(where=where, what=what, index=index))

    def read_head(self, held: str | None) -> Checkpoint | None:
        path = self._directory / CHECKPOINT_FILE
        try:
            note = path.read_text(encoding="utf-8")
            self._head = open_checkpoint(note, self._keys, origin=self._origin)
            self._expect("checkpoint", self._head)
            self._origin = self._head.origin
        except (OSError, UnicodeDecodeError) as error:
            self.fault("checkpoint", f"cannot be read: {error}")
        except NoteError as error:
            self.fault("checkpoint", str(error))
        if held is not None:
            try:
                self._held = open_checkpoint(held, self._keys, origin=self._origin)
                self._expect("held checkpoint", self._held)
            except NoteError as error:
                self.fault("held checkpoint", str(error))
        return self._head

    def _expect(self, where: str, head: Checkpoint) -> None:
        self._heads.setdefault(head.size, []).append((where, head.root))

    def run(
        self, connection: sqlite3.Connection, head: Checkpoint | None, progress: Progress | None
    ) -> None:
        self._check_structure(connection)
        total = log_size(connection)
        for size, note in connection.execute("SELECT size, note FROM checkpoint ORDER BY size"):
            self._read_kept_checkpoint(size, note)
        sealed = 0 if head is None else head.size
        tiles = TileCheck(self._directory, sealed, self.fault)
        self._signed = max(self._heads, default=0)
        self._check_heads()
        tables = TableCheck(connection, self.fault)
        for bundle in read_bundles(connection, -(2**62), 2**62):
            self._check_bundle(bundle, tiles, tables)
            if progress is not None:
                progress(self._size, total)
        self._check_ends(tiles)
        tables.finish()
        self._check_notes()
        self._check_pieces(connection)

    def report(self) -> VerifyReport:
        sealed = 0 if self._head is None else min(self._head.size, self._size)
        return VerifyReport(
            size=self._size,
            sealed=sealed,
            origin=self._origin or "",
            root=self._root.hex(),
            held_size=None if self._held is None else self._held.size,
            checkpoints=self._fitting,
            faults=tuple(self._faults),
            fault_count=self._fault_count,
            alarms=tuple(self._alarms),
        )

    # One entry.

    def _check_bundle(self, bundle: Bundle, tiles: TileCheck, tables: TableCheck) -> None:
        if not 0 < len(bundle.flags) <= BUNDLE_ENTRIES - bundle.first % BUNDLE_ENTRIES:
            what = f"does not hold 1 to {BUNDLE_ENTRIES} entries of one tile"
            self.fault(f"bundle of entry {bundle.first}", what, bundle.first)
        try:
            for entry in bundle.entries():
                self._check_entry(entry, tiles, tables)
        except LogStoreError:
            # The entries that it should hold are then reported as removed.
            what = "its lengths do not add up"
            self.fault(f"bundle of entry {bundle.first}", what, bundle.first)

    def _check_entry(self, stored: StoredEntry, tiles: TileCheck, tables: TableCheck) -> None:
        index = stored.idx
        if index != self._size:
            self._fill_hole(index, tiles)
        hasher = self._template.copy()
        hasher.update(stored.envelope)
        leaf = hasher.digest()
        tiles.add(leaf)
        self._add_leaf(leaf)
        try:
            entry: dict[str, Any] = orjson.loads(stored.envelope)
            tables.add(stored, entry)
            self._check_commitments(stored, entry)
            self._follow_chain(stored, entry, leaf)
        except (AttributeError, LookupError, ValueError, TypeError):
            self.fault(f"entry {index}", "the envelope cannot be read", index)

    def _add_leaf(self, leaf: bytes) -> None:
        frontier = self._frontier
        frontier.append(leaf)
        self._size += 1
        if frontier.risen and self._head is not None and self._size <= self._head.size:
            self._nodes += frontier.risen
            frontier.risen.clear()
        if self._size in self._heads:
            self._check_heads()

    def _fill_hole(self, index: int, tiles: TileCheck) -> None:
        """Report missing entries; their leaves come from the tiles, to judge what follows."""
        first, last = self._size, index - 1
        if first > last:
            self.fault(f"entry {index}", "the index is there twice", index)
            return
        span = f"entry {first}" if first == last else f"entries {first} to {last}"
        self.fault(span, "removed", first)
        for missing in range(first, min(index, self._signed)):
            leaf = tiles.leaf(missing)
            tiles.skip()
            self._add_leaf(leaf if leaf is not None else bytes(32))
        self._size = index  # of what nobody signed there is nothing to judge, however much

    def _check_commitments(self, stored: StoredEntry, entry: dict[str, Any]) -> None:
        """Compare what lies outside the envelope with what it commits to."""
        where, index = f"entry {stored.idx}", stored.idx
        digest = ""
        if stored.ciphertext:
            digest = b64encode(hashlib.sha256(stored.ciphertext).digest()).decode()
        if entry.get("ct_sha256", "") != digest:
            self.fault(where, "the ciphertext is not the one sealed", index)
        root = ""
        if stored.names_somebody:
            index_columns = stored.salt + stored.actor + stored.subject
            root = b64encode(hashlib.sha256(index_columns).digest()).decode()
        if entry.get("index_root", "") != root:
            self.fault(where, "salt and pseudonyms are not those sealed", index)

    def _follow_chain(self, row: StoredEntry, entry: dict[str, Any], leaf: bytes) -> None:
        """Follow a writer's own sequence and chain; gather what the log says about faults."""
        if row.flag:
            if row.flag not in {FLAG_MAC, FLAG_SEQUENCE}:
                self.fault(f"entry {row.idx}", "its flag is none that we set", row.idx)
            self._flags[bytes.fromhex(entry["id"]).hex()] = row.idx, row.flag
            if row.flag & FLAG_MAC:
                return  # a forged entry may claim any place
        writer, wseq = entry["writer"], entry["wseq"]
        last, last_leaf = self._chains.get(writer, (0, NO_LEAF))
        if wseq != last + 1 or entry["prev"] != b64encode(last_leaf).decode():
            self._breaks.append((row.idx, writer, last + 1))
        self._chains[writer] = max(wseq, last), leaf
        if entry["kind"] == "system" and entry.get("system") == NOTE_SYSTEM:
            self._take_note(row.idx, entry)

    def _take_note(self, index: int, entry: dict[str, Any]) -> None:
        code, facts = entry["code"], entry["inputs"]
        if entry["outcome"] == "error":
            self._alarms.append((index, code))
        if code in _NOTE_CODES:
            self._notes.add((code, facts["writer"], facts["from"]))
        if "sha256" in facts:
            self._kept_pieces[facts["sha256"]] = index
        if "id" in facts:
            self._noted_ids.add((code, facts["id"]))

    # The whole.

    def _read_kept_checkpoint(self, size: int, note: str) -> None:
        try:
            kept = open_checkpoint(note, self._keys, origin=self._origin)
        except NoteError as error:
            self.fault(f"kept checkpoint of {size}", str(error))
            return
        if kept.size != size:
            self.fault(f"kept checkpoint of {size}", "column `size` is not what it says")
        self._expect(f"kept checkpoint of {kept.size}", kept)

    def _check_heads(self) -> None:
        """Compare the recomputed root with every head of the present size."""
        expected = self._heads.pop(self._size, None)
        if expected is None:
            return
        root = self._frontier.root()
        if self._head is not None and self._size == self._head.size:
            self._root = root
        for where, signed in expected:
            if signed == root:
                self._fitting += 1
            else:
                self.fault(where, f"the first {self._size} entries do not give the signed root")

    def _check_ends(self, tiles: TileCheck) -> None:
        for size, expected in sorted(self._heads.items()):
            for where, _ in expected:
                self.fault(where, f"truncated: {size} entries were signed, {self._size} are there")
        if not self._root:
            self._root = self._frontier.root()
        tiles.finish(self._nodes)
        if tiles.changed and self._head is not None:
            self._blame(tiles, self._head)

    def _blame(self, tiles: TileCheck, head: Checkpoint) -> None:
        """Say for every difference between entries and tiles which of the two was changed."""
        tile_root = tree_root(head.size, tiles.node) if tiles.complete else b""
        entries_are_right = self._root == head.root
        sealed_as = {expected: index for index, (_, expected) in tiles.changed.items()}
        for index, (leaf, _) in sorted(tiles.changed.items()):
            if entries_are_right:
                self.fault(f"tile of entry {index}", "changed: the entry fits the checkpoint")
            elif leaf in sealed_as:
                what = f"holds what was sealed as entry {sealed_as[leaf]}"
                self.fault(f"entry {index}", what, index)
            elif tile_root == head.root:
                self.fault(f"entry {index}", "changed: not what was sealed", index)
            else:
                self.fault(f"entry {index}", "entry and tile differ, or both changed", index)

    def _check_notes(self) -> None:
        """Check that gaps and flags are those the log itself reports."""
        for index, writer, first in self._breaks:
            if not any((code, writer, first) in self._notes for code in _NOTE_CODES):
                self.fault(
                    f"entry {index}",
                    f"does not follow entry {first - 1} of writer `{writer}`",
                    index,
                )
        noted = self._noted_ids
        for entry_id, (index, flag) in self._flags.items():
            code = CODE_MAC if flag == FLAG_MAC else CODE_GAP
            if (code, entry_id) not in noted:
                self.fault(f"entry {index}", "it is flagged, but nothing reports it", index)
        for code, entry_id in noted:
            if code in {CODE_MAC, CODE_GAP} and entry_id not in self._flags:
                self.fault("entry " + entry_id, f"reported as {code}, but it is not flagged")

    def _check_pieces(self, connection: sqlite3.Connection) -> None:
        """Check that what could not become an entry is still kept as it was found."""
        for (content,) in connection.execute("SELECT content FROM damaged"):
            self._kept_pieces.pop(hashlib.sha256(content).hexdigest(), None)
        for index in self._kept_pieces.values():
            what = "what it says was kept as damaged is gone or changed"
            self.fault(f"entry {index}", what, index)

    def _check_structure(self, connection: sqlite3.Connection) -> None:
        """Check that tables, indexes and pages are those we made: no view, no trigger, no hole."""
        found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        if sorted(text for (text,) in found) != sorted(SCHEMA):
            self.fault("log file", "tables, indexes or triggers are not those of a log")
        for (text,) in connection.execute("PRAGMA integrity_check(20)").fetchall():
            if text != "ok":
                self.fault("log file", f"structure: {text}")

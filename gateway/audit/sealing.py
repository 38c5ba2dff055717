"""Turns a draft into the bytes that are journalled, hashed and kept for ever.

An entry's *body*: one header (kind of body, MAC, salt, two pseudonyms, two lengths), the envelope
(JSON of the clear fields), the ciphertext of the personal ones. The leaf of the tree is
SHA-256(0x00, envelope), over the stored bytes: nothing is ever serialised again.

The pseudonyms are outside the envelope, so that they can be erased when their month expires; the
envelope commits to them with a salt (`index_root`) that is erased with them. The MAC covers all of
it, with a key the database administrator lacks, until the sequencer has put the entry in the tree.
"""

import hashlib
import os
import struct
from binascii import b2a_base64
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import orjson

from gateway.audit.entry import EntryDraft
from gateway.audit.errors import SealError
from gateway.audit.field_encryption import (
    NONCE_BYTES,
    SEED_BYTES,
    FieldEncryption,
    personal_fields,
)
from gateway.audit.keyed_hash import KeyedHash
from gateway.errors import KeysError
from gateway.keys import KeyRing

ENTRY_VERSION = 1
# First byte of a body: what it is.
ENTRY_BODY, START_BODY, CLOSE_BODY = b"\x01", b"\x02", b"\x03"
# MAC, salt, pseudonym of the actor, pseudonym of the subject, length of envelope, of ciphertext.
HEADER = struct.Struct(">x32s16s16s16sII")
PSEUDONYM_BYTES = 16
NO_PSEUDONYM = bytes(PSEUDONYM_BYTES)
NO_LEAF = bytes(32)
# One entry must fit the 65,535 bytes of a C2SP entry bundle; ours stay far below, so that a
# stranger's long headers cannot make the record grow quickly.
MAX_ENTRY_BYTES = 12_288
ENTROPY_BYTES = SEED_BYTES + NONCE_BYTES + PSEUDONYM_BYTES
_SALT_FROM = SEED_BYTES + NONCE_BYTES
# Texts and lists longer than this are cut when an entry is too large; tried in turn.
_CUTS = ((512, 32), (96, 8), (24, 2))
_REMEMBERED_PSEUDONYMS = 8_192
_ENTROPY_DRAWS = 64  # entries; 4 kB at a time
_MAX_INTEGER = 2**63 - 1


class Sealed(NamedTuple):
    """An entry ready to be journalled, the leaf that the next one chains to, and its number."""

    body: bytes
    leaf: bytes
    wseq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a writer has come: the sequence number and leaf of its last entry."""

    wseq: int
    leaf: bytes


class Pseudonyms:
    """Keyed pseudonyms of persons for the index columns."""

    def __init__(self, key: bytes) -> None:
        self._keyed = KeyedHash(key)
        self._known: dict[tuple[str, str], bytes] = {}

    def of(self, role: str, identity: str) -> bytes:
        """Return the 16-byte pseudonym of an `actor` or `subject`; zeros for nobody."""
        if not identity:
            return NO_PSEUDONYM
        pseudonym = self._known.get((role, identity))
        if pseudonym is None:
            if len(self._known) >= _REMEMBERED_PSEUDONYMS:
                self._known.clear()
            text = f"{role}\0{identity}".encode(errors="backslashreplace")
            pseudonym = self._keyed.digest(text)[:PSEUDONYM_BYTES]
            self._known[role, identity] = pseudonym
        return pseudonym


class Sealer:
    """Seals the drafts of one writer in order. For one thread at a time."""

    def __init__(self, key_ring: KeyRing, writer: str) -> None:
        self.writer = writer
        self._encryption = FieldEncryption(key_ring)
        self._pseudonyms = Pseudonyms(key_ring.index_key)
        self._mac = KeyedHash(key_ring.writer_mac_key)
        self._suffix = writer.encode()
        self._wseq = 0
        self._leaf = NO_LEAF
        self._leaf_hash = hashlib.sha256(b"\0")
        self._entropy = b""
        self._entropy_at = 0

    @property
    def position(self) -> Position:
        """Sequence number and leaf of the last entry sealed."""
        return Position(wseq=self._wseq, leaf=self._leaf)

    def restore(self, position: Position) -> None:
        """Go back: the entries after `position` were not written, and never will be."""
        self._wseq = position.wseq
        self._leaf = position.leaf

    def seal_all(self, drafts: list[EntryDraft]) -> list[Sealed | SealError]:
        """Seal drafts in order; those that cannot be sealed are given as errors."""
        sealed: list[Sealed | SealError] = []
        for draft in drafts:
            try:
                sealed.append(self.seal_next(draft))
            except SealError as error:
                sealed.append(error)
        return sealed

    def seal_next(self, draft: EntryDraft) -> Sealed:
        """Seal the next draft; one that cannot be sealed takes no sequence number.

        Raises:
            SealError: It cannot be sealed.
        """
        start = self._entropy_at
        if start + ENTROPY_BYTES > len(self._entropy):
            # Drawn for many at a time: each call to the system lets other threads in between.
            self._entropy, start = os.urandom(ENTROPY_BYTES * _ENTROPY_DRAWS), 0
        self._entropy_at = start + ENTROPY_BYTES
        try:
            return self.seal(draft, self._entropy[start : start + ENTROPY_BYTES])
        except (KeysError, OSError) as error:
            # Sealing reads no files but keys: what fails here is not the record's own disk.
            raise SealError(f"record: no key to seal with: {error}") from error

    def seal(self, draft: EntryDraft, entropy: bytes) -> Sealed:
        """Seal one draft.

        Too large, or not expressible as JSON, it is shortened; the envelope then names the fields.

        Args:
            draft: The entry.
            entropy: `ENTROPY_BYTES` fresh random bytes.

        Raises:
            SealError: Not even the shortest form can be sealed.
        """
        try:
            sealed = self._seal(draft, entropy, ())
        except (TypeError, ValueError, OverflowError):
            sealed = None
        if sealed is not None and len(sealed.body) <= MAX_ENTRY_BYTES:
            self._accept(sealed)
            return sealed
        for text_limit, list_limit in _CUTS:
            shortened, names = _shortened(draft, text_limit, list_limit)
            try:
                # The same entropy again is safe: only one of these ciphertexts is ever written.
                sealed = self._seal(shortened, entropy, names)
            except (TypeError, ValueError, OverflowError) as error:
                raise SealError("record: the entry cannot be expressed") from error
            if len(sealed.body) <= MAX_ENTRY_BYTES:
                self._accept(sealed)
                return sealed
        raise SealError("record: the entry is too large even when shortened")

    def start_body(self, segment: int, acknowledged: int, reached: int) -> bytes:
        """Make the first body of a segment: its number, and from where to where this writer went.

        Args:
            segment: Number of the segment, from 1.
            acknowledged: Sequence number of the last entry known to be durable. Entries between
                it and the next were given up; the sequencer accepts their absence.
            reached: Sequence number of the last entry before those that follow in this segment.
        """
        return self._mark(START_BODY, segment, acknowledged, reached)

    def close_body(self) -> bytes:
        """Make the last body of a writer that ends in order."""
        return self._mark(CLOSE_BODY, 0, self._wseq, self._wseq)

    def _mark(self, kind: bytes, segment: int, acknowledged: int, reached: int) -> bytes:
        message = kind + MARK.pack(segment, acknowledged, reached)
        return message + self._mac.digest(message + self._suffix)

    def _accept(self, sealed: Sealed) -> None:
        self._wseq += 1
        self._leaf = sealed.leaf

    def _seal(self, draft: EntryDraft, entropy: bytes, shortened: tuple[str, ...]) -> Sealed:
        wseq = self._wseq + 1
        envelope = _clear_fields(draft)
        envelope["writer"] = self.writer
        envelope["wseq"] = wseq
        envelope["prev"] = b2a_base64(self._leaf, newline=False).decode()
        if shortened:
            envelope["shortened"] = shortened
        actor = self._pseudonyms.of("actor", draft.staff_id)
        subject = self._pseudonyms.of("subject", draft.subject)
        salt = NO_PSEUDONYM
        if actor is not NO_PSEUDONYM or subject is not NO_PSEUDONYM:
            salt = entropy[_SALT_FROM:]
            index_root = hashlib.sha256(salt + actor + subject).digest()
            envelope["index_root"] = b2a_base64(index_root, newline=False).decode()
        ciphertext = ct_sha256 = b""
        if personal := personal_fields(draft):
            kid, kc, root, ciphertext = self._encryption.encrypt(
                personal,
                entry_id=draft.id,
                at_us=draft.at_us,
                regime=draft.regime,
                seed=entropy[:SEED_BYTES],
                nonce=entropy[SEED_BYTES:_SALT_FROM],
            )
            ct_sha256 = hashlib.sha256(ciphertext).digest()
            envelope["kid"] = kid
            envelope["kc"] = b2a_base64(kc, newline=False).decode()
            envelope["ct_sha256"] = b2a_base64(ct_sha256, newline=False).decode()
            envelope["fields_root"] = b2a_base64(root, newline=False).decode()
        text = orjson.dumps(envelope)
        leaf_hash = self._leaf_hash.copy()
        leaf_hash.update(text)
        leaf = leaf_hash.digest()
        mac = self._mac.digest(
            mac_message(wseq, leaf, salt + actor + subject, ct_sha256, self._suffix)
        )
        header = HEADER.pack(mac, salt, actor, subject, len(text), len(ciphertext))
        return Sealed(ENTRY_BODY + header[1:] + text + ciphertext, leaf, wseq)


MARK = struct.Struct(">QQQ")


def mac_message(
    wseq: int, leaf: bytes, index_columns: bytes, ct_sha256: bytes, writer: bytes
) -> bytes:
    """Lay out what an entry's MAC covers; every part but the last two has a fixed length."""
    return leaf + index_columns + wseq.to_bytes(8, "big") + ct_sha256 + b"\0" + writer


def _clear_fields(draft: EntryDraft) -> dict[str, object]:  # noqa: C901, PLR0912, PLR0915
    """Collect the clear fields that are filled in.

    One `if` a field: a loop over names would cost three times as much, on every request twice.
    """
    envelope: dict[str, object] = {
        "v": ENTRY_VERSION,
        "id": draft.id.hex(),
        "time": draft.at_us,
        "kind": draft.kind,
        "phase": draft.phase,
        "outcome": draft.outcome,
    }
    if draft.reference:
        envelope["reference"] = draft.reference
    if draft.corr:
        envelope["corr"] = draft.corr.hex()
    if draft.op:
        envelope["op"] = draft.op
    if draft.code:
        envelope["code"] = draft.code
    if draft.organisation:
        envelope["organisation"] = draft.organisation
    if draft.vetting:
        envelope["vetting"] = draft.vetting
    if draft.vetting_expires:
        envelope["vetting_expires"] = draft.vetting_expires
    if draft.roles:
        envelope["roles"] = draft.roles
    if draft.function:
        envelope["function"] = draft.function
    if draft.regime:
        envelope["regime"] = draft.regime
    if draft.classification:
        envelope["classification"] = draft.classification
    if draft.system:
        envelope["system"] = draft.system
    if draft.agreement:
        envelope["agreement"] = draft.agreement
    if draft.rules:
        envelope["rules"] = draft.rules
    if draft.policy:
        envelope["policy"] = draft.policy
    if draft.obligations:
        envelope["obligations"] = draft.obligations
    if draft.method:
        envelope["method"] = draft.method
    if draft.route:
        envelope["route"] = draft.route
    if draft.status:
        envelope["status"] = draft.status
    if draft.bytes_in:
        envelope["bytes_in"] = draft.bytes_in
    if draft.bytes_out:
        envelope["bytes_out"] = draft.bytes_out
    if draft.duration_us:
        envelope["duration_us"] = draft.duration_us
    if draft.recipient:
        envelope["recipient"] = draft.recipient
    if draft.count != 1:
        envelope["count"] = draft.count
    if draft.inputs is not None:
        envelope["inputs"] = draft.inputs
    if draft.closes:
        envelope["closes"] = draft.closes
    return envelope


def _shortened(
    draft: EntryDraft, text_limit: int, list_limit: int
) -> tuple[EntryDraft, tuple[str, ...]]:
    """Cut every long field, make every value expressible; return also the names of those cut."""
    changed: dict[str, object] = {}
    for field in fields(EntryDraft):
        value = getattr(draft, field.name)
        fitted = _fitted(field.name, value, text_limit, list_limit)
        if fitted != value:
            changed[field.name] = fitted
    # Not checked statically: every value keeps the type of its field.
    return replace(draft, **changed), tuple(changed)  # type: ignore[arg-type]


def _fitted(name: str, value: object, text_limit: int, list_limit: int) -> object:
    if name in {"id", "corr", "kind", "phase", "outcome", "at_us"} or value is None:
        return value
    if name == "inputs":
        text = orjson.dumps(value, default=repr).decode() if _expressible(value) else repr(value)
        return value if len(text) <= text_limit and _expressible(value) else _cut(text, text_limit)
    if isinstance(value, str):
        return _cut(value, text_limit)
    if isinstance(value, bytes):
        return value[:64]
    if isinstance(value, int):
        return max(-_MAX_INTEGER, min(value, _MAX_INTEGER))
    if isinstance(value, tuple):
        kept = tuple(_cut(str(item), text_limit) for item in value[:list_limit])
        return (
            kept if len(value) <= list_limit else (*kept, f"[and {len(value) - list_limit} more]")
        )
    return value


def _cut(text: str, limit: int) -> str:
    clean = text.encode(errors="backslashreplace").decode()
    if len(clean) <= limit:
        return clean
    return f"{clean[:limit]}[shortened from {len(clean)} characters]"


def _expressible(value: object) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:  # orjson's encoding error is one
        return False
    return True

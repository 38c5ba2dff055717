"""Turns a draft into the bytes that are journalled, hashed and kept for ever.

An entry's *body*: one header (kind of body, MAC, salt, two pseudonyms, two lengths), the envelope
(JSON of the clear fields), the ciphertext of the personal ones. The leaf of the tree is
SHA-256(0x00, envelope), over the stored bytes: nothing is ever serialised again.

The pseudonyms are outside the envelope, so that they can be erased when their month expires; the
envelope commits to them with a salt (`index_root`) that is erased with them. The MAC covers all of
it, with a key the database administrator lacks, until the sequencer has put the entry in the tree.
"""

import os
import struct
from binascii import b2a_base64, hexlify
from collections.abc import Iterator
from dataclasses import fields, replace
from hashlib import sha256
from typing import NamedTuple, TypeAlias

import orjson

from gateway.audit.clear_text import REPEATED_TEXT, TextAround, clear_text
from gateway.audit.entry import EntryDraft
from gateway.audit.errors import SealError
from gateway.audit.field_encryption import (
    NONCE_BYTES,
    SEED_BYTES,
    FieldEncryption,
    PersonalText,
    personal_fields,
)
from gateway.audit.keyed_hash import KeyedHash
from gateway.errors import KeysError
from gateway.keys import KeyRing

# First byte of a body: what it is.
ENTRY_BODY, START_BODY, CLOSE_BODY = b"\x01", b"\x02", b"\x03"
# Kind, MAC, salt with the pseudonyms of actor and subject, length of envelope, of ciphertext.
HEADER = struct.Struct(">c32s48sII")
# What an entry's MAC covers: leaf, salt and pseudonyms, number in 8 bytes, SHA-256 of a ciphertext,
# writer; every part but the last two has a fixed length.
MAC_MESSAGE = b"%b%b%b%b\0%b"
# Of a mark: number of the segment, how far entries are durable, how far they went.
MARK = struct.Struct(">QQQ")
PSEUDONYM_BYTES = 16
NO_PSEUDONYM = bytes(PSEUDONYM_BYTES)
NO_COLUMNS = bytes(3 * PSEUDONYM_BYTES)
NO_LEAF = bytes(32)
# One entry must fit the 65,535 bytes of a C2SP entry bundle; ours stay far below, so that a
# stranger's long headers cannot make the record grow quickly.
MAX_ENTRY_BYTES = 12_288
# What chance each entry takes: seed of the fields' salts, nonce, salt of the pseudonyms.
_CHANCE = struct.Struct(f"{SEED_BYTES}s{NONCE_BYTES}s{PSEUDONYM_BYTES}s")
# Texts and lists longer than this are cut when an entry is too large; tried in turn.
_CUTS = ((512, 32), (96, 8), (24, 2))
_REMEMBERED_PSEUDONYMS = 8_192
_DRAWS = 64  # entries; 3 kB at a time
_MAX_INTEGER = 2**63 - 1

Chance = tuple[bytes, bytes, bytes]
# What a sealer has made of that which entries say alike each time: texts around the reference,
# the last of which goes on to the sequence number, personal fields, pseudonyms.
_Prepared: TypeAlias = "tuple[Sealer, bytes, bytes, PersonalText, bytes]"
# What an envelope says behind its clear fields and its writer: number and leaf before, then, of
# whom it is about, what it commits to; and all of it, where it says the rest as another did.
_CHAINED = b'%d,"prev":"%b"'
_INDEXED = b',"index_root":"%b"'
_ENCRYPTED = b',"kid":"%b","kc":"%b","ct_sha256":"%b","fields_root":"%b"'
_REPEATED = REPEATED_TEXT + _CHAINED + _INDEXED + _ENCRYPTED + b"}"
_new_sealed = tuple.__new__


class Sealed(NamedTuple):
    """An entry ready to be journalled, the leaf that the next one chains to, and its number."""

    body: bytes
    leaf: bytes
    wseq: int


class Position(NamedTuple):
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
        self._written_by = b',"writer":"%b","wseq":' % self._suffix
        self._wseq = 0
        self._leaf = NO_LEAF
        self._chances: Iterator[Chance] = iter(())

    @property
    def position(self) -> Position:
        """Sequence number and leaf of the last entry sealed."""
        return Position(wseq=self._wseq, leaf=self._leaf)

    def restore(self, position: Position | Sealed) -> None:
        """Go back: the entries after `position` were not written, and never will be."""
        self._wseq = position.wseq
        self._leaf = position.leaf

    def seal_all(self, drafts: list[EntryDraft]) -> list[Sealed | SealError]:
        """Seal drafts in order; those that cannot be sealed are given as errors."""
        sealed: list[Sealed | SealError] = []
        for draft in drafts:
            try:
                sealed.append(self.seal(draft))
            except SealError as error:
                sealed.append(error)
        return sealed

    def seal(self, draft: EntryDraft, chance: Chance | None = None) -> Sealed:
        """Seal the next draft; one that cannot be sealed takes no sequence number.

        Too large, or not expressible as JSON, it is shortened; the envelope then names the fields.

        Args:
            draft: The entry.
            chance: Fresh random bytes (a seed, a nonce, a salt); drawn unless given.

        Raises:
            SealError: Not even the shortest form can be sealed, or there is no key.
        """
        chance = chance or next(self._chances, None) or self._draw()
        try:
            try:
                sealed = self._seal(draft, chance)
            except (TypeError, ValueError, OverflowError):
                sealed = None
            return sealed or self._seal_shortened(draft, chance)
        except (KeysError, OSError) as error:
            # Sealing reads no files but keys: what fails here is not the record's own disk.
            raise SealError(f"record: no key to seal with: {error}") from error

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

    def _draw(self) -> Chance:
        # Drawn for many at a time: each call to the system lets other threads in between.
        self._chances = _CHANCE.iter_unpack(os.urandom(_CHANCE.size * _DRAWS))
        return next(self._chances)

    def _seal(self, draft: EntryDraft, chance: Chance, said: bytes = b"") -> Sealed | None:
        """Seal a draft, and take a sequence number for it, unless it is too large.

        Args:
            draft: The entry.
            chance: A seed, a nonce, a salt.
            said: What else the envelope says of the draft, as JSON with a comma before it.

        Raises:
            TypeError, ValueError, OverflowError: A value cannot be expressed.
            KeysError, OSError: There is no key.
        """
        wseq = self._wseq + 1
        repetition = draft.repetition
        if repetition is None:
            text, index_columns, ct_sha256, ciphertext = self._write(draft, chance, said)
        else:
            known: _Prepared = repetition.prepared
            if known[0] is not self:
                prepared = self._prepare(draft)
                if prepared is None:
                    return self._seal(replace(draft), chance, said)  # which repeats nothing
                # Whatever seals these next finds it; nothing that has changed is a repetition.
                known = repetition.prepared = prepared
            _, before, after, personal, pseudonyms = known
            seed, nonce, salt = chance
            index_columns = salt + pseudonyms
            kid, kc, root, ciphertext = self._encryption.encrypt(personal, draft, seed, nonce)
            ct_sha256 = sha256(ciphertext).digest()
            text = _REPEATED % (
                hexlify(draft.id),
                draft.at_us,
                before,
                orjson.dumps(draft.reference),
                after,
                wseq,
                b2a_base64(self._leaf, newline=False),
                b2a_base64(sha256(index_columns).digest(), newline=False),
                kid,
                b2a_base64(kc, newline=False),
                b2a_base64(ct_sha256, newline=False),
                b2a_base64(root, newline=False),
            )
        leaf = sha256(b"\0" + text).digest()
        covered = MAC_MESSAGE % (
            leaf,
            index_columns,
            wseq.to_bytes(8, "big"),
            ct_sha256,
            self._suffix,
        )
        mac = self._mac.digest(covered)
        header = HEADER.pack(ENTRY_BODY, mac, index_columns, len(text), len(ciphertext))
        body = header + text + ciphertext
        if len(body) > MAX_ENTRY_BYTES:
            return None
        self._wseq, self._leaf = wseq, leaf
        return _new_sealed(Sealed, (body, leaf, wseq))

    def _write(
        self, draft: EntryDraft, chance: Chance, said: bytes
    ) -> tuple[bytes, bytes, bytes, bytes]:
        """Write the envelope of a draft that is known from nowhere.

        It returns the envelope, salt and pseudonyms, SHA-256 of the ciphertext, and the ciphertext.
        """
        seed, nonce, salt = chance
        clear = clear_text(draft)
        personal, pseudonyms = self._persons(draft)
        index_columns = NO_COLUMNS
        if pseudonyms:
            index_columns = salt + pseudonyms
            index_root = sha256(index_columns).digest()
            said += _INDEXED % b2a_base64(index_root, newline=False)
        ciphertext = ct_sha256 = b""
        if personal is not None:
            kid, kc, root, ciphertext = self._encryption.encrypt(personal, draft, seed, nonce)
            ct_sha256 = sha256(ciphertext).digest()
            said += _ENCRYPTED % (
                kid,
                b2a_base64(kc, newline=False),
                b2a_base64(ct_sha256, newline=False),
                b2a_base64(root, newline=False),
            )
        chained = _CHAINED % (self._wseq + 1, b2a_base64(self._leaf, newline=False))
        text = b"%b%b%b%b}" % (clear, self._written_by, chained, said)
        return text, index_columns, ct_sha256, ciphertext

    def _prepare(self, draft: EntryDraft) -> "_Prepared | None":
        """Make ready what entries say alike each time; None where they say nothing of persons."""
        before, after = TextAround.of(draft)
        personal, pseudonyms = self._persons(draft)
        if personal is None or not pseudonyms:
            return None
        return self, before, after + self._written_by, personal, pseudonyms

    def _seal_shortened(self, draft: EntryDraft, chance: Chance) -> Sealed:
        for text_limit, list_limit in _CUTS:
            shortened, names = _shortened(draft, text_limit, list_limit)
            said = b',"shortened":' + orjson.dumps(names) if names else b""
            try:
                # The same chance again is safe: only one of these ciphertexts is ever written.
                sealed = self._seal(shortened, chance, said)
            except (TypeError, ValueError, OverflowError) as error:
                raise SealError("record: the entry cannot be expressed") from error
            if sealed is not None:
                return sealed
        raise SealError("record: the entry is too large even when shortened")

    def _persons(self, draft: EntryDraft) -> tuple[PersonalText | None, bytes]:
        """Make ready what a draft says of persons: its fields, and two pseudonyms if of anybody."""
        fields = personal_fields(draft)
        if not fields:
            return None, b""
        of = self._pseudonyms.of
        pseudonyms = of("actor", draft.staff_id) + of("subject", draft.subject)
        return PersonalText.of(fields), pseudonyms if draft.staff_id or draft.subject else b""


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

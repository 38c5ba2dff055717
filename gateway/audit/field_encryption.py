"""Encrypts what is personal in an entry, so that destroying a month's key expires it everywhere.

The ciphertext lies beside the hashed envelope, which carries its SHA-256, a commitment to the key
(`kc`: AES-GCM alone would let an insider show another plaintext later) and one to every field
(`fields_root`: a field can be disclosed with its salt, and the rest stay hidden).

Plaintext: 16 bytes of seed, then a JSON object of the fields in the order of `PERSONAL_FIELDS`.
Salts: SHAKE-256 over the seed, 16 bytes a field. Commitment: SHA-256(salt, name, 0x00, value).
`fields_root`: SHA-256 over all commitments in order.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256, shake_256
from operator import add
from typing import NamedTuple

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.audit.entry import EntryDraft
from gateway.audit.errors import FieldsError
from gateway.keys import FieldKey, KeyRing

PERSONAL_FIELDS = (
    "actor_name",
    "agent",
    "auth",
    "detail",
    "ip",
    "session",
    "staff_id",
    "subject",
    "target",
)
SEED_BYTES = 16
NONCE_BYTES = 12
_SALT_BYTES = 16
_TAG_BYTES = 16
_DIGEST = type(sha256()).digest
_CATEGORIES = ("GP", "LE")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PersonalText(NamedTuple):
    """Personal fields ready to be encrypted: as JSON, and what each is committed to by.

    Attributes:
        json: Of all of them.
        committed: Of each, its name and value.
        layout: Of the salts.
    """

    json: bytes
    committed: tuple[bytes, ...]
    layout: struct.Struct

    def salts(self, seed: bytes) -> tuple[bytes, ...]:
        """Make the salt of each field, in order."""
        return self.layout.unpack(shake_256(seed).digest(self.layout.size))

    def commitments(self, seed: bytes) -> Iterator[bytes]:
        """Commit to each field, in order; all of it runs in C."""
        return map(_DIGEST, map(sha256, map(add, self.salts(seed), self.committed)))

    @classmethod
    def of(cls, fields: dict[str, str]) -> "PersonalText":
        """Make fields ready, as `personal_fields` gives them."""
        return cls(
            # A copy: what orjson gives holds the 4 KiB it was written into for as long as it lives.
            bytes(memoryview(orjson.dumps(fields))),
            tuple(f"{name}\0{value}".encode() for name, value in fields.items()),
            struct.Struct(f"{_SALT_BYTES}s" * len(fields)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """One field with its salt, and the commitments of all: enough to check against the envelope."""

    name: str
    value: str
    salt: bytes
    commitments: tuple[bytes, ...]

    def verify(self, fields_root: bytes) -> None:
        """Check the field against an envelope's `fields_root`; raises FieldsError."""
        if _commitment(self.salt, self.name, self.value) not in self.commitments:
            raise FieldsError(f"record: the disclosed field `{self.name}` is not the one sealed")
        if sha256(b"".join(self.commitments)).digest() != fields_root:
            raise FieldsError("record: the commitments do not belong to this entry")


def personal_fields(draft: EntryDraft) -> dict[str, str]:
    """Collect the personal fields that a draft fills in, in the order of `PERSONAL_FIELDS`."""
    fields: dict[str, str] = {}
    if draft.actor_name:
        fields["actor_name"] = draft.actor_name
    if draft.agent:
        fields["agent"] = draft.agent
    if draft.auth:
        fields["auth"] = draft.auth
    if draft.detail:
        fields["detail"] = draft.detail
    if draft.ip:
        fields["ip"] = draft.ip
    if draft.session:
        fields["session"] = draft.session.hex()
    if draft.staff_id:
        fields["staff_id"] = draft.staff_id
    if draft.subject:
        fields["subject"] = draft.subject
    if draft.target:
        fields["target"] = draft.target
    return fields


class FieldEncryption:
    """Encrypts and decrypts personal fields with the keys of a ring. For one thread at a time."""

    def __init__(self, key_ring: KeyRing) -> None:
        self._key_ring = key_ring
        self._month_from_us = self._month_to_us = 0
        # Of the month, one for each class.
        self._general: _FieldCipher
        self._law_enforcing: _FieldCipher
        self._reading: dict[str, _FieldCipher] = {}

    def encrypt(
        self, personal: PersonalText, draft: EntryDraft, seed: bytes, nonce: bytes
    ) -> tuple[bytes, bytes, bytes, bytes]:
        """Encrypt fields under the key of a draft's month and class.

        It returns what the envelope says of them (`kid`, `kc`, `fields_root`), and the ciphertext.

        Args:
            personal: The fields made ready, not none.
            draft: Its id binds ciphertext and key commitment to this entry; a regime that is not
                `LE` is kept as `GP`.
            seed: 16 fresh random bytes, for the salts.
            nonce: 12 fresh random bytes. At 10^10 entries a month the chance that two share one is
                below 10^-9.
        """
        entry_id = draft.id
        if not self._month_from_us <= draft.at_us < self._month_to_us:
            self._turn_month(draft.at_us)
        cipher = self._law_enforcing if draft.regime == "LE" else self._general
        sealed = cipher.aead.encrypt(nonce, seed + personal.json, entry_id)
        commitment = cipher.commitment.copy()
        commitment.update(entry_id)
        root = sha256(b"".join(personal.commitments(seed))).digest()
        return cipher.kid, commitment.digest(), root, nonce + sealed

    def decrypt(
        self, ciphertext: bytes, *, entry_id: bytes, kid: str, kc: bytes, fields_root: bytes
    ) -> dict[str, str] | None:
        """Decrypt the fields of an entry, checking every commitment; None if the key is destroyed.

        Raises:
            FieldsError: The key, the ciphertext or a field is not the one sealed.
        """
        opened = self._open(ciphertext, entry_id=entry_id, kid=kid, kc=kc)
        if opened is None:
            return None
        seed, fields = opened
        commitments = PersonalText.of(fields).commitments(seed)
        if sha256(b"".join(commitments)).digest() != fields_root:
            raise FieldsError("record: the fields are not those the envelope commits to")
        return fields

    def disclose(
        self, ciphertext: bytes, *, entry_id: bytes, kid: str, kc: bytes, name: str
    ) -> Disclosure:
        """Take one field out of an entry so that a third party can check it."""
        opened = self._open(ciphertext, entry_id=entry_id, kid=kid, kc=kc)
        if opened is None or name not in opened[1]:
            raise FieldsError(f"record: the entry has no readable field `{name[:40]}`")
        seed, fields = opened
        text = PersonalText.of(fields)
        salt = text.salts(seed)[list(fields).index(name)]
        commitments = tuple(text.commitments(seed))
        return Disclosure(name=name, value=fields[name], salt=salt, commitments=commitments)

    def _open(
        self, ciphertext: bytes, *, entry_id: bytes, kid: str, kc: bytes
    ) -> tuple[bytes, dict[str, str]] | None:
        cipher = self._reading.get(kid)
        if cipher is None:
            key = self._key_ring.find_field_key(kid)
            if key is None:
                return None
            self._reading[kid] = cipher = _FieldCipher(key)
        commitment = cipher.commitment.copy()
        commitment.update(entry_id)
        if commitment.digest() != kc:
            raise FieldsError(f"record: the key `{kid}` is not the one the entry was sealed with")
        if len(ciphertext) < NONCE_BYTES + _TAG_BYTES + SEED_BYTES:
            raise FieldsError("record: the ciphertext is cut short")
        try:
            plain = cipher.aead.decrypt(
                ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:], entry_id
            )
            fields = orjson.loads(plain[SEED_BYTES:])
        except (InvalidTag, orjson.JSONDecodeError) as error:
            raise FieldsError("record: the ciphertext does not decrypt") from error
        if not isinstance(fields, dict) or not all(isinstance(v, str) for v in fields.values()):
            raise FieldsError("record: the personal fields are not an object of strings")
        return plain[:SEED_BYTES], fields

    def _turn_month(self, at_us: int) -> None:
        at = _EPOCH + timedelta(microseconds=at_us)
        first = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = first.replace(year=at.year + at.month // 12, month=at.month % 12 + 1)
        month = first.strftime("%Y-%m")
        # Only once both keys are there does the month count as turned.
        general, law_enforcing = (
            _FieldCipher(self._key_ring.field_key(month, c)) for c in _CATEGORIES
        )
        self._general, self._law_enforcing = general, law_enforcing
        self._month_from_us = int(first.timestamp()) * 1_000_000
        self._month_to_us = int(following.timestamp()) * 1_000_000


class _FieldCipher:
    """A key made ready: the cipher object, and the hash that its commitments begin with."""

    __slots__ = ("aead", "commitment", "kid")

    def __init__(self, key: FieldKey) -> None:
        self.kid = key.kid.encode()
        self.aead = AESGCM(key.secret)
        self.commitment = sha256(b"kc" + key.secret)


def _commitment(salt: bytes, name: str, value: str) -> bytes:
    return sha256(salt + f"{name}\0{value}".encode()).digest()

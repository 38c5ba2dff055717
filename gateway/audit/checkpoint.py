"""The signed head of the log: C2SP tlog-checkpoint, a signed note with an Ed25519 signature.

    <origin>
    <size in decimal>
    <root in base64>

    — <origin> <base64 of key id and signature>

The key id is the first four bytes of SHA-256(name, line feed, 0x01, public key). Extension lines
are refused: they would be signed, but mean nothing here.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.audit.errors import NoteError
from gateway.audit.merkle import HASH_BYTES

_ED25519 = b"\x01"
_ORIGIN = re.compile(r"^[^\s+]{1,200}$")
_SIZE = re.compile(r"^(0|[1-9][0-9]{0,18})$")
_SIGNATURE = re.compile(r"^— (?P<name>[^\s+]+) (?P<value>[A-Za-z0-9+/]+=*)$")
_MAX_NOTE_CHARACTERS = 100_000  # room for many witnesses; anything larger is no checkpoint
_KEY_ID_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A tree head: which log, how many entries, and the root over them (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not _ORIGIN.match(self.origin):
            raise NoteError(f"checkpoint: `{self.origin[:60]}` is not an origin")
        if self.size < 0 or len(self.root) != HASH_BYTES:
            raise NoteError("checkpoint: size or root is not possible")

    def body(self) -> str:
        """Write the part that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Write a checkpoint as a note signed by the log."""
    body = checkpoint.body()
    signature = key_id(checkpoint.origin, key.public_key()) + key.sign(body.encode())
    return f"{body}\n— {checkpoint.origin} {base64.b64encode(signature).decode()}\n"


def open_checkpoint(
    note: str, keys: Iterable[Ed25519PublicKey], *, origin: str | None = None
) -> Checkpoint:
    """Read a note and check that the log signed it.

    Args:
        note: The whole text.
        keys: Every public key the log has signed with.
        origin: Which log it must be; without it, whichever the note names and the key fits.

    Raises:
        NoteError: Malformed, of another log, or without a valid signature of the log. Signatures
            of others are ignored.
    """
    checkpoint, signatures = _parse(note)
    if origin is not None and checkpoint.origin != origin:
        raise NoteError(f"checkpoint: of the log `{checkpoint.origin[:60]}`, not `{origin}`")
    by_id = {key_id(checkpoint.origin, key): key for key in keys}
    body = checkpoint.body().encode()
    for name, value in signatures:
        key = by_id.get(value[:_KEY_ID_BYTES])
        if name != checkpoint.origin or key is None:
            continue
        try:
            key.verify(value[_KEY_ID_BYTES:], body)
        except InvalidSignature:
            raise NoteError("checkpoint: the signature of the log does not hold") from None
        return checkpoint
    raise NoteError("checkpoint: not signed with a known key of the log")


def key_id(name: str, key: Ed25519PublicKey) -> bytes:
    """Return the four bytes by which a signature names its key."""
    material = name.encode() + b"\n" + _ED25519 + key.public_bytes_raw()
    return hashlib.sha256(material).digest()[:_KEY_ID_BYTES]


def write_verifier_key(name: str, key: Ed25519PublicKey) -> str:
    """Write a public key as `name+id+base64`, the text that other verifiers of notes take."""
    encoded = base64.b64encode(_ED25519 + key.public_bytes_raw()).decode()
    return f"{name}+{key_id(name, key).hex()}+{encoded}"


def read_verifier_key(text: str) -> tuple[str, Ed25519PublicKey]:
    """Read what `write_verifier_key` wrote, as name and key; raises NoteError."""
    try:
        name, identity, encoded = text.strip().split("+", 2)
        material = base64.b64decode(encoded, validate=True)
        key = Ed25519PublicKey.from_public_bytes(material[1:])
    except (ValueError, binascii.Error):
        raise NoteError("verifier key: malformed") from None
    if material[:1] != _ED25519 or key_id(name, key).hex() != identity:
        raise NoteError("verifier key: name and key do not belong together")
    return name, key


def _parse(note: str) -> tuple[Checkpoint, list[tuple[str, bytes]]]:
    if len(note) > _MAX_NOTE_CHARACTERS or not note.endswith("\n"):
        raise NoteError("checkpoint: too long, or cut off")
    body, blank, tail = note.partition("\n\n")
    lines = body.split("\n")
    if not blank or len(lines) != 3:  # noqa: PLR2004 - origin, size, root
        raise NoteError("checkpoint: not three lines and signatures")
    if not _SIZE.match(lines[1]):
        raise NoteError(f"checkpoint: `{lines[1][:40]}` is not a size")
    root = _decode(lines[2])
    signatures: list[tuple[str, bytes]] = []
    for line in tail[:-1].split("\n"):
        found = _SIGNATURE.match(line)
        if found is None:
            raise NoteError("checkpoint: a signature line is malformed")
        signatures.append((found["name"], _decode(found["value"])))
    return Checkpoint(origin=lines[0], size=int(lines[1]), root=root), signatures


def _decode(text: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise NoteError("checkpoint: a value is not base64") from None
    if base64.b64encode(value).decode() != text:
        raise NoteError("checkpoint: base64 with spare bits")
    return value

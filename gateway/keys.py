"""The key ring: every secret of the gateway, one directory, readable by its owner alone.

    session-0001.key        one secret; rotating ends every session's tokens
    index-0001.key          pseudonyms in the log's index; older ones stay for looking up
    second-factor-0001.key  encrypts what second factors are proved with; older ones stay
    register-0001.key       seals references of the vetting register; older ones stay
    writer-mac-0001.key     seals journals against the database administrator; older ones stay
    assertion-0001.pem      Ed25519; the newest signs once it is known, the one before until then
    log-signing-0001.pem    Ed25519, for checkpoints; older ones leave only log-signing-0001.pub.pem
    field/2026-11-GP-1.key  personal fields of one month and class; destroying it expires them

Rules it keeps, in order: (1) a directory other than 0700 or a secret other than 0600, or of another
owner, refuses, with the remedy; (2) a key file appears whole or not at all, and is never written
twice; (3) no secret is ever part of a `repr`, a message or a log line.
"""

import hashlib
import re
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.errors import KeysError
from gateway.key_files import check_directory, create, flush_directory, read_private

_SECRET_BYTES = 32
_SERIAL = re.compile(r"^(?P<purpose>[a-z-]+)-(?P<serial>\d{4})(?P<suffix>\.key|\.pem|\.pub\.pem)$")
_FIELD = re.compile(r"^(?P<month>\d{4}-\d{2})-(?P<category>GP|LE)-(?P<generation>\d{1,4})\.key$")
_MONTH = re.compile(r"^\d{4}-(0[1-9]|1[0-2])$")


class KeyPurpose(StrEnum):
    """What a key is for."""

    SESSION = "session"
    ASSERTION = "assertion"
    LOG_SIGNING = "log-signing"
    INDEX = "index"
    WRITER_MAC = "writer-mac"
    SECOND_FACTOR = "second-factor"
    REGISTER = "register"
    FIELD = "field"


_SIGNING = (KeyPurpose.ASSERTION, KeyPurpose.LOG_SIGNING)
_SECRET = (
    KeyPurpose.SESSION,
    KeyPurpose.INDEX,
    KeyPurpose.WRITER_MAC,
    KeyPurpose.SECOND_FACTOR,
    KeyPurpose.REGISTER,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """An Ed25519 public key; `kid` is the start of the SHA-256 of its 32 bytes, in hex."""

    kid: str
    key: Ed25519PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeys:
    """The key that signs now, and every public key that may still have to be checked.

    Attributes:
        kid: Names the current key.
        private: Signs; never leaves the process.
        public: All, newest first; the first belongs to `private`.
    """

    kid: str
    private: Ed25519PrivateKey = field(repr=False)
    public: tuple[PublicKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldKey:
    """The AES-256 key of the personal fields of one month and class; `kid` as `2026-11/GP/1`."""

    kid: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyListing:
    """One key as `gateway keys list` shows it; nothing secret."""

    purpose: KeyPurpose
    name: str
    kid: str
    current: bool
    made_at: datetime


class KeyRing:
    """All keys of one directory, read once; field keys as they are needed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        check_directory(directory)
        check_directory(directory / "field")
        self._secrets = {purpose: _read_secrets(directory, purpose) for purpose in _SECRET}
        self._signing = {purpose: _read_signing(directory, purpose) for purpose in _SIGNING}
        self._field_lock = threading.Lock()
        self._field_keys: dict[str, FieldKey] = {}
        self._current_field_keys: dict[tuple[str, str], FieldKey] = {}

    def __repr__(self) -> str:
        return f"KeyRing({str(self.directory)!r})"

    @classmethod
    def open(cls, directory: Path) -> "KeyRing":
        """Read the ring; raises KeysError for anything missing, open to others or damaged."""
        return cls(directory)

    @classmethod
    def init(cls, directory: Path) -> "KeyRing":
        """Make a ring with one key of each purpose, or add the purposes that a ring lacks.

        So a start that was interrupted may be repeated, and a ring of an earlier version be brought
        up to date. Raises KeysError if the ring is complete.
        """
        for place in (directory, directory / "field"):
            try:
                place.mkdir(mode=0o700, parents=place == directory, exist_ok=True)
            except OSError as error:
                raise KeysError(f"keys: cannot make `{place}`: {error.strerror}") from error
            check_directory(place)
        missing = [p for p in (*_SECRET, *_SIGNING) if not _serials(directory, p)]
        if not missing:
            raise KeysError(f"keys: `{directory}` already holds a key ring; use `keys rotate`")
        for purpose in missing:
            _make(directory, purpose, 1)
        return cls(directory)

    @property
    def session_secret(self) -> bytes:
        """The 32 bytes under which tokens of the pages are made."""
        return self._secrets[KeyPurpose.SESSION][0]

    @property
    def index_key(self) -> bytes:
        """The 32 bytes under which index pseudonyms are made now."""
        return self._secrets[KeyPurpose.INDEX][0]

    @property
    def index_keys(self) -> tuple[bytes, ...]:
        """Every index key, newest first: a person is looked up under each."""
        return self._secrets[KeyPurpose.INDEX]

    @property
    def writer_mac_key(self) -> bytes:
        """The 32 bytes under which journals are sealed now."""
        return self._secrets[KeyPurpose.WRITER_MAC][0]

    @property
    def writer_mac_keys(self) -> tuple[bytes, ...]:
        """Every journal key, newest first."""
        return self._secrets[KeyPurpose.WRITER_MAC]

    @property
    def second_factor_keys(self) -> tuple[bytes, ...]:
        """Every key that secrets of second factors were encrypted under, newest first."""
        return self._secrets[KeyPurpose.SECOND_FACTOR]

    @property
    def register_keys(self) -> tuple[bytes, ...]:
        """Every key that references of the register were sealed under, newest first."""
        return self._secrets[KeyPurpose.REGISTER]

    @property
    def assertion_keys(self) -> SigningKeys:
        """The keys of the assertion to the back office."""
        return self._signing[KeyPurpose.ASSERTION]

    @property
    def log_signing(self) -> SigningKeys:
        """The keys of the log's checkpoints."""
        return self._signing[KeyPurpose.LOG_SIGNING]

    def field_key(self, month: str, category: str) -> FieldKey:
        """Return the key for personal fields of a month (`2026-11`) and class (`GP`, `LE`).

        It is made if it is missing; of two processes that make it at once, both use the first.
        """
        key = self._current_field_keys.get((month, category))
        if key is not None:
            return key
        if not _MONTH.match(month) or category not in {"GP", "LE"}:
            raise KeysError(f"keys: no field key for `{month[:20]}` and class `{category[:20]}`")
        with self._field_lock:
            generation = max(_generations(self.directory, month, category), default=0)
            if generation == 0:
                generation = 1
                _make_field_key(self.directory, month, category, generation)
            key = self._read_field_key(f"{month}/{category}/{generation}")
            if key is None:
                raise KeysError(f"keys: the field key `{month}-{category}` vanished while read")
            self._current_field_keys[month, category] = key
            return key

    def find_field_key(self, kid: str) -> FieldKey | None:
        """Find the key an entry names; None once it has been destroyed. Never makes one."""
        with self._field_lock:
            return self._read_field_key(kid)

    def _read_field_key(self, kid: str) -> FieldKey | None:
        if (key := self._field_keys.get(kid)) is not None:
            return key
        name = kid.replace("/", "-") + ".key"
        if not _FIELD.match(name):
            return None
        path = self.directory / "field" / name
        if not path.exists():
            return None
        self._field_keys[kid] = key = FieldKey(kid=kid, secret=_read_secret(path))
        return key

    def rotate(self, purpose: KeyPurpose, *, at: datetime) -> "KeyRing":
        """Add a new current key and return the ring read again.

        Old session secrets and old private signing keys are deleted, of assertions all but the last
        (see `backoffice.assertion_keys`); old public keys, index keys and journal keys stay. For
        field encryption the month of `at` gets a further generation. Running processes use the new
        key from their next start, but follow those of assertions.
        """
        if purpose is KeyPurpose.FIELD:
            month = at.astimezone(UTC).strftime("%Y-%m")
            for category in ("GP", "LE"):
                newest = max(_generations(self.directory, month, category), default=0)
                _make_field_key(self.directory, month, category, newest + 1)
            return KeyRing(self.directory)
        serials = _serials(self.directory, purpose)
        _make(self.directory, purpose, serials[0] + 1)
        for serial in serials:
            if purpose is KeyPurpose.ASSERTION and serial == serials[0]:
                continue  # signs until the new one is known
            if purpose in _SIGNING:
                _name(self.directory, purpose, serial, ".pem").unlink(missing_ok=True)
            elif purpose is KeyPurpose.SESSION:
                _name(self.directory, purpose, serial, ".key").unlink(missing_ok=True)
        flush_directory(self.directory)
        return KeyRing(self.directory)

    def list(self) -> tuple[KeyListing, ...]:
        """List every key by purpose, newest first."""
        listings: list[KeyListing] = []
        for purpose in _SECRET:
            for position, serial in enumerate(_serials(self.directory, purpose)):
                path = _name(self.directory, purpose, serial, ".key")
                listings.append(_listing(purpose, path, f"{serial:04d}", current=position == 0))
        for purpose in _SIGNING:
            serials = _serials(self.directory, purpose)
            for position, public in enumerate(self._signing[purpose].public):
                path = _name(self.directory, purpose, serials[position], ".pub.pem")
                listings.append(_listing(purpose, path, public.kid, current=position == 0))
        for path in sorted((self.directory / "field").iterdir(), reverse=True):
            if (found := _FIELD.match(path.name)) is not None:
                month, category = found["month"], found["category"]
                newest = max(_generations(self.directory, month, category))
                kid = f"{month}/{category}/{found['generation']}"
                current = int(found["generation"]) == newest
                listings.append(_listing(KeyPurpose.FIELD, path, kid, current=current))
        return tuple(listings)


def key_id(public: Ed25519PublicKey) -> str:
    """Name a public key: the first 16 hex characters of the SHA-256 of its 32 raw bytes."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]


def _listing(purpose: KeyPurpose, path: Path, kid: str, *, current: bool) -> KeyListing:
    made_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return KeyListing(purpose=purpose, name=path.name, kid=kid, current=current, made_at=made_at)


def _name(directory: Path, purpose: KeyPurpose, serial: int, suffix: str) -> Path:
    return directory / f"{purpose}-{serial:04d}{suffix}"


def _serials(directory: Path, purpose: KeyPurpose) -> tuple[int, ...]:
    """List the serials of a purpose, newest first; of a signing key those with a public half."""
    suffix = ".pub.pem" if purpose in _SIGNING else ".key"
    found = (_SERIAL.match(path.name) for path in directory.iterdir())
    return tuple(
        sorted(
            (
                int(m["serial"])
                for m in found
                if m and m["purpose"] == purpose and m["suffix"] == suffix
            ),
            reverse=True,
        )
    )


def _generations(directory: Path, month: str, category: str) -> tuple[int, ...]:
    found = (_FIELD.match(path.name) for path in (directory / "field").iterdir())
    return tuple(
        int(m["generation"])
        for m in found
        if m and m["month"] == month and m["category"] == category
    )


def _read_secrets(directory: Path, purpose: KeyPurpose) -> tuple[bytes, ...]:
    serials = _serials(directory, purpose)
    if not serials:
        raise KeysError(f"keys: `{directory}` holds no `{purpose}` key; run `gateway keys init`")
    return tuple(_read_secret(_name(directory, purpose, serial, ".key")) for serial in serials)


def _read_signing(directory: Path, purpose: KeyPurpose) -> SigningKeys:
    serials = _serials(directory, purpose)
    if not serials:
        raise KeysError(f"keys: `{directory}` holds no `{purpose}` key; run `gateway keys init`")
    path = _name(directory, purpose, serials[0], ".pem")
    try:
        private = serialization.load_pem_private_key(read_private(path), password=None)
        publics = [
            serialization.load_pem_public_key(_name(directory, purpose, s, ".pub.pem").read_bytes())
            for s in serials
        ]
    except (OSError, ValueError):
        # Not chained: a parser's message may quote the file.
        raise KeysError(f"keys: `{path}` or a public half beside it is damaged") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise KeysError(f"keys: `{path}` is not an Ed25519 key")
    public = tuple(
        PublicKey(kid=key_id(key), key=key) for key in publics if isinstance(key, Ed25519PublicKey)
    )
    if len(public) != len(serials) or public[0].kid != key_id(private.public_key()):
        raise KeysError(f"keys: `{path}` does not belong to its public half")
    return SigningKeys(kid=public[0].kid, private=private, public=public)


def _read_secret(path: Path) -> bytes:
    secret = read_private(path)
    if len(secret) != _SECRET_BYTES:
        raise KeysError(
            f"keys: `{path}` is damaged: {len(secret)} bytes instead of {_SECRET_BYTES}"
        )
    return secret


def _make(directory: Path, purpose: KeyPurpose, serial: int) -> None:
    if purpose not in _SIGNING:
        create(_name(directory, purpose, serial, ".key"), secrets.token_bytes(_SECRET_BYTES))
        return
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    # A crash may leave a private half alone, which nobody uses: the public half makes it a key.
    path = _name(directory, purpose, serial, ".pem")
    path.unlink(missing_ok=True)
    create(path, pem)
    create(_name(directory, purpose, serial, ".pub.pem"), public)


def _make_field_key(directory: Path, month: str, category: str, generation: int) -> None:
    path = directory / "field" / f"{month}-{category}-{generation}.key"
    create(path, secrets.token_bytes(_SECRET_BYTES))

r"""The one canonical form of a request target: what is matched, decided, logged and sent.

A target is either brought to a form that every reader (ours, a Java server's, a case-folding file
system's, one that decodes twice) reads the same way, or it is refused. Rules, in order:

1. Origin form only: starts with one `/`, visible ASCII, no `#`, no `\`, at most 8 KiB.
2. Path: no empty segment (`//`), no segment of dots only or ending in a dot, no `;`, no double
   encoding. Percent-escapes are decoded once; what they hide must not be structural, nor a letter
   or digit, which only a disguise encodes. Text is UTF-8 without control or formatting characters
   and without characters that fold to ASCII.
3. Query: every escape valid, no control characters. A *declared* parameter (one that carries the
   function or names a person, according to the catalogue) appears at most once, spelt as declared,
   with a value that needs no encoding; nothing else may turn into it when decoded again, folded, or
   split at `;`, at an encoded `&` or at the end of a line.

Sources: RFC 3986 sections 2 and 6; CVE records of other proxies taught the refusals.
"""

import re
import unicodedata
from collections.abc import Set
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

from gateway.errors import RequestError
from gateway.system_hosts import SystemHost

MAX_TARGET_BYTES: Final = (
    8192  # what browsers and Java servers both take; longer is an attack or a bug
)
_ORIGIN_FORM: Final = re.compile(rb"/[\x21\x24-\x5b\x5d-\x7e]*\Z")  # no `"`, `#`, `\`
_PLAIN_PATH: Final = re.compile(rb"(?:/[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*)+/?\Z|/\Z")
_PATH_TEXT: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,=:@%-]*\Z")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
PLAIN_VALUE: Final = re.compile(r"[A-Za-z0-9_.~/:@,-]*\Z")
_UNRESERVED: Final = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
)
_NEVER_ENCODED: Final = _UNRESERVED - frozenset(b"~")  # no client encodes these by itself
_LITERAL: Final = _UNRESERVED | frozenset(b"!$&'()*+,=:@")
_STRUCTURAL: Final = frozenset(b'/\\;%?#"<>')
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


class TargetError(RequestError):
    """A target with no single canonical form. `code` is a fixed word for the record."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class CanonicalTarget:
    """A request target with one reading.

    Attributes:
        path: percent-encoded path, exactly as sent upstream.
        query: decoded (name, value) pairs in order.
        sent: the bytes of path and query that go upstream.
        host: the system's own host at which it was asked for; None for the gateway's.
    """

    path: str
    query: tuple[tuple[str, str], ...]
    sent: bytes
    host: SystemHost | None = None


def canonicalise_target(raw: bytes, declared: frozenset[str]) -> CanonicalTarget:
    """Bring a raw request target to its canonical form.

    Args:
        raw: the target of the request line, as received.
        declared: names of the parameters on which a decision depends, as the catalogue spells them.

    Raises:
        TargetError: the target has no single reading.
    """
    if len(raw) > MAX_TARGET_BYTES:
        raise TargetError("target-too-long")
    if _ORIGIN_FORM.match(raw) is None:
        raise TargetError("target-form")
    raw_path, _, raw_query = raw.partition(b"?")
    path = _canonical_path(raw_path)
    if not raw_query:
        return CanonicalTarget(path, (), path.encode("ascii"))
    query = _checked_query(raw_query.decode("ascii"), declared)
    return CanonicalTarget(path, query, path.encode("ascii") + b"?" + raw_query)


def canonicalise_form(body: bytes, declared: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """Read a form (`application/x-www-form-urlencoded`) under the rules of a query.

    Only here a value may have several lines, as the text areas of a back office send them.

    Raises:
        TargetError: it has no single reading.
    """
    if not body.isascii():
        raise TargetError("form-encoding")
    return _checked_query(body.decode("ascii"), declared, allowed="\r\n\t") if body else ()


def _canonical_path(raw: bytes) -> str:
    if _PLAIN_PATH.match(raw):
        return raw.decode("ascii")
    text = raw.decode("ascii")
    segments = text[1:].split("/")
    last = len(segments) - 1
    return "".join(
        "/" + _canonical_segment(segment, may_be_empty=position == last)
        for position, segment in enumerate(segments)
    )


def _canonical_segment(segment: str, *, may_be_empty: bool) -> str:
    if not segment:
        if may_be_empty:
            return ""
        raise TargetError("path-empty-segment")
    if _PATH_TEXT.match(segment) is None:
        raise TargetError("path-character")
    if _BAD_ESCAPE.search(segment):
        raise TargetError("path-escape")
    decoded = unquote_to_bytes(segment)
    if "%" in segment:
        _refuse_hidden_structure(segment)
        _refuse_deceptive_text(decoded)
    if decoded.endswith(b".") or decoded[:1] == b" " or decoded[-1:] == b" ":
        # `..`, `...` and `admin.`: some file systems drop trailing dots and spaces
        raise TargetError("path-dots")
    return "".join(chr(byte) if byte in _LITERAL else f"%{byte:02X}" for byte in decoded)


def _refuse_hidden_structure(segment: str) -> None:
    for escape in re.findall(r"%([0-9A-Fa-f]{2})", segment):
        byte = int(escape, 16)
        if byte in _STRUCTURAL:
            raise TargetError("path-encoded-structure")
        if byte in _NEVER_ENCODED:
            raise TargetError("path-disguised")


def _refuse_deceptive_text(decoded: bytes) -> None:
    try:
        text = decoded.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TargetError("path-encoding") from error
    _refuse_deceptive_characters(text, "path-text")


def _refuse_deceptive_characters(text: str, code: str) -> None:
    """Refuse control and formatting characters, and letters that fold to ASCII (U+FF0E, U+212A)."""
    if text.isascii():
        if not text.isprintable():
            raise TargetError(code)
        return
    for character in text:
        if unicodedata.category(character) in _HIDDEN_CATEGORIES:
            raise TargetError(code)
        if not character.isascii():
            folded = unicodedata.normalize("NFKC", character)
            if any(part.isascii() for part in folded + folded.casefold()):
                raise TargetError(code)


def _checked_query(
    raw: str, declared: frozenset[str], *, allowed: str = ""
) -> tuple[tuple[str, str], ...]:
    """Read pairs; `allowed` are the control characters that a value may hold."""
    if _BAD_ESCAPE.search(raw):
        raise TargetError("query-escape")
    folded = {name.casefold() for name in declared}
    seen: set[str] = set()
    pairs: list[tuple[str, str]] = []
    for part in raw.split("&"):
        raw_name, _, raw_value = part.partition("=")
        if raw_name in declared:
            if raw_name in seen:
                raise TargetError("parameter-repeated")
            if PLAIN_VALUE.match(raw_value) is None:
                raise TargetError("parameter-encoded")
            seen.add(raw_name)
            pairs.append((raw_name, raw_value))
            continue
        pairs.append(_checked_pair(raw_name, raw_value, folded, allowed))
    return tuple(pairs)


def _checked_pair(raw_name: str, raw_value: str, folded: set[str], allowed: str) -> tuple[str, str]:
    """Decode an undeclared parameter, refusing one that some reader takes for a declared one."""
    try:
        name = unquote(raw_name.replace("+", " "), errors="strict")
        value = unquote(raw_value.replace("+", " "), errors="strict")
    except UnicodeDecodeError as error:
        raise TargetError("query-encoding") from error
    for text, spared in ((name, ""), (value, allowed)):
        if any(unicodedata.category(one) == "Cc" and one not in spared for one in text):
            raise TargetError("query-text")
    if could_be_read_as(name, folded):
        raise TargetError("parameter-disguised")
    twice = unquote(value, errors="replace")
    for reading in {raw_value, value, twice}:
        # A reader of plain-text forms begins a new pair at a line's end.
        for piece in re.split(r"[&;\r\n]", reading)[1:]:
            if could_be_read_as(piece.partition("=")[0], folded):
                raise TargetError("parameter-disguised")
    return name, value


def could_be_read_as(name: str, folded: Set[str]) -> bool:
    """Whether a reader that decodes again, folds, trims or cuts at `[` or `;` meets such a name.

    Args:
        name: a parameter's name.
        folded: case-folded names that are declared.
    """
    decoded = unquote(name, errors="replace")
    for reading in (name, decoded):
        normal = unicodedata.normalize("NFKC", reading).casefold()
        for piece in normal.split(";"):
            bare = re.split(r"[\[\].]", piece.partition("=")[0].strip(), maxsplit=1)[0]
            if bare in folded or piece.strip() in folded:
                return True
    return False

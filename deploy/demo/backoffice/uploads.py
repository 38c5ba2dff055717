"""Takes what is sent: fields, JSON, files. A file is hashed as it comes and never held whole."""

from __future__ import annotations

import hashlib
import json
import mmap
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from deploy.demo.backoffice.exchange import FORM_TYPE, JSON_TYPE, Asked
from deploy.demo.backoffice.store import Uploaded

PIECE_BYTES = 64 * 1024
MAX_FORM_BYTES = 1024 * 1024
MAX_FIELD_BYTES = 64 * 1024
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class BadBodyError(Exception):
    """The body is not what its media type says; the message says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a body held: fields and files."""

    fields: dict[str, str] = field(default_factory=dict)
    files: tuple[Uploaded, ...] = ()


def read_sent(asked: Asked) -> Sent:
    """Read the body by its media type; any type that is not a form is taken as a file.

    Raises:
        BadBodyError: if it cannot be read.
    """
    match asked.content_type:
        case "multipart/form-data":
            return _multipart(asked)
        case kind if kind == FORM_TYPE:
            return Sent(fields=dict(parse_qsl(_whole(asked).decode("utf-8", "replace"))))
        case kind if kind == JSON_TYPE:
            return Sent(fields=_json_fields(_whole(asked)))
        case _:
            return _one_file(asked)


def _whole(asked: Asked) -> bytes:
    body = bytearray()
    for piece in _pieces(asked):
        body += piece
        if len(body) > MAX_FORM_BYTES:
            message = "the form is too long"
            raise BadBodyError(message)
    return bytes(body)


def _pieces(asked: Asked) -> Iterator[bytes]:
    while piece := asked.body.read(PIECE_BYTES):
        yield piece


def _json_fields(body: bytes) -> dict[str, str]:
    try:
        value = json.loads(body or b"{}")
    except ValueError as error:
        message = "the JSON cannot be read"
        raise BadBodyError(message) from error
    if not isinstance(value, dict):
        message = "the JSON is not an object"
        raise BadBodyError(message)
    return {str(name): str(held) for name, held in value.items()}


def _one_file(asked: Asked) -> Sent:
    digest = hashlib.sha256()
    size = 0
    for piece in _pieces(asked):
        digest.update(piece)
        size += len(piece)
    if size == 0:
        return Sent()
    name = asked.parameter("name") or "file"
    return Sent(files=(Uploaded(reference="", name=name, size=size, sha256=digest.hexdigest()),))


def _multipart(asked: Asked) -> Sent:
    """Read a form with files (RFC 7578): laid down in a temporary file, then taken apart there."""
    found = re.search(r'boundary="?([^";]+)"?', asked.headers.get("content-type", ""))
    if found is None:
        message = "the form names no boundary"
        raise BadBodyError(message)
    boundary = b"--" + found[1].encode("latin-1")
    with tempfile.TemporaryFile() as laid:
        size = sum(laid.write(piece) for piece in _pieces(asked))
        if size == 0:
            return Sent()
        laid.flush()
        with mmap.mmap(laid.fileno(), size, access=mmap.ACCESS_READ) as body:
            return _parts(body, boundary)


def _parts(body: mmap.mmap, boundary: bytes) -> Sent:
    fields: dict[str, str] = {}
    files: list[Uploaded] = []
    at = body.find(boundary)
    while at != -1:
        start = at + len(boundary)
        if body[start : start + 2] == b"--":
            return Sent(fields=fields, files=tuple(files))
        end = body.find(b"\r\n" + boundary, start)
        head_end = body.find(b"\r\n\r\n", start)
        if end == -1 or head_end == -1 or head_end > end:
            break
        head = body[start:head_end].decode("utf-8", "replace")
        described = dict(_PARAMETER.findall(head))
        _take(fields, files, described, memoryview(body)[head_end + 4 : end])
        at = end + 2
    message = "the form ends in the middle"
    raise BadBodyError(message)


def _take(
    fields: dict[str, str],
    files: list[Uploaded],
    described: dict[str, str],
    content: memoryview,
) -> None:
    with content:
        if "filename" not in described:
            held = bytes(content[:MAX_FIELD_BYTES])
            fields[described.get("name", "")] = held.decode("utf-8", "replace")
        elif described["filename"]:
            digest = hashlib.sha256(content).hexdigest()
            name = described["filename"]
            files.append(Uploaded(reference="", name=name, size=len(content), sha256=digest))

"""What the back office is asked, and what it answers: values between the server and the screens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl

FORM_TYPE = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"
HTML_TYPE = "text/html; charset=utf-8"
STREAM_TYPE = "text/event-stream"


class Body(Protocol):
    """The body of a request, read piece by piece."""

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes; empty at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request.

    Attributes:
        path: as it came, without the query.
        query: every parameter in order.
        headers: by name in lower case.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: Body

    @classmethod
    def from_target(cls, method: str, target: str, headers: Mapping[str, str], body: Body) -> Asked:
        """Read the request target (origin form, RFC 9112 section 3.2.1)."""
        path, _, query = target.partition("?")
        pairs = tuple(parse_qsl(query, keep_blank_values=True))
        return cls(method=method, path=path, query=pairs, headers=headers, body=body)

    def parameter(self, name: str) -> str | None:
        """Give the first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    @property
    def content_type(self) -> str:
        """Give the media type of the body, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def wants(self, media_type: str) -> bool:
        """Tell whether the caller named a media type in `Accept`."""
        return media_type in self.headers.get("accept", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer.

    Attributes:
        body: whole, or piece by piece.
        length: of a body that comes piece by piece; None where it is not known before.
    """

    status: int = 200
    content_type: str = HTML_TYPE
    body: bytes | Iterator[bytes] = b""
    length: int | None = None
    headers: tuple[tuple[str, str], ...] = field(default=())

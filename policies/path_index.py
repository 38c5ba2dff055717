"""Finds the pattern that a path meets, at a cost that does not grow with the number of patterns.

A pattern is a literal path, or has `{name}` for exactly one whole segment and a last `*` for one or
more. A segment is never empty, so `/a//b` and `/a/` meet no templated pattern. Literal patterns are
looked up whole; templated ones form a tree by segment, in which the literal branch is tried before
`{name}` and that before `*`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from policies.errors import PatternError
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

_Value = TypeVar("_Value")

_REST = "*"
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
# RFC 3986 path characters as a canonical path spells them; no `;`, which Java servers cut off, and
# no percent.
_LITERAL = re.compile(r"[A-Za-z0-9\-._~!$&'()+,=:@]+")
_NO_BINDINGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A pattern, read.

    Attributes:
        text: as written.
        segments: literal text, or None for a `{name}`; without the last `*`.
        names: the names between braces, in order.
        rest: whether the pattern ends in `*`.
    """

    text: str
    segments: tuple[str | None, ...]
    names: tuple[str, ...]
    rest: bool

    @classmethod
    def parse(cls, text: str) -> PathPattern:
        """Read a pattern.

        Raises:
            PatternError: it is not a path, or a placeholder is not a whole segment.
        """
        if not text.startswith("/"):
            raise PatternError(f"path: {quoted(text)} does not start with a slash")
        if text == "/":
            return cls(text, (), (), rest=False)
        parts = text[1:].split("/")
        rest = parts[-1] == _REST
        segments: list[str | None] = []
        names: list[str] = []
        for part in parts[:-1] if rest else parts:
            placeholder = _PLACEHOLDER.fullmatch(part)
            if placeholder is not None:
                segments.append(None)
                names.append(placeholder[1])
            elif _LITERAL.fullmatch(part) and part not in {".", ".."}:
                segments.append(part)
            else:
                raise PatternError(f"path: {quoted(part)} in {quoted(text)} is no usable segment")
        if len(set(names)) != len(names):
            raise PatternError(f"path: a name stands twice in {quoted(text)}")
        if rest and not segments:
            raise PatternError("path: `/*` would match everything")
        return cls(text, tuple(segments), tuple(names), rest=rest)

    @property
    def literal(self) -> bool:
        """Whether exactly one path meets it."""
        return not self.rest and not self.names

    def overlaps(self, other: PathPattern) -> bool:
        """Tell whether some path meets both patterns."""
        for mine, theirs in zip(self.segments, other.segments, strict=False):
            if mine is not None and theirs is not None and mine != theirs:
                return False
        shorter, longer = sorted((self, other), key=lambda pattern: len(pattern.segments))
        if len(shorter.segments) < len(longer.segments):
            return shorter.rest
        # Of equal length: `/a/*` needs a segment more than `/a` has.
        return self.rest == other.rest


class Found(NamedTuple, Generic[_Value]):
    """What a path met.

    Attributes:
        value: what the pattern stands for.
        bindings: the segment met by each `{name}`, as sent.
    """

    value: _Value
    bindings: Mapping[str, str]


class _Node(Generic[_Value]):
    """One step of the tree; built once, never changed afterwards."""

    __slots__ = ("end", "literal", "placeholder", "rest")

    def __init__(self) -> None:
        self.literal: dict[str, _Node[_Value]] = {}
        self.placeholder: _Node[_Value] | None = None
        self.end: tuple[PathPattern, _Value] | None = None
        self.rest: tuple[PathPattern, _Value] | None = None


class PathIndex(Generic[_Value]):
    """Patterns and what they stand for."""

    __slots__ = ("_literal", "_root")

    def __init__(self, values: Mapping[PathPattern, _Value]) -> None:
        """Index the patterns.

        Raises:
            PatternError: two patterns differ only in the names between braces.
        """
        self._literal: dict[str, Found[_Value]] = {}
        self._root: _Node[_Value] = _Node()
        for pattern, value in values.items():
            if pattern.literal:
                self._literal[pattern.text] = Found(value, _NO_BINDINGS)
            else:
                self._insert(pattern, value)

    def find(self, path: str) -> Found[_Value] | None:
        """Find the pattern that a path meets; None where it meets none.

        Args:
            path: canonical path, percent-encoded as sent.
        """
        found = self._literal.get(path)
        if found is not None:
            return found
        if not path.startswith("/"):
            return None
        segments = path[1:].split("/")
        if "" in segments:
            return None
        met = _walk(self._root, segments, 0)
        if met is None:
            return None
        pattern, value = met
        bound = [
            sent for sent, asked in zip(segments, pattern.segments, strict=False) if asked is None
        ]
        return Found(value, MappingProxyType(dict(zip(pattern.names, bound, strict=True))))

    def _insert(self, pattern: PathPattern, value: _Value) -> None:
        node = self._root
        for segment in pattern.segments:
            if segment is not None:
                node = node.literal.setdefault(segment, _Node())
            else:
                if node.placeholder is None:
                    node.placeholder = _Node()
                node = node.placeholder
        taken = node.rest if pattern.rest else node.end
        if taken is not None:
            raise PatternError(
                f"path: {quoted(pattern.text)} and {quoted(taken[0].text)} mean the same paths"
            )
        if pattern.rest:
            node.rest = (pattern, value)
        else:
            node.end = (pattern, value)


def _walk(
    node: _Node[_Value], segments: list[str], depth: int
) -> tuple[PathPattern, _Value] | None:
    """Walk down the tree; the patterns bound the depth of the recursion, not the path."""
    if depth == len(segments):
        return node.end
    branch = node.literal.get(segments[depth])
    if branch is not None:
        met = _walk(branch, segments, depth + 1)
        if met is not None:
            return met
    if node.placeholder is not None:
        met = _walk(node.placeholder, segments, depth + 1)
        if met is not None:
            return met
    return node.rest

r"""Reads a JSON body strictly, or refuses it: every reader must find the same members in it.

Refused, besides what is no JSON (RFC 8259): anything but UTF-8 (a byte order mark too), a name that
stands twice in one object, `NaN`, infinities and numbers too large for a reader's own, half of a
surrogate pair, letters and digits that are written as `\u0041`, depth beyond 32, and names that a
lenient reader takes for a declared one (`Person_ID`, `personId`, `person_id[]`).
"""

import json
import math
import re
from typing import Any, Final

from gateway.backoffice.canonical import PLAIN_VALUE, TargetError, could_be_read_as
from policies.catalogue import JsonBody

_MAX_DEPTH: Final = 32
_CONTAINERS: Final = (dict, list)
_MAX_DIGITS: Final = 15  # what a reader that has only floating point keeps exactly
# An odd number of backslashes, then `u` and the code of a letter, a digit or `_`.
_DISGUISED: Final = re.compile(
    r"(?<!\\)(?:\\\\)*\\u00(?:3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])", re.IGNORECASE
)


def canonicalise_json(body: bytes, declared: frozenset[str]) -> JsonBody:
    """Read a JSON body.

    Args:
        body: all of it.
        declared: names of the parameters on which a decision depends, as the catalogue spells them.

    Raises:
        TargetError: it has no single reading.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TargetError("json-encoding") from error
    escaped = "\\u" in text
    if escaped and _DISGUISED.search(text):
        raise TargetError("json-disguised")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_members_once,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
        if escaped:  # only an escape can write half of a surrogate pair
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise TargetError("json-unreadable") from error
    names = _Names(declared)
    members: list[tuple[str, str | None]] = []
    if isinstance(value, dict):
        for name, member in value.items():
            names.check(name)
            members.append((name, _plain(member)))
    inner = _inner_names(value)
    for name in inner:
        names.check(name)
    return JsonBody(members=tuple(members), inner=frozenset(inner & declared))


class _Names:
    """Refuses names that some reader takes for a declared one; each is looked at once."""

    def __init__(self, declared: frozenset[str]) -> None:
        self._known = set(declared)
        self._folded = frozenset(name.casefold() for name in declared)
        # readers of Java beans hold `personId`, `person-id` and `person_id` for one
        self._bare = frozenset(_bare(name) for name in declared)

    def check(self, name: str) -> None:
        if name in self._known:
            return
        if any(character < " " for character in name):
            raise TargetError("json-name")
        if could_be_read_as(name, self._folded) or _bare(name) in self._bare:
            raise TargetError("parameter-disguised")
        self._known.add(name)


def _bare(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise TargetError("json-name-repeated")
    return members


def _no_constant(_: str) -> float:
    raise TargetError("json-number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise TargetError("json-number")
    return number


def _plain(value: object) -> str | None:
    """Give a value that a decision may rest on as every reader writes it; None for others."""
    if isinstance(value, str):
        return value if PLAIN_VALUE.match(value) else None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**_MAX_DIGITS:
        return str(value)
    return None


def _inner_names(value: object) -> set[str]:
    """Give the names of all members but the outermost object's, level by level."""
    names: set[str] = set()
    level: list[dict[str, Any] | list[Any]] = [value] if isinstance(value, dict | list) else []
    for depth in range(_MAX_DEPTH + 1):
        if not level:
            return names
        if depth:
            names.update(*(held for held in level if isinstance(held, dict)))
        inside = (held.values() if isinstance(held, dict) else held for held in level)
        level = [each for held in inside for each in held if isinstance(each, _CONTAINERS)]
    raise TargetError("json-depth")

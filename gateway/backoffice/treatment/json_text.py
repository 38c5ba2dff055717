"""JSON as answers hold it, read strictly and written anew.

Refused are: a name twice in one object, NaN and infinities, half of a surrogate pair, depth beyond
64. What is written has no escapes but those that JSON asks for.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, TypeAlias

from gateway.backoffice.treatment.unfit import UnfitAnswerError

Json: TypeAlias = Any
MAX_DEPTH: Final = 64
_CONTAINERS: Final = (dict, list)


def read_json(text: str) -> Json:
    """Read a document.

    Raises:
        UnfitAnswerError: it has no single reading.
    """
    try:
        value = json.loads(
            text, object_pairs_hook=_members_once, parse_constant=_no_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise UnfitAnswerError("answer-json") from error
    _check_depth(value)
    return value


def write_json(value: Json) -> bytes:
    """Write a document.

    Raises:
        UnfitAnswerError: it holds half of a surrogate pair.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    except UnicodeEncodeError as error:
        raise UnfitAnswerError("answer-json") from error


def _members_once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members


def _no_constant(_: str) -> float:
    raise ValueError("no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("no finite number")
    return number


def _check_depth(value: Json) -> None:
    level = [value] if isinstance(value, _CONTAINERS) else []
    for _ in range(MAX_DEPTH + 1):
        if not level:
            return
        inside = (held.values() if isinstance(held, dict) else held for held in level)
        level = [each for held in inside for each in held if isinstance(each, _CONTAINERS)]
    raise UnfitAnswerError("answer-json")

"""JSON with one reading only: what a token or a provider says must not mean two things."""

from __future__ import annotations

import json
from typing import Any


class StrictJsonError(ValueError):
    """A text is not JSON, or not JSON with one reading."""


def read_object(text: bytes) -> dict[str, Any]:
    """Read a JSON object, refusing repeated names, `NaN`, infinities and what is not UTF-8.

    Raises:
        StrictJsonError: saying what was wrong, without quoting the text.
    """
    try:
        value = json.loads(
            text.decode("utf-8"), object_pairs_hook=_single, parse_constant=_refuse_constant
        )
    except StrictJsonError:
        raise
    except UnicodeDecodeError as error:
        message = "not UTF-8"
        raise StrictJsonError(message) from error
    except (ValueError, RecursionError) as error:
        message = "not JSON"
        raise StrictJsonError(message) from error
    if not isinstance(value, dict):
        message = "not an object"
        raise StrictJsonError(message)
    return value


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) != len(pairs):
        message = "a name comes twice"
        raise StrictJsonError(message)
    return held


def _refuse_constant(_: str) -> None:
    message = "a number that is none"
    raise StrictJsonError(message)

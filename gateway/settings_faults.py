"""What is wrong with a section of the settings, said to the person who wrote it.

pydantic finds what does not fit; this module turns each finding into a `Fault` with the line of the
file, words of our own and what to do. It knows no section in particular.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from vetting.errors import quoted
from vetting.toml_source import Fault, TomlSource

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_KINDS = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a table",
    "mapping_type": "a table",
    "model_type": "a table",
    "path_type": "a path in quotes",
}
_LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "too_short": ("at least", "min_length"),
    "too_long": ("at most", "max_length"),
    "string_too_short": ("at least", "min_length"),
    "string_too_long": ("at most", "max_length"),
}


def nearest(word: str, known: Sequence[str]) -> str:
    """Say which of the known words was probably meant, or which there are."""
    close = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return "known here: " + ", ".join(known)


def faults_of(
    error: ValidationError, model: type[BaseModel], source: TomlSource, at: tuple[str | int, ...]
) -> list[Fault]:
    """Turn every finding of pydantic into a fault.

    Args:
        error: what pydantic found.
        model: the model of the section it looked at.
        source: the file, which knows the line of each value.
        at: where the section is in the file, such as `("organisation", 1)`.
    """
    faults = []
    for details in error.errors(include_url=False):
        inner = tuple(part for part in details["loc"] if part != "[key]")
        if details["type"] == "too_short" and details["input"]:
            continue  # pydantic counts only the entries that stood, and has named the others
        message, remedy = _words(details, model, inner)
        faults.append(source.fault(*at, *inner, message=message, remedy=remedy))
    return faults


def mended(table: Any, error: ValidationError) -> Any:
    """Give a copy of a section without what did not fit, so that the rest can be checked.

    Where a value has a default, the rest then stands; where it has none, the section does not.
    """
    copied = copy.deepcopy(table)
    for details in error.errors(include_url=False):
        holder, place = copied, [part for part in details["loc"] if part != "[key]"]
        for part in place[:-1]:
            holder = holder[part] if isinstance(holder, dict) and part in holder else None
        if isinstance(holder, dict) and place:
            holder.pop(place[-1], None)
    return copied


def _words(
    details: ErrorDetails, model: type[BaseModel], inner: tuple[str | int, ...]
) -> tuple[str, str]:
    kind, context, given = details["type"], details.get("ctx", {}), details["input"]
    remedy = _description(model, inner)
    key = inner[-1] if inner else "?"
    if kind == "missing":
        return f"`{key}` is missing", remedy
    if kind == "extra_forbidden":
        return f"unknown key {quoted(key)}", nearest(str(key), _keys(model, inner[:-1]))
    if kind in _KINDS:
        return f"must be {_KINDS[kind]}, not {_toml_kind(given)}", remedy
    if kind in _LIMITS:
        words, limit = _LIMITS[kind]
        if kind.endswith("equal"):
            return f"{quoted(given)} must be {words} {context[limit]}", remedy
        unit = "characters" if kind.startswith("string") else "entries"
        return f"must have {words} {context[limit]} {unit}", remedy
    if kind == "literal_error":
        return f"{quoted(given)} is not one of {context['expected']}", remedy
    if kind == "value_error":
        message, _, own_remedy = str(context["error"]).partition("; ")
        return message, own_remedy or remedy
    return f"{quoted(given)} does not have the form expected", remedy


def _toml_kind(value: object) -> str:
    match value:
        case bool():
            return "true or false"
        case str():
            return "text"
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"


def _model_at(model: type[BaseModel], inner: tuple[str | int, ...]) -> type[BaseModel] | None:
    """Follow a place down to the model that describes it."""
    for part in inner:
        field = model.model_fields.get(str(part))
        below = _model_in(field.annotation) if field else None
        if below is None:
            return None
        model = below
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _keys(model: type[BaseModel], inner: tuple[str | int, ...]) -> tuple[str, ...]:
    found = _model_at(model, inner)
    return tuple(found.model_fields) if found else ()


def _description(model: type[BaseModel], inner: tuple[str | int, ...]) -> str:
    """Give the description of the field a place belongs to, as a remedy."""
    for depth in range(len(inner), 0, -1):
        holder = _model_at(model, inner[: depth - 1])
        field = holder.model_fields.get(str(inner[depth - 1])) if holder else None
        if field and field.description:
            text = " ".join(field.description.split()).rstrip(".")
            return text[0].lower() + text[1:]
    return "see deploy/gateway.example.toml"

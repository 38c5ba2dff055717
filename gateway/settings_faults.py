"""What is wrong with a section of the settings, said to the person who wrote it.

pydantic finds what does not fit; this module turns each finding into a `Fault` with the line of the
file, words of our own and what to do. It knows no section in particular. A `FaultList` gathers
them, and those of the files that settings name.
"""

from __future__ import annotations

import copy
import difflib
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from vetting.errors import quoted
from vetting.toml_source import Fault, TomlSource

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
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


OTHERS_MAY_READ = stat.S_IRWXG | stat.S_IRWXO

Place = tuple[str | int, ...]


@dataclass(slots=True, kw_only=True)
class FaultList:
    """The faults found so far in a file, and in the files it names."""

    source: TomlSource
    found: list[Fault] = field(default_factory=list)

    def add(self, where: Place, message: str, remedy: str) -> None:
        """Add a fault at a place of the file."""
        self.found.append(self.source.fault(*where, message=message, remedy=remedy))

    def demand_readable(self, where: Place, path: Path) -> bool:
        """Add a fault unless a file is there with something in it; tell whether it is."""
        if not path.is_file():
            self.add_absent(where, path, "put the file there, or correct the path")
            return False
        try:
            with path.open("rb") as opened:
                empty = not opened.read(1)
        except OSError as error:
            self.add(
                where,
                f"{quoted(str(path))} cannot be read: {error.strerror}",
                "give this account the right to read it",
            )
            return False
        if empty:
            self.add(where, f"{quoted(str(path))} is empty", "put the content there")
        return not empty

    def demand_private(self, where: Place, path: Path) -> None:
        """Add a fault if others than its owner may read a file."""
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & OTHERS_MAY_READ:
            self.add(
                where,
                f"{quoted(str(path))} is open to others (mode {mode:04o})",
                f"run `chmod 600 {path}`",
            )

    def add_absent(self, where: Place, path: Path, remedy: str) -> None:
        """Add the fault of a file or folder that is not there."""
        state = "is not what it should be" if path.exists() else "does not exist"
        self.add(where, f"{quoted(str(path))} {state}", remedy)


def nearest(word: str, known: Sequence[str]) -> str:
    """Say which of the known words was probably meant, or which there are."""
    close = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return "known here: " + ", ".join(known)


def faults_of(
    error: ValidationError, model: type[BaseModel], source: TomlSource, at: Place
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
        loc = tuple(part for part in details["loc"] if part != "[key]")
        if details["type"] == "too_short" and details["input"]:
            continue  # pydantic counts only the entries that stood, and has named the others
        message, remedy = _words(details, model, loc)
        inner = (part for part, tag in _parts(model, loc) if not tag)
        faults.append(source.fault(*at, *inner, message=message, remedy=remedy))
    return faults


def mended(table: Any, error: ValidationError, model: type[BaseModel]) -> Any:
    """Give a copy of a section without what did not fit, so that the rest can be checked.

    Where a value has a default, the rest then stands; where it has none, the section does not.
    """
    copied = copy.deepcopy(table)
    for details in error.errors(include_url=False):
        loc = tuple(part for part in details["loc"] if part != "[key]")
        holder, place = copied, [part for part, tag in _parts(model, loc) if not tag]
        for part in place[:-1]:
            known = isinstance(holder, dict | list) and _holds(holder, part)
            holder = holder[part] if known else None
        if isinstance(holder, dict) and place:
            holder.pop(place[-1], None)
    return copied


def _holds(holder: dict[Any, Any] | list[Any], part: str | int) -> bool:
    if isinstance(holder, dict):
        return part in holder
    return isinstance(part, int) and part < len(holder)


def _words(details: ErrorDetails, model: type[BaseModel], inner: Place) -> tuple[str, str]:
    kind, context, given = details["type"], details.get("ctx", {}), details["input"]
    remedy = _description(model, inner)
    key = inner[-1] if inner else "?"
    if kind in {"union_tag_not_found", "union_tag_invalid"}:
        known = _description(model, (*inner, "kind"))
        return "`kind` is missing" if kind.endswith("found") else (
            f"kind {quoted(str(context.get('tag', '')))} is unknown"
        ), known
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


def _parts(model: type[BaseModel], loc: Place) -> Iterator[tuple[str | int, bool]]:
    """Give each part of pydantic's place, and whether it only names the kind of a section."""
    models: tuple[type[BaseModel], ...] = (model,)
    for part in loc:
        chosen = _of_kind(models, part)
        yield part, chosen is not None
        models = (chosen,) if chosen else _below(models, part)


def _of_kind(models: tuple[type[BaseModel], ...], part: str | int) -> type[BaseModel] | None:
    """Give the one of several models whose `kind` a part names; of one model there is no choice."""
    if len(models) == 1:
        return None
    fields = ((each, each.model_fields.get("kind")) for each in models)
    return next((each for each, kind in fields if kind and part in get_args(kind.annotation)), None)


def _below(models: tuple[type[BaseModel], ...], part: str | int) -> tuple[type[BaseModel], ...]:
    if isinstance(part, int):
        return models  # an entry of a list
    found = (_field(each, part) for each in models)
    return tuple(below for each in found if each for below in _models_in(each.annotation))


def _field(model: type[BaseModel], key: str | int) -> FieldInfo | None:
    """Give the field that the file calls by a key."""
    fields = model.model_fields.items()
    return next((field for name, field in fields if (field.alias or name) == key), None)


def _models_in(annotation: Any) -> tuple[type[BaseModel], ...]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (annotation,)
    return tuple(below for each in get_args(annotation) for below in _models_in(each))


def _model_at(model: type[BaseModel], loc: Place) -> type[BaseModel] | None:
    """Follow a place down to the model that describes it."""
    models: tuple[type[BaseModel], ...] = (model,)
    for part in loc:
        chosen = _of_kind(models, part)
        models = (chosen,) if chosen else _below(models, part)
    return models[0] if models else None


def _keys(model: type[BaseModel], inner: Place) -> tuple[str, ...]:
    found = _model_at(model, inner)
    fields = found.model_fields.items() if found else ()
    return tuple(field.alias or name for name, field in fields)


def _description(model: type[BaseModel], inner: Place) -> str:
    """Give the description of the field a place belongs to, as a remedy."""
    for depth in range(len(inner), 0, -1):
        holder = _model_at(model, inner[: depth - 1])
        field = _field(holder, inner[depth - 1]) if holder else None
        if field and field.description:
            text = " ".join(field.description.split()).rstrip(".")
            return text[0].lower() + text[1:]
    return "see deploy/gateway.example.toml"

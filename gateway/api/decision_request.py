"""What a program asks: the JSON of the Authorization API (OpenID AuthZEN 1.0), read strictly.

A body with two readings, or without what it must have, is refused with the place and what to do.
Unknown members are passed over, as the standard wants.

    subject   {"type": "staff", "id": "<organisation>/<directory id>"}, the `sub` of the assertion
    resource  {"type": "function", "id": "pay.slip", "properties": {"record": "<employee number>"}}
              or {"type": "request", "id": "/path?query"}
    action    {"name": "read"} or "write" of a function, "GET" or "HEAD" of a request
    context   {"purpose": "<code>"}
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gateway.errors import RequestError
from gateway.identity.providers.strict_json import StrictJsonError, read_object

MOST_EVALUATIONS: Final = 60
_LONGEST: Final = 2_000  # characters of a name or an id
_SUBJECTS: Final = ("staff", "user")
_ACTIONS: Final = {"function": ("read", "write"), "request": ("GET", "HEAD")}


class RequestFault(RequestError):  # noqa: N818 -- as its family: what was asked, not a failure
    """A request that cannot be read; the text says where, and what to write."""


class Semantic(StrEnum):
    """After which decision the rest of several is not looked at."""

    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One question.

    Attributes:
        staff_id: about whom.
        kind: `function` or `request`.
        resource: id of a function, or path and query; empty where a search leaves it open.
        action: what is done; empty where a search leaves it open.
        record: employee number of the person whose record it is, if that is said.
        purpose: code of the purpose that was given; None for none.
    """

    staff_id: str
    kind: str
    resource: str
    action: str
    record: str | None = None
    purpose: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a call asks: one question, or several."""

    evaluations: tuple[Evaluation, ...]
    semantic: Semantic = Semantic.EXECUTE_ALL
    single: bool = False


def read_evaluation(body: bytes) -> Asked:
    """Read the body of an Access Evaluation.

    Raises:
        RequestFault: saying where, and what is wrong there.
    """
    return Asked(evaluations=(_evaluation(_object(body), ""),), single=True)


def read_evaluations(body: bytes) -> Asked:
    """Read the body of Access Evaluations; without any it is a single one.

    Raises:
        RequestFault: saying where, and what is wrong there.
    """
    said = _object(body)
    each = said.get("evaluations", [])
    if not isinstance(each, list):
        raise RequestFault("evaluations: write an array")
    if not each:
        return Asked(evaluations=(_evaluation(said, ""),), single=True)
    if len(each) > MOST_EVALUATIONS:
        raise RequestFault(f"evaluations: write {MOST_EVALUATIONS} at the most, not {len(each)}")
    defaults: dict[str, Any] = {
        name: said[name] for name in ("subject", "resource", "action", "context") if name in said
    }
    read = []
    for index, one in enumerate(each):
        if not isinstance(one, dict):
            raise RequestFault(f"evaluations[{index}]: write an object")
        read.append(_evaluation({**defaults, **one}, f"evaluations[{index}]."))
    return Asked(evaluations=tuple(read), semantic=_semantic(said))


def read_search(body: bytes, wanted: str) -> Evaluation:
    """Read the body of a search, for `resource` or `action`.

    Raises:
        RequestFault: saying where, and what is wrong there.
    """
    said = _object(body)
    if wanted == "action":
        said = {**said, "action": {"name": ""}}
    elif isinstance(said.get("resource"), dict):
        said = {**said, "resource": {**said["resource"], "id": ""}}
    if isinstance(said.get("page"), dict) and said["page"].get("token"):
        raise RequestFault("page.token: there is one page; leave it out")
    found = _evaluation(said, "", left_open=wanted)
    if found.kind != "function":
        raise RequestFault('resource.type: only "function" can be searched')
    return found


def _object(body: bytes) -> dict[str, Any]:
    try:
        return read_object(body)
    except StrictJsonError as error:
        raise RequestFault(f"the body: {error}; write one JSON object in UTF-8") from error


def _semantic(said: dict[str, Any]) -> Semantic:
    options = said.get("options", {})
    if not isinstance(options, dict):
        raise RequestFault("options: write an object")
    word = options.get("evaluations_semantic", Semantic.EXECUTE_ALL)
    try:
        return Semantic(word)
    except ValueError as error:
        known = ", ".join(Semantic)
        raise RequestFault(f"options.evaluations_semantic: write one of {known}") from error


def _evaluation(said: dict[str, Any], where: str, *, left_open: str = "") -> Evaluation:
    subject, resource, action = (
        _member(said, name, where) for name in ("subject", "resource", "action")
    )
    _one_of(subject, "type", f"{where}subject.", _SUBJECTS)
    kind = _one_of(resource, "type", f"{where}resource.", tuple(_ACTIONS))
    name = ""
    if left_open != "action":
        name = _one_of(action, "name", f"{where}action.", _ACTIONS[kind])
    number, code = None, None
    if "record" in (properties := _optional(resource, "properties", f"{where}resource.")):
        number = _text(properties, "record", f"{where}resource.properties.")
    if "purpose" in (context := _optional(said, "context", where)):
        code = _text(context, "purpose", f"{where}context.")
    return Evaluation(
        staff_id=_text(subject, "id", f"{where}subject."),
        kind=kind,
        resource="" if left_open == "resource" else _text(resource, "id", f"{where}resource."),
        action=name,
        record=number,
        purpose=code,
    )


def _member(said: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    value = said.get(name)
    if not isinstance(value, dict):
        raise RequestFault(f"{where}{name}: write an object")
    return value


def _optional(said: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    return _member(said, name, where) if name in said else {}


def _text(said: dict[str, Any], name: str, where: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        raise RequestFault(f"{where}{name}: write text of 1 to {_LONGEST} characters")
    return value


def _one_of(said: dict[str, Any], name: str, where: str, known: tuple[str, ...]) -> str:
    value = said.get(name)
    if value not in known:
        raise RequestFault(f"{where}{name}: write one of {', '.join(known)}")
    return str(value)

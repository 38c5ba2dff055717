"""What a program asks: the JSON of the Authorization API (OpenID AuthZEN 1.0), read strictly.

A body with two readings, or without what it must have, is refused with the place and what to do.
Unknown members are passed over, as the standard wants.

    subject   {"type": "staff", "id": "<organisation>/<directory id>"}, the `sub` of the assertion
    resource  {"type": "function", "id": "pay.slip", "properties": {"record": "<employee number>"}}
              or {"type": "request", "id": "/path?query"}
    action    {"name": "read"} or "write" of a function, "GET" or "HEAD" of a request
    context   {"purpose": "<code>"}
    page      {"limit": 20, "token": "<the next_token of the page before>"}, of a search
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gateway.errors import RequestError
from gateway.identity.providers.strict_json import StrictJsonError, read_object

MOST_EVALUATIONS: Final = 60
LONGEST: Final = 2_000
"""Characters of a name, an id or a token."""

_MOST_RESULTS: Final = (
    1_000_000  # more than any page has: a larger limit asks for no more than that
)

TEXT_PATTERN: Final = r"^[^\x00-\x1f\x7f]+$"
_TEXT: Final = re.compile(TEXT_PATTERN)

SUBJECTS: Final = ("staff", "user")
ACTIONS: Final = {"function": ("read", "write"), "request": ("GET", "HEAD")}
"""What may be done, by type of resource."""


class RequestFault(RequestError):  # noqa: N818 -- as its family: what was asked, not a failure
    """A request that cannot be read; the text says where, and what to write.

    Attributes:
        status: of the answer.
        fields: of the answer, beside those of every answer.
    """

    def __init__(
        self, message: str, *, status: int = 400, fields: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        super().__init__(message)
        self.status, self.fields = status, fields


class Wanted(StrEnum):
    """What a search leaves open, and finds."""

    SUBJECT = "subject"
    RESOURCE = "resource"
    ACTION = "action"


class Semantic(StrEnum):
    """After which decision the rest of several is not looked at."""

    EXECUTE_ALL = "execute_all"
    DENY_ON_FIRST_DENY = "deny_on_first_deny"
    PERMIT_ON_FIRST_PERMIT = "permit_on_first_permit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One question.

    Attributes:
        subject_type: `staff` or `user`, which mean the same.
        staff_id: about whom; empty where a search leaves it open.
        kind: `function` or `request`.
        resource: id of a function, or path and query; empty where a search leaves it open.
        action: what is done; empty where a search leaves it open.
        record: employee number of the person whose record it is, if that is said.
        purpose: code of the purpose that was given; None for none.
    """

    subject_type: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a search asks: one question that leaves something open, and which part of the answer.

    Attributes:
        wanted: what is left open.
        question: the rest of it.
        limit: the most results of this page; None for as many as we give.
        token: where it begins, as the page before said; empty for the first.
    """

    wanted: Wanted
    question: Evaluation
    limit: int | None = None
    token: str = ""


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
        name: _member(said, name, "")
        for name in ("subject", "resource", "action", "context")
        if name in said
    }
    read = []
    for index, one in enumerate(each):
        if not isinstance(one, dict):
            raise RequestFault(f"evaluations[{index}]: write an object")
        read.append(_evaluation({**defaults, **one}, f"evaluations[{index}]."))
    return Asked(evaluations=tuple(read), semantic=_semantic(said))


def read_search(body: bytes, wanted: Wanted) -> Search:
    """Read the body of a search; what it leaves open is passed over where it is said all the same.

    Raises:
        RequestFault: saying where, and what is wrong there.
    """
    said = _object(body)
    question = _evaluation(said, "", left_open=wanted)
    if wanted is not Wanted.SUBJECT and question.kind != "function":
        raise RequestFault('resource.type: only "function" can be searched')
    page = _optional(said, "page", "")
    _optional(page, "properties", "page.")
    limit, token = page.get("limit"), page.get("token", "")
    if "limit" in page and (type(limit) is not int or limit < 0):
        raise RequestFault("page.limit: write a whole number, 0 or more")
    if token != "":
        token = _text(page, "token", "page.")
    if limit is not None:
        limit = min(limit, _MOST_RESULTS)
    return Search(wanted=wanted, question=question, limit=limit, token=token)


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


def _evaluation(said: dict[str, Any], where: str, *, left_open: Wanted | None = None) -> Evaluation:
    subject, resource = (_member(said, name, where) for name in ("subject", "resource"))
    kind = _one_of(resource, "type", f"{where}resource.", tuple(ACTIONS))
    asked = dict.fromkeys(Wanted, "")
    if left_open is not Wanted.ACTION:
        action = _member(said, "action", where)
        asked[Wanted.ACTION] = _one_of(action, "name", f"{where}action.", ACTIONS[kind])
        _optional(action, "properties", f"{where}action.")
    for name, entity in ((Wanted.SUBJECT, subject), (Wanted.RESOURCE, resource)):
        if left_open is not name:
            asked[name] = _text(entity, "id", f"{where}{name}.")
    number, code = None, None
    if "record" in (properties := _optional(resource, "properties", f"{where}resource.")):
        number = _text(properties, "record", f"{where}resource.properties.")
    if "purpose" in (context := _optional(said, "context", where)):
        code = _text(context, "purpose", f"{where}context.")
    _optional(subject, "properties", f"{where}subject.")
    return Evaluation(
        subject_type=_one_of(subject, "type", f"{where}subject.", SUBJECTS),
        staff_id=asked[Wanted.SUBJECT],
        kind=kind,
        resource=asked[Wanted.RESOURCE],
        action=asked[Wanted.ACTION],
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
    if not isinstance(value, str) or len(value) > LONGEST or not _is_text(value):
        raise RequestFault(
            f"{where}{name}: write text of 1 to {LONGEST} characters, none of them for control"
        )
    return value


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half a character, as JSON's `\ud800` makes one
        return False
    return _TEXT.fullmatch(value) is not None


def _one_of(said: dict[str, Any], name: str, where: str, known: tuple[str, ...]) -> str:
    value = said.get(name)
    if value not in known:
        raise RequestFault(f"{where}{name}: write one of {', '.join(known)}")
    return str(value)

"""The JSON schemas of the four files of a policy set, for editors: keys, kinds of value, words.

What is published in `deploy/` is printed by `gateway policy schema`. A schema knows one file by
itself: what files say about each other, days that are in order and the like are found by
`gateway policy check`, which tells the line. Words of a set (organisations, functions) are here
any text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.acceptance import Acceptance
from policies.agreements import AGREEMENT_ID, AgreementStatus, LegalBasis
from policies.answer_rules import HEADER
from policies.catalogue_file import FUNCTION_ID, SYSTEM_ID
from policies.criteria import VOCABULARY
from policies.criteria.criterion import TrueCriterion, WordsCriterion
from policies.criteria.hours import DAYS
from policies.decision import Effect
from policies.function import (
    MOST_BODY_MIB,
    MOST_STEP_UP_MINUTES,
    OPERATION_OF_METHOD,
    Action,
    Classification,
    Operation,
    RecordPlace,
    Regime,
    Scope,
)
from policies.obligations import Obligation
from policies.obligations_file import MOST_MINUTES, MOST_USES, SELECTOR, WORD
from policies.organisations import ORGANISATION_ID, OrganisationKind
from policies.request_body import BodyKind
from policies.rules import RULE_ID
from policies.transactions import LearntFrom

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable
    from enum import StrEnum

    from policies.criteria import Criterion

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}
_FLAG: Schema = {"type": "boolean"}
_TRUE: Schema = {"const": True}
_DAY: Schema = {"type": "string", "format": "date"}
_TEXT_MAP: Schema = {"type": "object", "additionalProperties": _TEXT}


def schemas() -> dict[str, Schema]:
    """Give the schema of each file by its name without `.toml`."""
    return {
        "organisations": _file("organisations", {"organisation": _tables(_organisation())}),
        "catalogue": _file("catalogue", _catalogue(), required=()),
        "agreements": _file("agreements", {"agreement": _tables(_agreement())}),
        "rules": _file("rules", {"based_on": _TEXT, "rule": _tables(_rule())}, required=()),
    }


def _file(name: str, properties: Schema, required: Iterable[str] | None = None) -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{name}.toml of a policy set",
        **_table(properties, properties if required is None else required),
    }


def _table(properties: Schema, required: Iterable[str]) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _tables(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1}


def _like(pattern: re.Pattern[str]) -> Schema:
    return {"type": "string", "pattern": f"^{pattern.pattern}$"}


def _one_of(kind: type[StrEnum]) -> Schema:
    return {"enum": [member.value for member in kind]}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1, "uniqueItems": True}


def _whole(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def _organisation() -> Schema:
    return _table(
        {
            "id": _like(ORGANISATION_ID),
            "name": _TEXT,
            "kind": _one_of(OrganisationKind),
            "host": _FLAG,
            "accepts_vetting_by": _list(_like(ORGANISATION_ID)),
        },
        ("id", "name", "kind"),
    )


def _agreement() -> Schema:
    accepts = _table(
        {"body": _like(ORGANISATION_ID), "levels": _list(_TEXT), "as": _TEXT}, ("body", "levels")
    )
    accepts["description"] = Acceptance.__doc__.splitlines()[0] if Acceptance.__doc__ else ""
    return _table(
        {
            "id": _like(AGREEMENT_ID),
            "title": _TEXT,
            "legal_basis": _one_of(LegalBasis),
            "parties": _list(_like(ORGANISATION_ID)),
            "host": _like(ORGANISATION_ID),
            "functions": _list(_TEXT),
            "start": _DAY,
            "end": _DAY,
            "review_due": _DAY,
            "dsa_ref": _TEXT,
            "dsa_expires": _DAY,
            "dpia_ref": _TEXT,
            "status": _one_of(AgreementStatus),
            "supersedes": _like(AGREEMENT_ID),
            "purposes": _list(_TEXT),
            "data_classes": _list(_TEXT),
            "accepts": _tables(accepts),
            "discloses": _FLAG,
        },
        (
            *("id", "title", "legal_basis", "parties", "host", "functions", "start"),
            *("dsa_ref", "dpia_ref", "status"),
        ),
    )


def _rule() -> Schema:
    when = _table({kind.name: _criterion(kind) for kind in VOCABULARY}, ())
    when["minProperties"] = 1
    return _table(
        {
            "id": _like(RULE_ID),
            "effect": _one_of(Effect),
            "functions": _list(_TEXT),
            "actions": _list(_one_of(Action)),
            "when": when,
            "obligations": _obligations(),
            "starts": _DAY,
            "ends": _DAY,
            "reason": _TEXT,
            "owner": _TEXT,
        },
        ("id", "effect", "functions", "actions", "when", "reason", "owner"),
    )


def _criterion(kind: type[Criterion]) -> Schema:
    if issubclass(kind, TrueCriterion):
        return _TRUE
    if issubclass(kind, WordsCriterion):
        return _list(_TEXT)
    if kind.name == "factor_age_minutes":
        return {"type": "integer", "minimum": 1}
    if kind.name == "hours":
        hours: Schema = {
            "days": _list({"enum": list(DAYS)}),
            "from": {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"},
            "until": {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"},
        }
        return _table(hours, hours)
    return _TEXT


def _obligations() -> Schema:
    rate = {"most": _whole(1, MOST_USES), "minutes": _whole(1, MOST_MINUTES)}
    return _table(
        {
            "step_up": _TRUE,
            "purpose": _list(_like(WORD)),
            "purpose_text": _FLAG,
            "read_only": _TRUE,
            "mask": _list(_like(WORD)),
            "watermark": _TRUE,
            "rate": _table(rate, rate),
        },
        (),
    )


def _catalogue() -> Schema:
    bodies = _list(_one_of(BodyKind))
    path = {"path": _TEXT, "carries": _list(_TEXT), "reads_form": _FLAG, "bodies": bodies}
    match = {
        "methods": _list({"enum": list(OPERATION_OF_METHOD)}),
        "path": _TEXT,
        "query": _TEXT_MAP,
        "form": _TEXT_MAP,
        "json": _TEXT_MAP,
        "bodies": bodies,
        "operation": _one_of(Operation),
    }
    record = {"name": _TEXT, "where": _list(_one_of(RecordPlace))}
    transaction = {
        "system": _like(SYSTEM_ID),
        "parameter": _TEXT,
        "learnt_from": _list(_one_of(LearntFrom)),
    }
    field_set = {
        "id": _like(WORD),
        "title": _TEXT,
        "fields": _list(_TEXT),
        "other_fields": _list(_TEXT),
        "required": _list(_TEXT),
        "elements": _list(_like(SELECTOR)),
        "shown_as": {"type": "string"},
        "needs": _TEXT,
    }
    level = _table({"marking": _TEXT, "needs": _TEXT}, ("marking",))
    marking = {
        "system": _like(SYSTEM_ID),
        "header": _like(HEADER),
        "required": _FLAG,
        "levels": _tables(level),
    }
    changed: Schema = {
        "title": _TEXT,
        "entry": _TEXT,
        "note": _TEXT,
        "screening_suffices": _TEXT,
        "floor": _TEXT,
        "floor_by_owner": _TEXT_MAP,
    }
    function = {
        "id": _like(FUNCTION_ID),
        "area": _TEXT,
        "classification": _one_of(Classification),
        "regime": _one_of(Regime),
        "scope": _one_of(Scope),
        "system": _like(SYSTEM_ID),
        "match": _tables(_table(match, ("methods", "path"))),
        "obligations": _list({"const": Obligation.STEP_UP.value}),
        "step_up_minutes": _whole(1, MOST_STEP_UP_MINUTES),
        "record": _table(record, record),
        "transaction": _FLAG,
        "menu": _TEXT_MAP,
        "body_mib": _whole(1, MOST_BODY_MIB),
        **changed,
    }
    needed = ("id", "title", "area", "classification", "regime", "scope", "system", "floor")
    return {
        "based_on": _TEXT,
        "without": _list(_TEXT),
        "own_host": _list(_like(SYSTEM_ID)),
        "path": _tables(_table(path, ("path",))),
        "function": _tables(_table(function, (*needed, "match"))),
        "change": _tables(_table({"id": _TEXT, **changed}, ("id",))),
        "transaction": _tables(_table(transaction, ("system", "parameter"))),
        "purpose": _tables(_table({"code": _like(WORD), "title": _TEXT}, ("code", "title"))),
        "field_set": _tables(_table(field_set, ("id", "title", "fields"))),
        "marking": _tables(_table(marking, ("system", "header", "levels"))),
    }

"""Reads what rules bind their permits to, and the words that the catalogue has for it.

In a rule, each key may be left out:

    obligations = { step_up = true, purpose = ["audit", "complaint"], purpose_text = true,
                    read_only = true, mask = ["bank-details"], watermark = true,
                    rate = { most = 20, minutes = 60 } }

In the catalogue:

    [[purpose]]
    code = "complaint"
    title = "A complaint or grievance"

    [[field_set]]
    id = "bank-details"
    title = "Bank details"
    fields = ["sort_code", "Account number"]   # as pages and answers of the back office name them
    other_fields = ["sort_code_hint"]          # none of these, though the name of one is in them
    elements = ["#account", "td.iban"]         # simple selectors of what pages hold besides
    required = ["sort_code", "td.iban"]        # an answer in which one is not found is refused
    shown_as = "[hidden]"                      # in their place; "" leaves them out
    needs = "N2F or RV"                        # shown to these all the same; left out: to nobody
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from policies.findings import nearest_of
from policies.floors import read_floor
from policies.obligations import (
    NO_OBLIGATIONS,
    SHOWN_AS,
    FieldSet,
    Obligations,
    Purpose,
    PurposeAsked,
    Rate,
)
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Collection

    from policies.criteria import Terms
    from policies.findings import TableReader
    from vetting.levels import LevelOrder

WORD = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""How codes of purposes and ids of field sets are written."""

_COMPOUND = r"(?:[a-z][a-z0-9]*)?(?:[#.][A-Za-z_][\w-]*|\[[a-z][a-z0-9-]*(?:=\"[^\"\\\]]*\")?\])*"
SELECTOR = re.compile(rf"(?=\S){_COMPOUND}(?: (?:> )?(?=[^\s>]){_COMPOUND})*(?<=\S)")
"""How elements are selected: names, ids, classes and attributes, inside one another."""

MOST_USES = 1_000_000
MOST_MINUTES = 24 * 60
"""A rate is counted back from each use, so what is counted has to be kept for so long."""


NOTHING: Mapping[str, Any] = MappingProxyType({})


def read_obligations(reader: TableReader, terms: Terms) -> Obligations:
    """Read what a rule binds its permit to; faults are noted where they stand.

    Args:
        reader: The table of the rule.
        terms: The words that may be used.
    """
    table = reader.table("obligations")
    if table is None:
        return NO_OBLIGATIONS
    codes = _known(table, "purpose", terms.purposes, "a purpose of the catalogue")
    text = table.flag("purpose_text")
    if text and not codes:
        table.fault(
            "purpose_text",
            message="offers text beside a purpose, and none is asked for",
            remedy="name the purposes, or remove it",
        )
    masked = _known(table, "mask", terms.field_sets, "a set of fields of the catalogue")
    obligations = Obligations(
        step_up=_set(table, "step_up"),
        purpose=PurposeAsked(codes=codes, text=text) if codes else None,
        read_only=_set(table, "read_only"),
        mask=masked,
        watermark=_set(table, "watermark"),
        rates=_rates(table),
    )
    table.finish()
    return obligations


def read_purposes(
    document: TableReader, below: Mapping[str, Purpose] = NOTHING
) -> dict[str, Purpose]:
    """Read the purposes of a catalogue, after those of the file it is based on."""
    purposes = dict(below)
    for reader in document.tables("purpose", required=False):
        purpose = Purpose(code=reader.text("code", pattern=WORD), title=reader.text("title"))
        reader.finish()
        if purpose.code in purposes:
            reader.fault("code", message=f"`{purpose.code}` stands twice", remedy="remove one")
        elif purpose.code:
            purposes[purpose.code] = purpose
    return purposes


def read_field_sets(
    document: TableReader, order: LevelOrder, below: Mapping[str, FieldSet] = NOTHING
) -> dict[str, FieldSet]:
    """Read the sets of fields of a catalogue, after those of the file it is based on."""
    sets = dict(below)
    for reader in document.tables("field_set", required=False):
        fields = _named(reader, "fields", required=True)
        elements = reader.texts("elements", required=False, pattern=SELECTOR)
        read = FieldSet(
            id=reader.text("id", pattern=WORD),
            title=reader.text("title"),
            fields=frozenset(fields),
            elements=elements,
            other_fields=frozenset(_others(reader, fields)),
            required=frozenset(_required(reader, {*fields, *elements})),
            shown_as=_shown_as(reader),
            needs=read_floor(reader, reader.text("needs", required=False), order, "needs"),
        )
        reader.finish()
        if read.id in sets:
            reader.fault("id", message=f"`{read.id}` stands twice", remedy="remove one")
        elif read.id:
            sets[read.id] = read
    return sets


def obligations_value(obligations: Obligations) -> dict[str, object]:
    """Write them as plain values that `obligations_from_value` reads back."""
    value: dict[str, object] = {}
    if obligations.step_up:
        value["step_up"] = True
    if obligations.purpose is not None:
        value["purpose"] = sorted(obligations.purpose.codes)
        value["purpose_text"] = obligations.purpose.text
    if obligations.read_only:
        value["read_only"] = True
    if obligations.mask:
        value["mask"] = sorted(obligations.mask)
    if obligations.watermark:
        value["watermark"] = True
    if obligations.rates:
        value["rates"] = [[each.most, each.minutes] for each in obligations.rates]
    return value


def obligations_from_value(value: Mapping[str, Any]) -> Obligations:
    """Read what `obligations_value` wrote.

    Raises:
        ValueError: It is not that.
        TypeError: A value is not of its kind.
    """
    read = _from_value(value)
    if not read.bits or obligations_value(read) != value:
        raise ValueError("obligations are not in the written form")
    return read


def _from_value(value: Mapping[str, Any]) -> Obligations:
    codes = value.get("purpose")
    text = value.get("purpose_text") is True
    return Obligations(
        step_up=value.get("step_up") is True,
        purpose=None if codes is None else PurposeAsked(codes=frozenset(codes), text=text),
        read_only=value.get("read_only") is True,
        mask=frozenset(value.get("mask", ())),
        watermark=value.get("watermark") is True,
        rates=tuple(Rate(int(most), int(minutes)) for most, minutes in value.get("rates", ())),
    )


def _named(reader: TableReader, key: str, *, required: bool) -> tuple[str, ...]:
    """Read names of fields; one without a letter or a digit would name everything or nothing."""
    fields = reader.texts(key, required=required)
    for place, name in enumerate(fields):
        if not any(character.isalnum() for character in name):
            reader.fault(
                key,
                place,
                message=f"{quoted(name)} has no letter and no digit",
                remedy="write the name as the back office's answers have it",
            )
    return fields


def _others(reader: TableReader, fields: Collection[str]) -> tuple[str, ...]:
    """Read names that are none of the fields."""
    others = _named(reader, "other_fields", required=False)
    for place, name in enumerate(others):
        if name in fields:
            reader.fault(
                "other_fields",
                place,
                message=f"{quoted(name)} is one of the fields",
                remedy="name it in one of the two",
            )
    return others


def _required(reader: TableReader, known: Collection[str]) -> tuple[str, ...]:
    """Read what has to be found in every answer."""
    required = reader.texts("required", required=False)
    for place, name in enumerate(required):
        if name not in known:
            reader.fault(
                "required",
                place,
                message=f"{quoted(name)} is not a field and not an element of the set",
                remedy=nearest_of(name, known),
            )
    return required


def _shown_as(reader: TableReader) -> str:
    """Read what is shown in the place of fields; an empty text means that nothing is."""
    if reader.has("shown_as") and reader.raw("shown_as") == "":
        return ""
    return reader.text("shown_as", required=False) or SHOWN_AS


def _set(table: TableReader, name: str) -> bool:
    """Read a key that says something by being true; its opposite is said by leaving it out."""
    if table.has(name) and table.raw(name) is not True:
        table.fault(
            name,
            message=f"{quoted(table.raw(name))} is not true",
            remedy=f"write {name} = true, or leave it out",
        )
    return table.raw(name) is True


def _known(
    table: TableReader, name: str, known: Collection[str] | None, what: str
) -> frozenset[str]:
    """Read a list of words that the catalogue declares."""
    words = table.texts(name, required=False, pattern=WORD)
    for place, word in enumerate(words):
        if known is not None and word not in known:
            table.fault(
                name, place, message=f"{quoted(word)} is not {what}", remedy=nearest_of(word, known)
            )
    return frozenset(words)


def _rates(table: TableReader) -> tuple[Rate, ...]:
    rate = table.table("rate")
    if rate is None:
        return ()
    for key in ("most", "minutes"):
        if not rate.has(key):
            rate.fault(message=f"`{key}` is missing", remedy="write { most = 20, minutes = 60 }")
    most = rate.whole("most", least=1, most=MOST_USES, default=1)
    minutes = rate.whole("minutes", least=1, most=MOST_MINUTES, default=1)
    rate.finish()
    return (Rate(most, minutes),)

"""Remembered text says exactly what the fields say, whatever has changed between two entries."""

from dataclasses import fields
from typing import Any

import orjson
import pytest

from gateway.audit.clear_text import ClearText, clear_fields
from gateway.audit.entry import EntryDraft, Kind, Outcome, Phase
from gateway.audit.field_encryption import PERSONAL_FIELDS
from tests.doubles.record import decision

OTHERS: dict[str, Any] = {
    "kind": Kind.AUDIT_QUERY,
    "phase": Phase.RESULT,
    "outcome": Outcome.DENY,
    "id": b"\x05" * 16,
    "corr": b"\x06" * 16,
    "reference": "7ZZZZZZZZZ",
    "rules": ("another",),
    "obligations": ("watermark",),
    "inputs": ["other"],
    "closes": (("a" * 32, 1, 200, 3, 4, 5),),
}


def changed(name: str, value: object) -> object:
    return OTHERS.get(name, f"{value}~" if isinstance(value, str) else 77)


def said(draft: EntryDraft, text: bytes) -> bool:
    return bool(orjson.loads(text + b"}") == orjson.loads(orjson.dumps(clear_fields(draft))))


@pytest.mark.parametrize(
    "name", [field.name for field in fields(EntryDraft) if field.name not in PERSONAL_FIELDS]
)
def test_what_has_changed_is_never_taken_for_what_it_was(name: str) -> None:
    texts = ClearText()
    draft = decision(1, inputs="read:1", rules=("own",), obligations=("step-up",))
    assert said(draft, texts.of(draft))
    setattr(draft, name, changed(name, getattr(draft, name)))

    assert said(draft, texts.of(draft))
    assert said(draft, texts.of(draft))


def test_the_text_is_that_of_the_fields_byte_for_byte() -> None:
    texts = ClearText()
    for number in range(3):
        draft = decision(number, inputs="read:1", code='quo"te')
        assert texts.of(draft) + b"}" == orjson.dumps(clear_fields(draft))


def test_what_a_reference_holds_cannot_break_out() -> None:
    draft = decision(1, inputs="read:1", reference='A","flag":"')

    assert said(draft, ClearText().of(draft))


def test_it_does_not_grow_without_end() -> None:
    texts = ClearText()
    for number in range(5_000):
        texts.of(decision(1, inputs=str(number)))

    assert len(texts._known) <= 4_096

"""Text made of what repeats says exactly what the fields say."""

from binascii import hexlify
from typing import Any

import orjson
import pytest

from gateway.audit.clear_text import REPEATED_TEXT, TextAround, clear_fields, clear_text
from gateway.audit.entry import EntryDraft, Outcome
from tests.doubles.record import decision

FACTS: list[dict[str, Any]] = [
    {},
    {"inputs": "read:1", "code": 'quo"te', "rules": ("own",), "obligations": ("step-up",)},
    {"corr": bytes(16), "status": 200, "bytes_out": 7, "count": 3, "inputs": [1, None]},
    {"reference": 'A","flag":"'},
]


def repeated_text(draft: EntryDraft, around: TextAround) -> bytes:
    reference = orjson.dumps(draft.reference)
    return REPEATED_TEXT % (
        hexlify(draft.id),
        draft.at_us,
        around.before,
        reference,
        around.after,
    )


@pytest.mark.parametrize("facts", FACTS)
def test_the_text_is_that_of_the_fields_byte_for_byte(facts: dict[str, Any]) -> None:
    draft = decision(1, **facts)

    assert clear_text(draft) + b"}" == orjson.dumps(clear_fields(draft))
    assert repeated_text(draft, TextAround.of(draft)) == clear_text(draft)


def test_a_repetition_says_its_own_id_instant_and_reference() -> None:
    around = TextAround.of(decision(1))
    another = decision(2)

    assert repeated_text(another, around) == clear_text(another)


def test_an_entry_that_says_little_repeats_as_well() -> None:
    draft = EntryDraft(kind=decision(1).kind, at_us=1, outcome=Outcome.PERMIT, reference="R")

    assert repeated_text(draft, TextAround.of(draft)) == clear_text(draft)

"""JSON of answers: strict in, plain out."""

from __future__ import annotations

import pytest

from gateway.backoffice.treatment.json_text import MAX_DEPTH, read_json, write_json
from gateway.backoffice.treatment.unfit import UnfitAnswerError


def test_what_is_read_is_written_with_the_same_meaning() -> None:
    text = '{"a":[1,2.5,null,true,"\\u0041\\u00e9"],"big":123456789012345678901234567890}'

    assert write_json(read_json(text)).decode() == (
        '{"a":[1,2.5,null,true,"Aé"],"big":123456789012345678901234567890}'
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a":1,"a":2}',
        '[{"x":{"\\u0061":1,"a":2}}]',
        "NaN",
        "[-Infinity]",
        "[1e999]",
        "{'a':1}",
        "[1,]",
        '"a" "b"',
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        "[" * 100_000,
        "1" * 5000,
    ],
)
def test_what_has_no_single_reading_is_refused(text: str) -> None:
    with pytest.raises(UnfitAnswerError):
        read_json(text)


def test_half_of_a_surrogate_pair_is_not_written() -> None:
    with pytest.raises(UnfitAnswerError):
        write_json(read_json('"\\ud800"'))


def test_a_document_may_be_as_deep_as_the_limit() -> None:
    assert read_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)

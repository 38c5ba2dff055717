"""What is remembered of envelopes never passes for what another says."""

from typing import Any

import orjson
import pytest

from gateway.audit.clear_text import clear_text
from gateway.audit.columns import EnvelopeColumns, clear_columns
from gateway.audit.entry import EntryDraft, Kind, Outcome, Phase
from tests.doubles.record import decision

ID = bytes(range(16))
AT_US = 1_795_000_000_123_456
OTHERS: list[dict[str, Any]] = [
    {},
    {"id": b"\xff" * 16},
    {"at_us": AT_US + 1},
    {"reference": "7H3K9QZ002"},
    {"reference": "7H3K9QZ0012"},
    {"reference": ""},
    {"kind": Kind.AUDIT_QUERY},
    {"phase": Phase.RESULT, "corr": b"a" * 16},
    {"phase": Phase.RESULT, "corr": b"b" * 16, "reference": ""},
    {"outcome": Outcome.DENY},
    {"corr": bytes(16)},
    {"op": "disclosure"},
    {"organisation": "cheshire-police"},
    {"organisation": ""},
    {"function": "pay.bank"},
    {"function": ""},
    {"roles": "auditor"},
    {"route": '","function":"pay.bank'},
    {"inputs": {"a": 1, "writer": "b"}},
    {"closes": (("0a" * 16, 1, 2, 3, 4, 5),)},
]


def draft(**facts: Any) -> EntryDraft:
    whole: dict[str, Any] = {"id": ID, "at_us": AT_US, "reference": "7H3K9QZ001"} | facts
    return decision(1, **whole)


def envelope(draft: EntryDraft) -> bytes:
    return clear_text(draft) + b',"writer":"worker-1","wseq":1,"prev":""}'


@pytest.mark.parametrize("facts", OTHERS, ids=str)
def test_columns_are_those_of_the_envelope_whatever_was_read_before(facts: dict[str, Any]) -> None:
    columns = EnvelopeColumns()
    for each in (draft(), draft(id=b"z" * 16, reference="0000000000"), draft(**facts), draft()):
        said = columns.read([envelope(each)])

        assert said is not None
        assert said[0] == [clear_columns(orjson.loads(envelope(each)))]


def test_many_are_read_as_each_is() -> None:
    every = [draft(**facts) for facts in OTHERS]
    envelopes = [envelope(each) for each in every]
    results = [n for n, each in enumerate(every) if each.phase is Phase.RESULT]
    for shift in range(len(envelopes)):
        columns, turned = EnvelopeColumns(), envelopes[shift:] + envelopes[:shift]
        for _ in range(2):  # the second time what is said alike is known
            said = columns.read(turned)
            assert said is not None
            assert said[0] == [clear_columns(orjson.loads(each)) for each in turned]
            places = [(place + shift) % len(envelopes) for place, _ in said[1]]
            assert sorted(places) == results
            assert [every[place].corr for place in places] == [closed for _, (closed,) in said[1]]


def test_what_an_entry_closes_is_read_each_time() -> None:
    columns = EnvelopeColumns()
    for number in (1, 2, 1):
        said = columns.read([envelope(draft(phase=Phase.RESULT, corr=bytes([number]) * 16))])

        assert said is not None
        assert said[1] == [(0, (bytes([number]) * 16,))]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"v":1', b'"v":2'),
        (b"1795000000123456", b"179500000012345 "),
        (b"1795000000123456", b"-79500000012345_"),
        (b"7H3K9QZ001", b'7H3K9"Z001'),
        (b"7H3K9QZ001", b"7H3K9\\Z001"),
        (b'","time":', b'","tide":'),
    ],
)
def test_what_no_sealer_writes_is_left_to_others(old: bytes, new: bytes) -> None:
    columns = EnvelopeColumns()
    ours = envelope(draft())
    assert columns.read([ours, ours])
    assert old in ours

    assert columns.read([ours, ours.replace(old, new, 1)]) is None


def test_an_instant_of_another_length_is_left_to_others() -> None:
    assert EnvelopeColumns().read([envelope(draft()), envelope(draft(at_us=17))]) is None


def test_it_does_not_grow_with_what_decisions_say() -> None:
    columns = EnvelopeColumns()
    for number in range(100):
        columns.read([envelope(draft(id=number.to_bytes(16, "big"), code=f"code-{number}"))])

    assert len(columns._known) == 1

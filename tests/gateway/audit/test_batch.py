"""What one step adds says what was found, in the log and to the operators."""

import pytest
from structlog.testing import capture_logs

from gateway.audit.batch import CODE_GIVEN_UP, CODE_MAC, Batch, Row
from gateway.audit.bundles import StoredEntry
from gateway.audit.entry import Kind, Outcome
from gateway.audit.sealing import NO_PSEUDONYM


@pytest.mark.parametrize(
    ("code", "outcome", "level"),
    [(CODE_MAC, Outcome.ERROR, "error"), (CODE_GIVEN_UP, Outcome.PERMIT, "warning")],
)
def test_what_is_found_is_noted_and_told(code: str, outcome: Outcome, level: str) -> None:
    batch = Batch(first=0, at_us=5)
    with capture_logs() as told:
        batch.note(code, "worker-1", **{"from": 7})

    [note] = batch.notes
    assert (note.kind, note.outcome, note.code, note.at_us) == (Kind.SYSTEM, outcome, code, 5)
    assert note.inputs == {"writer": "worker-1", "from": 7}
    assert [(each["log_level"], each["code"], each["sequence"]) for each in told] == [
        (level, code, 7)
    ]


def test_a_row_gives_its_id_and_its_envelope() -> None:
    entry = StoredEntry(0, 0, NO_PSEUDONYM, NO_PSEUDONYM, NO_PSEUDONYM, b'{"v":1}', b"secret")
    row = Row(0, entry.kept, (b"i" * 16, 1, 0, 0, 0, b""))

    assert (row.id, row.envelope) == (b"i" * 16, b'{"v":1}')

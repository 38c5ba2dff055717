"""A report holds only if something was proved and nothing is wrong."""

import json

import pytest

from gateway.audit.verify_report import VerifyFault, VerifyReport


def report(*faults: VerifyFault, sealed: int = 5, count: int | None = None) -> VerifyReport:
    return VerifyReport(
        size=5,
        sealed=sealed,
        origin="gate.example/log",
        root="ab" * 32,
        held_size=3,
        checkpoints=2,
        faults=faults,
        fault_count=len(faults) if count is None else count,
        alarms=((4, "sequence-gap"),),
    )


FAULT = VerifyFault(where="entry 2", what="removed", index=2)


@pytest.mark.parametrize(
    ("found", "holds"),
    [(report(), True), (report(FAULT), False), (report(sealed=0), False)],
    ids=["sound", "fault", "nothing sealed"],
)
def test_a_log_holds_or_does_not(found: VerifyReport, holds: bool) -> None:
    assert found.holds is holds
    assert found.summary().endswith("the log holds" if holds else "the log does NOT hold")


def test_the_lines_name_faults_alarms_and_what_was_left_out() -> None:
    lines = report(FAULT, count=9).lines()

    assert lines[0] == "fault: entry 2: removed"
    assert "entry 4 of the log reports: sequence-gap" in lines
    assert "the checkpoint you hold covers 3 entries" in lines
    assert "and 8 more faults" in lines


def test_the_report_goes_into_json() -> None:
    written = json.loads(json.dumps(report(FAULT).to_json()))

    assert written["faults"] == [{"where": "entry 2", "what": "removed", "index": 2}]
    assert written["holds"] is False

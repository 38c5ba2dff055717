"""The operational log: JSON lines without personal data, that never stop the service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import structlog

from gateway.operational_log import configure_operational_log, open_operational_log
from gateway.settings import OperationalLogSection


def lines_of(written: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written]


def test_a_line_holds_event_level_time_and_reference() -> None:
    written: list[bytes] = []
    log = open_operational_log(OperationalLogSection(), component="front", write=written.append)

    log.warning("directory-unavailable", organisation="nwas", reference="7Q2M4T9XKD")

    (line,) = lines_of(written)
    assert line["event"] == "directory-unavailable"
    assert line["level"] == "warning"
    assert line["component"] == "front"
    assert line["reference"] == "7Q2M4T9XKD"
    assert line["at"].endswith("Z")
    assert written[0].endswith(b"\n")


def test_a_field_that_is_not_listed_leaves_only_its_name() -> None:
    """Whoever adds `username=` to a line must not put a name on the disk."""
    written: list[bytes] = []
    log = open_operational_log(OperationalLogSection(), component="front", write=written.append)

    log.info("signed-in", username="apatel", ip="10.1.2.3", name="A Patel", organisation="nwas")

    assert b"apatel" not in written[0]
    assert b"10.1.2.3" not in written[0]
    assert b"A Patel" not in written[0]
    assert lines_of(written)[0]["dropped"] == ["ip", "name", "username"]


@pytest.mark.parametrize(
    "text",
    [
        "no such entry uid=apatel,ou=people",
        "mail to a.patel@fire.example failed",
        "CN=A.Patel,DC=x",
    ],
)
def test_names_inside_text_are_masked(text: str) -> None:
    """Messages of the directory library quote the DN they were about."""
    written: list[bytes] = []
    log = open_operational_log(OperationalLogSection(), component="front", write=written.append)

    log.error("directory-misconfigured", detail=text)

    assert b"patel" not in written[0].lower()


def test_an_exception_leaves_its_kind_and_place_but_not_its_message() -> None:
    written: list[bytes] = []
    log = open_operational_log(OperationalLogSection(), component="front", write=written.append)

    try:
        try:
            raise ValueError("secret-of-apatel")  # noqa: TRY301
        except ValueError as error:
            raise RuntimeError("also-secret") from error
    except RuntimeError as error:
        log.exception("request-failed", error=error)

    (line,) = lines_of(written)
    assert b"secret" not in written[0]
    assert line["error"] == "RuntimeError"
    assert line["exception"]["kinds"] == ["builtins.RuntimeError", "builtins.ValueError"]
    assert "test_operational_log.py" in line["exception"]["places"][-1]


def test_the_level_of_the_settings_holds() -> None:
    written: list[bytes] = []
    section = OperationalLogSection(level="warning")
    log = open_operational_log(section, component="front", write=written.append)

    log.info("started")
    log.warning("slow")

    assert [line["event"] for line in lines_of(written)] == ["slow"]


def test_a_line_break_in_a_value_stays_inside_its_line() -> None:
    written: list[bytes] = []
    log = open_operational_log(OperationalLogSection(), component="front", write=written.append)

    log.info("odd", detail='x\n{"event":"forged"}' + "y" * 2_000)

    assert written[0].count(b"\n") == 1
    assert len(written[0]) < 1_000


def test_a_full_disk_loses_lines_and_counts_them() -> None:
    written: list[bytes] = []
    full = True

    def disk(line: bytes) -> None:
        if full:
            raise OSError(28, "no space left on device")
        written.append(line)

    log = open_operational_log(OperationalLogSection(), component="front", write=disk)
    log.info("one")
    log.info("two")
    full = False

    log.info("three")

    assert [line["event"] for line in lines_of(written)] == ["lines-lost", "three"]
    assert lines_of(written)[0]["lost_lines"] == 2


def test_lines_go_to_the_file_of_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "operational.log"
    path.write_text("earlier\n")
    log = open_operational_log(OperationalLogSection(file=path), component="sequencer")

    log.info("started")

    assert path.read_text().startswith('earlier\n{"at":')


def test_loggers_got_by_name_write_where_the_process_was_told() -> None:
    """Modules name their logger when they are imported, before the settings are read."""
    early = structlog.get_logger("pipeline")
    written: list[bytes] = []
    try:
        configure_operational_log(OperationalLogSection(), component="front", write=written.append)

        early.info("refused", username="apatel", code="stale")
    finally:
        structlog.reset_defaults()

    (line,) = lines_of(written)
    assert line["component"] == "front.pipeline"
    assert line["code"] == "stale"
    assert b"apatel" not in written[0]

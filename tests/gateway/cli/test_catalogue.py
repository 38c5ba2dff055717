"""`gateway catalogue learn|drift`, on a log as servers write it and on the gateway's record."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from tests.gateway.cli.place import Place

if TYPE_CHECKING:
    from pathlib import Path

LOG = """\
10.0.0.1 - - [21/Nov/2026:09:00:00 +0000] "GET /kit/7/loans HTTP/1.1" 200 512 "-" "browser"
10.0.0.1 - - [21/Nov/2026:09:00:01 +0000] "GET /kit/8/loans?sort=name HTTP/1.1" 200 9 "-" "-"
10.0.0.1 - - [21/Nov/2026:09:00:02 +0000] "GET /estates/jobs HTTP/1.1" 200 512
10.0.0.1 - - [21/Nov/2026:09:00:03 +0000] "GET /no/such HTTP/1.1" 404 0
this is no line of a log
"""


def test_learn_proposes_what_an_access_log_shows(place: Place, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(LOG)
    told = place.run("catalogue", "learn", "--access-log", str(log))

    (entry,) = tomllib.loads(told.out)["function"]
    assert entry["match"] == [{"methods": ["GET"], "path": "/kit/{id}/loans"}]
    assert f"{log}:5: no request line" in told.err
    assert "1 requests are known, 1 entries proposed, 0 resources, 1 lines" in told.err


def test_learn_wants_one_source_that_can_be_read(place: Place, tmp_path: Path) -> None:
    assert place.run("catalogue", "learn").code == 2
    missing = place.run("catalogue", "learn", "--access-log", str(tmp_path / "none.log"))
    assert missing.code == 1
    assert "cannot be read" in missing.err


def test_drift_names_functions_never_used_and_requests_that_meant_none(visited: Place) -> None:
    shown = visited.run("catalogue", "drift", "--json").json()

    assert "pay.slip" not in shown["never_used"]
    assert shown["used"]["pay.slip"] == 2
    assert "fin.gl" in shown["never_used"]
    assert shown["unknown"] == [{"method": "GET", "target": "/kit/7/loans?sort", "count": 2}]
    told = visited.run("catalogue", "drift").out
    assert "/kit/7/loans?sort" in told
    assert "fin.gl" in told


def test_learn_takes_the_gateways_own_refusals(visited: Place) -> None:
    shown = visited.run("catalogue", "learn", "--from-record", "--json").json()

    assert [(each["path"], each["count"]) for each in shown["proposals"]] == [
        ("/kit/{id}/loans", 2)
    ]

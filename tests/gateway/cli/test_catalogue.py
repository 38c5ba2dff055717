"""`gateway catalogue learn|drift`, on a log as servers write it and on the gateway's record."""

from __future__ import annotations

import tomllib
from collections import Counter
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
    assert "1 requests are known, 1 entries proposed, 0 resources, 1 left out" in told.err


ODD = {
    "//evil.example/kit/7": "path-empty-segment",
    "//evil.example/kit/8": "path-empty-segment",
    "/kit/../loans": "path-dots",
    "/kit;a=b": "path-character",
    "/OA_HTML/OA.jsp?oafunc=XX": "parameter-disguised",
}


def test_learn_proposes_nothing_that_the_gateway_would_refuse(place: Place, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    asked = [
        *ODD,
        "/%6bit",
        "/tools/7?action=%2Fx",
        "/tools/8?action=a&action=b",
        "/tools/9?action=go",
    ]
    log.write_text("".join(f'- - - [-] "GET {each} HTTP/1.1" 200 9\n' for each in asked))
    told = place.run("catalogue", "learn", "--access-log", str(log), "--json")
    proposed = told.json()["proposals"]

    assert [(each["path"], each["query"]) for each in proposed] == [
        ("/tools/{id}", {}),
        ("/tools/{id}", {"action": "go"}),
    ]
    assert [each["count"] for each in proposed] == [2, 1]
    codes = Counter([*ODD.values(), "path-disguised"])
    assert told.json()["left_out"] == {
        f"the gateway refuses such a target ({code})": count for code, count in codes.items()
    }
    assert f"{log}:1: the gateway refuses such a target (path-empty-segment); left" in told.err
    assert "left out: 2, the gateway refuses such a target (path-empty-segment)" in told.err


def test_learn_takes_refusals_of_the_systems_own_host_without_it(visited: Place) -> None:
    """The record writes `//host/path` where a system has a host of its own."""
    text = visited.config.read_text()
    visited.config.write_text(text + 'public_host = "ebs.localhost"\n')
    at_host = visited.run("catalogue", "learn", "--from-record", "--json").json()
    visited.config.write_text(text)
    at_main = visited.run("catalogue", "learn", "--from-record", "--json").json()

    for shown, paths in ((at_host, ["/vans/{id}"]), (at_main, ["/kit/{id}/loans"])):
        assert [each["path"] for each in shown["proposals"]] == paths
        assert sum(shown["left_out"].values()) + shown["proposals"][0]["count"] == 3
        assert list(shown["left_out"]) == ["asked at a host where `ebs` is not"]


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
    assert shown["unknown"] == [
        {"method": "GET", "target": "/kit/7/loans?sort", "count": 2},
        {"method": "GET", "target": "//ebs.localhost:8080/vans/3", "count": 1},
    ]
    told = visited.run("catalogue", "drift").out
    assert "/kit/7/loans?sort" in told
    assert "fin.gl" in told


def test_learn_takes_the_gateways_own_refusals(visited: Place) -> None:
    shown = visited.run("catalogue", "learn", "--from-record", "--json").json()

    assert [(each["path"], each["count"]) for each in shown["proposals"]] == [
        ("/kit/{id}/loans", 2)
    ]

"""Exports of a vetting unit, as tests need them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from vetting.feed_file import COLUMNS, FeedTerms
from vetting.levels import LevelOrder

AT = "2026-11-20T06:00:00+00:00"


class PlainSeal:
    """Seals nothing away, but gives what looks sealed."""

    def seal(self, reference: str, *, grant_id: str) -> str:
        return f"v1.plain.{(grant_id + reference).encode().hex():0>16}" if reference else ""

    def open(self, sealed: str, *, grant_id: str) -> str | None:
        return bytes.fromhex(sealed.split(".")[2]).decode().removeprefix(grant_id)


TERMS = FeedTerms(
    feed="unit",
    granting_bodies=frozenset({"cheshire-police"}),
    organisations=frozenset({"cheshire-police", "cheshire-fire"}),
    order=LevelOrder.shipped(),
    seal=PlainSeal(),
)


def row(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One grant of an export."""
    return {
        "id": f"V{number}",
        "organisation": "cheshire-fire",
        "employee_number": str(40000 + number),
        "level": "N2F",
        "status": "granted",
        "granting_body": "cheshire-police",
        "sponsor": "cheshire-fire",
        "granted_on": "2025-01-01",
        "expires_on": "2027-12-31",
    } | changes


def to_csv(
    *rows: dict[str, Any], at: str = AT, feed: str = "unit", count: int | None = None
) -> str:
    """Write an export as CSV."""
    text = io.StringIO()
    text.write(f"# feed={feed} exported_at={at} rows={len(rows) if count is None else count}\n")
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_json(*rows: dict[str, Any], at: str = AT, feed: str = "unit") -> str:
    """Write an export as JSON, each grant over several lines."""
    return json.dumps({"feed": feed, "exported_at": at, "grants": list(rows)}, indent=1)

"""`gateway policy access`: who had access under an agreement, to what, and how often.

What partners owe each other under an agreement is an account of its use. It is read from the
record, so that it says what happened and not what the rules would allow.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.opening import (
    config_option,
    instant,
    json_option,
    open_settings,
    policy_set_in_force,
)
from gateway.cli.record_rows import accesses
from gateway.cli.terminal import table, to_csv
from gateway.errors import CommandError
from policies.findings import nearest_of

if TYPE_CHECKING:
    from datetime import datetime

HEADS = ("ORGANISATION", "FUNCTION", "VISITS", "PEOPLE", "FIRST", "LAST")


@dataclass(slots=True)
class _Use:
    visits: int = 0
    people: set[str] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None


@click.command()
@config_option
@click.argument("agreement")
@click.option("--since", help="From this day or instant on (London).")
@click.option("--until", help="Before this day or instant (London).")
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV.")
@json_option
def access(
    config: Path,
    agreement: str,
    since: str | None,
    until: str | None,
    *,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Report the access under an agreement, by organisation and function."""
    settings = open_settings(config)
    uses: dict[tuple[str, str], _Use] = {}
    for row in accesses(
        settings,
        since=instant(since) if since else None,
        until=instant(until) if until else None,
    ):
        if row.clear.get("agreement") != agreement or row.outcome != "permit":
            continue
        use = uses.setdefault((row.organisation, row.function), _Use())
        use.visits += 1
        use.people.add(row.personal.get("staff_id", ""))
        use.first = row.at if use.first is None else min(use.first, row.at)
        use.last = row.at if use.last is None else max(use.last, row.at)
    if not uses:
        # an agreement that is no longer part of the set may still have been used
        known = {each.id for each in policy_set_in_force(settings).agreements}
        if agreement not in known:
            raise CommandError(
                f"access: `{agreement[:60]}` is no agreement, and nothing on the record names it; "
                f"{nearest_of(agreement, known)}"
            )
    rows = [
        (organisation, function, use.visits, len(use.people), _day(use.first), _day(use.last))
        for (organisation, function), use in sorted(uses.items())
    ]
    if as_json:
        keys = [head.lower() for head in HEADS]
        click.echo(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=2))
    elif as_csv:
        click.echo(to_csv(HEADS, rows), nl=False)
    else:
        click.echo(table(HEADS, rows))
        click.echo(f"{sum(use.visits for use in uses.values())} visits under `{agreement}`")


def _day(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="seconds")

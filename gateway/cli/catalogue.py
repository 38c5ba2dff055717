"""`gateway catalogue`: what a back office is asked, held against what the catalogue knows."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
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
from gateway.cli.terminal import Progress, table
from gateway.errors import CommandError

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.settings import Settings
    from policies.catalogue import Catalogue
    from policies.learning import Seen

# The request and the status of the common and the combined log format.
_LINE = re.compile(
    rb'"(?P<method>[A-Z]{3,10}) (?P<target>/[^ "]{0,8000}) HTTP/[0-9.]+" (?P<status>[1-5]\d\d) '
)
_ANSWERED = (200, 400)  # what the back office served; errors teach nothing


@click.group()
def catalogue() -> None:
    """Learn catalogue entries, and find what drifts apart."""


@catalogue.command()
@config_option
@click.option(
    "--access-log",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The back office's access log, in the common or combined format.",
)
@click.option(
    "--from-record", is_flag=True, help="The gateway's own refusals of unknown functions."
)
@click.option("--since", help="From the record: from this day or instant on (London).")
@click.option("--system", default="ebs", show_default=True, help="The system it belongs to.")
@json_option
def learn(
    config: Path,
    access_log: Path | None,
    since: str | None,
    system: str,
    *,
    from_record: bool,
    as_json: bool,
) -> None:
    """Propose catalogue entries for requests that are no function yet.

    The proposals are written as TOML that a person has to finish; nothing is changed. What the
    gateway would refuse whatever the catalogue says is left out, and counted by its reason.
    """
    from policies.learning import learn as group
    from policies.learning import to_toml

    if (access_log is None) == (not from_record):
        raise click.UsageError("name either --access-log FILE or --from-record")
    settings = open_settings(config)
    known = policy_set_in_force(settings).catalogue
    known = known.at(system) if system in known.own_host else known
    left_out = _LeftOut()
    if access_log is None:
        asked = _refused(settings, instant(since) if since else None, system, left_out)
    else:
        asked = _requests(access_log, left_out)
    learned = group(_in_one_form(asked, known, left_out), known)
    if as_json:
        shown = [
            {
                "path": each.path,
                "query": dict(each.query),
                "methods": sorted(each.methods),
                "parameters": sorted(each.parameters),
                "count": each.count,
            }
            for each in learned.proposals
        ]
        told = {"known": learned.known, "proposals": shown, "left_out": left_out.counts}
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        click.echo(to_toml(learned, system=system), nl=False)
    click.echo(
        f"{sum(learned.known.values())} requests are known, {len(learned.proposals)} entries "
        f"proposed, {len(learned.resources)} resources, {left_out.counts.total()} left out",
        err=True,
    )
    for reason, count in left_out.counts.most_common():
        click.echo(f"  left out: {count}, {reason}", err=True)


@catalogue.command()
@config_option
@click.option(
    "--since", help="From this day or instant on (London); without it, all of the record."
)
@json_option
def drift(config: Path, since: str | None, *, as_json: bool) -> None:
    """Report functions that nobody used, and requests that meant no function."""
    settings = open_settings(config)
    functions = policy_set_in_force(settings).catalogue.functions
    used: dict[str, int] = dict.fromkeys(functions, 0)
    unknown: dict[tuple[str, str], int] = {}
    for row in accesses(settings, since=instant(since) if since else None):
        if row.clear.get("code") == "function-unknown":
            asked = str(row.clear.get("method", "")), row.personal.get("target", "")
            unknown[asked] = unknown.get(asked, 0) + 1
        elif row.function in used:
            used[row.function] += 1
    never = [name for name, count in used.items() if not count]
    most = sorted(unknown.items(), key=lambda each: -each[1])
    if as_json:
        shown = [
            {"method": method, "target": target, "count": count} for (method, target), count in most
        ]
        click.echo(json.dumps({"never_used": never, "used": used, "unknown": shown}))
        return
    click.echo(f"{len(never)} of {len(used)} functions were never used:")
    for name in never:
        click.echo(f"  {name}  {functions[name].title}")
    click.echo(f"{len(most)} different requests meant no function:")
    if most:
        heads = ("TIMES", "METHOD", "TARGET")
        click.echo(table(heads, ((count, method, target) for (method, target), count in most[:50])))


class _LeftOut:
    """What proposes nothing: how many, by the reason, with the places of a few."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, place: str, reason: str) -> None:
        """Count one; the first three of a reason are told with their places."""
        self.counts[reason] += 1
        if self.counts[reason] <= 3:  # noqa: PLR2004 - a few examples are enough
            click.echo(f"{place}: {reason}; left out", err=True)


def _in_one_form(
    requests: Iterator[tuple[str, Seen]], known: Catalogue, left_out: _LeftOut
) -> Iterator[Seen]:
    """Give requests in the form in which the gateway compares them with the catalogue.

    An entry for what it refuses before (`//host/path` and whatever else has two readings) would
    never be met.
    """
    from gateway.backoffice.canonical import TargetError, canonicalise_target
    from policies.learning import Seen

    for place, seen in requests:
        try:
            canonical = canonicalise_target(
                seen.target.encode("latin-1"), known.declared_parameters
            )
        except TargetError as error:
            left_out.add(place, f"the gateway refuses such a target ({error.code})")
        else:
            yield Seen(method=seen.method, target=canonical.sent.decode("ascii"))


def _requests(path: Path, left_out: _LeftOut) -> Iterator[tuple[str, Seen]]:
    """Read an access log: the requests that were answered, and where each stands."""
    from policies.learning import Seen

    try:
        size = path.stat().st_size
        with path.open("rb") as file, Progress("reading the access log, bytes") as progress:
            read = 0
            for number, line in enumerate(file, start=1):
                read += len(line)
                progress(read, size)
                found = _LINE.search(line[:16_384])
                if found is None:
                    left_out.add(f"{path}:{number}", "no request line")
                elif _ANSWERED[0] <= int(found["status"]) < _ANSWERED[1]:
                    method, target = found["method"].decode("ascii"), found["target"]
                    yield (
                        f"{path}:{number}",
                        Seen(method=method, target=target.decode("latin-1")),
                    )
    except OSError as error:
        raise CommandError(f"learn: `{path}` cannot be read: {error.strerror}") from error


def _refused(
    settings: Settings, since: datetime | None, system: str, left_out: _LeftOut
) -> Iterator[tuple[str, Seen]]:
    """Read what the gateway refused as no function, where this system would have been asked.

    The record writes the host before the path (`//host/path`) where a system has its own.
    """
    from gateway.front.from_settings import system_hosts
    from policies.learning import Seen

    own = system_hosts(settings).get(system)
    before = "" if own is None else f"//{own.authority}"
    for row in accesses(settings, since=since):
        if row.clear.get("code") != "function-unknown":
            continue
        target = row.personal["target"]
        if target.startswith(f"{before}/") and (own or not target.startswith("//")):
            method = str(row.clear.get("method", ""))
            yield "the record", Seen(method=method, target=target.removeprefix(before))
        else:
            left_out.add("the record", f"asked at a host where `{system}` is not")

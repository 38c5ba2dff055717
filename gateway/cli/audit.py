"""`gateway audit`: search, follow and verify the record.

Who searches the record is on the record, before the first line is shown. `verify` is different: it
needs the log's files and a public key, nothing else, so that anybody can do it anywhere.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.opening import (
    config_option,
    current_instant,
    instant,
    json_option,
    open_existing_store,
    open_settings,
    operator_option,
)
from gateway.cli.terminal import Progress, printable, table, to_csv
from gateway.errors import CommandError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from gateway.audit.search import AuditFilter, AuditRow
    from gateway.keys import KeyRing
    from gateway.settings import Settings

PAGE = 200  # rows read at a time
MOST = 100_000  # rows of one search; an export beyond it is asked for in parts
FOLLOW_SECONDS = 1.0  # how often `tail --follow` looks; the log is sealed about as often

COLUMNS = (
    "at", "reference", "kind", "outcome", "code", "organisation", "person", "subject", "function",
    "operation", "agreement", "rules", "system", "method", "route", "result", "status", "count",
    "index",
)  # fmt: skip
SHOWN = ("at", "reference", "outcome", "organisation", "person", "function", "code", "result")
OUTCOMES = ("permit", "deny", "error", "unknown")
KINDS = (
    "access", "signin", "signout", "policy_edit", "vetting_change", "key_op", "export",
    "audit_query", "system", "heartbeat",
)  # fmt: skip


@click.group()
def audit() -> None:
    """Search, follow and verify the record."""


@audit.command()
@config_option
@operator_option
@click.option("--reference", help="The ten characters a person was given.")
@click.option("--person", help="Who: ORGANISATION/NUMBER, a name, or NAME@ORGANISATION.")
@click.option("--organisation", help="Whose staff.")
@click.option("--function", help="Which function, such as pay.slip.")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="How it ended.")
@click.option("--kind", type=click.Choice(KINDS), help="What sort of act.")
@click.option("--since", help="From when, such as 2026-11-20 or 2026-11-20T09:00 (London).")
@click.option("--until", help="Up to when, not included.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, MOST))
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV.")
@json_option
def search(
    config: Path,
    operator: str,
    reference: str | None,
    person: str | None,
    organisation: str | None,
    function: str | None,
    outcome: str | None,
    kind: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    *,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Search the record, newest first."""
    from gateway.audit.entry import Kind, Outcome
    from gateway.audit.search import AuditFilter

    if as_csv and as_json:
        raise click.UsageError("choose one of --csv and --json")
    settings = open_settings(config)
    asked = AuditFilter(
        reference=(reference or "").upper(),
        person=person or "",
        organisation=organisation or "",
        function=function or "",
        outcome=Outcome(outcome) if outcome else None,
        kind=Kind(kind) if kind else None,
        since=instant(since) if since else None,
        until=instant(until) if until else None,
    )
    words = {
        name: value
        for name, value in (
            ("reference", reference), ("person", person), ("organisation", organisation),
            ("function", function), ("outcome", outcome), ("kind", kind), ("since", since),
            ("until", until),
        )
        if value
    }  # fmt: skip
    rows = _recorded_search(settings, operator, asked, words, limit, export=as_csv or as_json)
    if as_json:
        click.echo(json.dumps([_line(row) for row in rows], indent=2, ensure_ascii=False))
    elif as_csv:
        click.echo(to_csv(COLUMNS, _cells(rows, COLUMNS)), nl=False)
    else:
        click.echo(table([name.upper() for name in SHOWN], _cells(rows, SHOWN)))
        click.echo(f"{len(rows)} entries" + (" or more" if len(rows) == limit else ""), err=True)


@audit.command()
@config_option
@operator_option
@click.option("-n", "--lines", default=20, show_default=True, type=click.IntRange(1, PAGE))
@click.option("-f", "--follow", is_flag=True, help="Go on with what is recorded from now.")
@json_option
def tail(config: Path, operator: str, lines: int, *, follow: bool, as_json: bool) -> None:
    """Show the newest entries, oldest of them first."""
    from gateway.audit.search import AuditFilter
    from gateway.audit.search import search as search_log
    from gateway.keys import KeyRing

    settings = open_settings(config)
    words = {"tail": str(lines), "follow": str(follow)}
    rows = _recorded_search(settings, operator, AuditFilter(), words, lines, export=False)
    ring = KeyRing.open(settings.keys.directory)
    seen = -1
    pause = threading.Event()
    with suppress(KeyboardInterrupt):
        while True:
            for row in reversed(rows):
                seen = max(seen, row.index)
                line = _line(row)
                click.echo(
                    json.dumps(line, ensure_ascii=False)
                    if as_json
                    else "  ".join(printable(line[name]) for name in SHOWN if line[name])
                )
            if not follow:
                return
            pause.wait(FOLLOW_SECONDS)
            page = search_log(_log(settings), ring, AuditFilter(limit=PAGE))
            rows = [row for row in page.rows if row.index > seen]


@audit.command()
@config_option
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it here.")
def checkpoint(config: Path, output: Path | None) -> None:
    """Print the newest signed checkpoint, for somebody outside to hold."""
    path = _log(open_settings(config)) / "checkpoint"
    try:
        note = path.read_text()
    except FileNotFoundError as error:
        message = f"checkpoint: `{path}` does not exist; the sequencer has signed nothing yet"
        raise CommandError(message) from error
    if output is None:
        click.echo(note, nl=False)
    else:
        output.write_text(note)
        click.echo(f"wrote {output}; `gateway audit verify --checkpoint {output}` compares with it")


@audit.command()
@config_option
@click.option(
    "--log",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The folder of the log; that of the settings by default.",
)
@click.option(
    "--public-key",
    "public_keys",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    multiple=True,
    help="The log's public key (PEM); those of the key directory by default.",
)
@click.option(
    "--checkpoint",
    "held",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A checkpoint kept from earlier; the log must still contain it.",
)
@json_option
def verify(
    config: Path,
    log: Path | None,
    public_keys: tuple[Path, ...],
    held: Path | None,
    *,
    as_json: bool,
) -> None:
    """Prove from the files alone that no entry was changed, removed or reordered."""
    from gateway.audit.verify import verify as verify_log

    origin = None
    if log is None or not public_keys:
        settings = open_settings(config)
        log = log or _log(settings)
        origin = settings.record.origin
        public_keys = public_keys or tuple(settings.keys.directory.glob("log-signing-*.pub.pem"))
    keys = [_public_key(path) for path in public_keys]
    with Progress("verifying entries") as progress:
        report = verify_log(
            log,
            keys,
            origin=origin,
            held_checkpoint=held.read_text() if held else None,
            progress=progress,
        )
    if as_json:
        found = {"holds": report.holds, **asdict(report)}
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(printable(line) for line in report.lines()))
    if not report.holds:
        raise click.exceptions.Exit(1)


def _log(settings: Settings) -> Path:
    return settings.record.directory / "log"


def _public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key of the log, as PEM or as the line that verifiers of notes take."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    from gateway.audit.checkpoint import read_verifier_key
    from gateway.audit.errors import NoteError

    content = path.read_bytes()
    try:
        if content.startswith(b"-----BEGIN"):
            key = load_pem_public_key(content)
        else:
            _, key = read_verifier_key(content.decode("ascii"))
    except (ValueError, NoteError) as error:
        message = f"verify: `{path}` is no public key; name a .pub.pem file of the log"
        raise CommandError(message) from error
    if not isinstance(key, Ed25519PublicKey):
        raise CommandError(f"verify: `{path}` is not an Ed25519 public key")
    return key


def _recorded_search(
    settings: Settings,
    operator: str,
    asked: AuditFilter,
    words: dict[str, str],
    limit: int,
    *,
    export: bool,
) -> list[AuditRow]:
    """Search, page by page, once it is recorded who searches for what."""
    from gateway.audit.entry import Kind
    from gateway.cli.operator_act import operator_act
    from gateway.keys import KeyRing

    ring = KeyRing.open(settings.keys.directory)
    with operator_act(
        settings,
        ring,
        kind=Kind.EXPORT if export else Kind.AUDIT_QUERY,
        code="exported" if export else "searched",
        operator=operator,
        at=current_instant(),
        detail=words,
    ):
        return list(_pages(settings, ring, asked, limit))


def _pages(settings: Settings, ring: KeyRing, asked: AuditFilter, limit: int) -> Iterator[AuditRow]:
    from gateway.audit.search import search as search_log
    from gateway.person_finder import person_finder

    left = limit
    store = open_existing_store(settings) if asked.person else None
    try:
        with Progress("reading entries") as progress:
            while left > 0:
                asked = replace(asked, limit=min(left, PAGE))
                resolve = person_finder(store) if store else None
                page = search_log(_log(settings), ring, asked, resolve)
                yield from page.rows
                left -= len(page.rows)
                progress(limit - left, 0)
                if page.next is None:
                    return
                asked = replace(asked, before=page.next)
    finally:
        if store:
            store.dispose()


def _line(row: AuditRow) -> dict[str, object]:
    """Give a row by the names of the columns; a name that may not be read is said to be so."""
    clear, result = row.clear, row.result
    unreadable = "" if row.personal_state in {"shown", "none"} else f"({row.personal_state})"
    return {
        "at": row.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "reference": row.reference,
        "kind": str(row.kind),
        "outcome": str(row.outcome),
        "code": clear.get("code", ""),
        "organisation": row.organisation,
        "person": row.personal.get("actor_name", unreadable),
        "subject": row.personal.get("subject", unreadable),
        "function": row.function,
        "operation": clear.get("op", ""),
        "agreement": clear.get("agreement", ""),
        "rules": " ".join(clear.get("rules", ())),
        "system": clear.get("system", ""),
        "method": clear.get("method", ""),
        "route": clear.get("route", ""),
        "result": str(result.outcome) if result else "",
        "status": (result.clear if result else clear).get("status", ""),
        "count": clear.get("count", 1),
        "index": row.index,
    }


def _cells(rows: Sequence[AuditRow], columns: Sequence[str]) -> list[list[object]]:
    return [[line[name] for name in columns] for line in map(_line, rows)]

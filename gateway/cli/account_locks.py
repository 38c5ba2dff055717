"""`gateway account locks` and `unlock`: who is locked out, and letting them try again."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gateway.cli.opening import (
    config_option,
    current_instant,
    json_option,
    open_existing_store,
    open_settings,
    operator_option,
)
from gateway.cli.terminal import table
from gateway.errors import CommandError


@click.command()
@config_option
@json_option
def locks(config: Path, *, as_json: bool) -> None:
    """List who may not try to sign in now."""
    from gateway.front.from_settings import limits_of
    from gateway.identity.signing_in.locks import locks_at
    from gateway.store.engine import reading

    settings = open_settings(config)
    store = open_existing_store(settings)
    try:
        with reading(store) as connection:
            found = locks_at(connection, limits_of(settings), current_instant())
    finally:
        store.dispose()
    rows = [
        {
            "kind": lock.kind,
            "organisation": lock.organisation or "everywhere",
            "failures": lock.failures,
            "until": lock.until.isoformat(timespec="seconds") if lock.until else "",
            "names": list(lock.names),
        }
        for lock in found
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    heads = ("LOCKED", "ORGANISATION", "FAILURES", "UNTIL", "TYPED AS, OR FROM")
    cells = (
        (lock.kind, row["organisation"], lock.failures, row["until"], ", ".join(lock.names))
        for lock, row in zip(found, rows, strict=True)
    )
    click.echo(table(heads, cells))
    click.echo(f"{len(rows)} lock(s)", err=True)


@click.command()
@config_option
@operator_option
@click.option("--organisation", help="Where the person belongs.")
@click.option("--name", help="Any name they sign in with.")
@click.option("--source", help="Instead of a person: the address of a source.")
def unlock(
    config: Path, operator: str, organisation: str | None, name: str | None, source: str | None
) -> None:
    """Let somebody try to sign in again.

    What the directory itself has counted stays: close to its own limit the gate still waits.
    """
    from gateway.audit.entry import Kind
    from gateway.cli.workplace import Workplace
    from gateway.identity.signing_in.locks import lift_person, lift_source
    from gateway.store.engine import writing

    if (source is None) == (organisation is None) or (organisation is None) != (name is None):
        raise click.UsageError("say whose: --organisation and --name, or --source")
    settings = open_settings(config)
    if organisation is not None and organisation not in {one.id for one in settings.organisations}:
        raise CommandError(f"unlock: `{organisation[:40]}` is not among the organisations")
    at = current_instant()
    whose = {"organisation": organisation, "name": name, "source": source}
    with (
        Workplace.open(config) as place,
        place.act(
            Kind.SYSTEM, "sign-in-lock-lifted", operator=operator, at=at, detail=whose
        ) as entry,
    ):
        with writing(place.store) as connection:
            if source is not None:
                lifted = lift_source(connection, source, at)
            else:
                lifted = lift_person(connection, organisation or "", name or "", at)
        if not lifted:
            raise CommandError("unlock: nobody has failed so lately; see `account locks`")
    click.echo(f"lifted; reference {entry.reference}")

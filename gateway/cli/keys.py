"""`gateway keys`: make, list and rotate the keys of the service."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gateway.cli.opening import (
    config_option,
    current_instant,
    json_option,
    open_settings,
    operator_option,
)

PURPOSES = (
    *("session", "assertion", "log-signing", "index", "writer-mac", "second-factor", "register"),
    "field",
)


@click.group()
def keys() -> None:
    """Make, list and rotate keys."""


@keys.command()
@config_option
def init(config: Path) -> None:
    """Make the key directory with one key of each purpose, or add those that it lacks."""
    from gateway.keys import KeyRing

    directory = open_settings(config).keys.directory
    before = set(directory.iterdir()) if directory.is_dir() else set()
    ring = KeyRing.init(directory)
    made = [key.name for key in ring.list() if directory / key.name not in before]
    if before:
        click.echo(f"added {', '.join(sorted(made))} to {directory}; restart the service")
        return
    click.echo(f"made {len(made)} keys in {directory}")
    click.echo(
        "keep a copy of this directory, apart from the record, where only two people reach it"
    )
    click.echo(f"verifiers of the record need {directory}/log-signing-0001.pub.pem")


@keys.command("list")
@config_option
@json_option
def list_keys(config: Path, *, as_json: bool) -> None:
    """List the keys, without anything secret; refuses if a file is open to others."""
    from gateway.cli.terminal import table
    from gateway.keys import KeyRing

    listings = KeyRing.open(open_settings(config).keys.directory).list()
    if as_json:
        rows = [
            {
                "purpose": str(listing.purpose),
                "name": listing.name,
                "kid": listing.kid,
                "current": listing.current,
                "made_at": listing.made_at.isoformat(timespec="seconds"),
            }
            for listing in listings
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    click.echo(
        table(
            ("PURPOSE", "KEY", "USE", "MADE", "FILE"),
            (
                (
                    listing.purpose,
                    listing.kid,
                    "current" if listing.current else "earlier",
                    f"{listing.made_at:%Y-%m-%d %H:%M}Z",
                    listing.name,
                )
                for listing in listings
            ),
        )
    )


@keys.command()
@click.argument("purpose", type=click.Choice(PURPOSES))
@config_option
@operator_option
def rotate(config: Path, purpose: str, operator: str) -> None:
    """Add a new key of a purpose; used from the next start, for assertions without one."""
    from gateway.audit.entry import Kind
    from gateway.cli.operator_act import operator_act
    from gateway.keys import KeyPurpose, KeyRing

    settings = open_settings(config)
    ring = KeyRing.open(settings.keys.directory)
    at = current_instant()
    with operator_act(
        settings,
        ring,
        kind=Kind.KEY_OP,
        code="key-rotated",
        operator=operator,
        at=at,
        detail={"purpose": purpose},
    ) as entry:
        ring = ring.rotate(KeyPurpose(purpose), at=at)
    newest = next(key for key in ring.list() if key.purpose == purpose and key.current)
    click.echo(f"new {purpose} key {newest.kid} in {newest.name}; reference {entry.reference}")
    if purpose == KeyPurpose.ASSERTION:
        from gateway.backoffice.assertion_keys import SIGNS_AFTER_SECONDS

        click.echo(
            "running workers publish it within seconds and sign with it in"
            f" {SIGNS_AFTER_SECONDS} seconds, when the back office knows it; nothing to restart"
        )
        return
    click.echo("restart the service and the sequencer to use it")

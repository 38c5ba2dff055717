"""`gateway session`: see who is signed in, and sign people out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.opening import (
    config_option,
    current_instant,
    json_option,
    microseconds,
    open_existing_store,
    open_settings,
    operator_option,
)
from gateway.cli.terminal import table

if TYPE_CHECKING:
    from sqlalchemy import Engine

SHOWN_HASH = 12  # hexadecimal digits: enough to tell sessions apart, useless as a key to one


@click.group()
def session() -> None:
    """List and end sessions."""


@session.command("list")
@config_option
@click.option("--organisation", help="Only sessions of this organisation.")
@json_option
def list_sessions(config: Path, organisation: str | None, *, as_json: bool) -> None:
    """List the sessions that are alive."""
    store = open_existing_store(open_settings(config))
    try:
        rows = _living(store, organisation)
    finally:
        store.dispose()
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    heads = ("SESSION", "PERSON", "STARTED", "LAST SEEN", "ENDS")
    keys = ("session", "person", "started_at", "last_seen_at", "ends_at")
    click.echo(table(heads, ([row[key] for key in keys] for row in rows)))
    click.echo(f"{len(rows)} session(s)", err=True)


@session.command()
@config_option
@operator_option
@click.option("--person", help="Sign out this person: ORGANISATION/NUMBER.")
@click.option("--organisation", help="Sign out everyone of this organisation.")
@click.option("--all", "everyone", is_flag=True, help="Sign out everyone.")
def end(
    config: Path, operator: str, person: str | None, organisation: str | None, *, everyone: bool
) -> None:
    """End sessions, at the next request in every worker."""
    from gateway.audit.entry import Kind
    from gateway.bulletin import Bulletin
    from gateway.cli.operator_act import operator_act
    from gateway.identity.session import SessionLimits
    from gateway.identity.sessions import Sessions
    from gateway.keys import KeyRing

    if (person is not None) + (organisation is not None) + everyone != 1:
        raise click.UsageError("say whose: one of --person, --organisation, --all")
    settings = open_settings(config)
    store = open_existing_store(settings)
    at = current_instant()
    ring = KeyRing.open(settings.keys.directory)
    bulletin = Bulletin(settings.gateway.state_directory)
    try:
        with operator_act(
            settings,
            ring,
            kind=Kind.SIGNOUT,
            code="ended-by-operator",
            operator=operator,
            at=at,
            subject=person or "",
            detail={"person": person, "organisation": organisation, "everyone": everyone},
        ) as entry:
            sessions = Sessions(store, bulletin, SessionLimits())
            ended = sessions.end_all(
                at=at,
                reason="ended-by-operator",
                person=person,
                organisation=organisation,
                everyone=everyone,
            )
    finally:
        bulletin.close()
        store.dispose()
    click.echo(f"ended {ended} session(s); reference {entry.reference}")


def _living(store: Engine, organisation: str | None) -> list[Mapping[str, str]]:
    """Read the sessions within their limits, newest first."""
    from sqlalchemy import select

    from gateway.store import schema
    from gateway.store.engine import reading

    now_us = microseconds(current_instant())
    sessions, staff = schema.session, schema.staff
    statement = (
        select(sessions, staff.c.employee_number, staff.c.username)
        .join(staff, staff.c.staff_id == sessions.c.staff_id)
        .where(
            sessions.c.ended_at_us.is_(None),
            sessions.c.ends_at_us > now_us,
            sessions.c.last_seen_at_us + sessions.c.idle_us > now_us,
        )
        .order_by(sessions.c.started_at_us.desc())
    )
    if organisation is not None:
        statement = statement.where(sessions.c.organisation == organisation)
    with reading(store) as connection:
        return [
            {
                "session": row["hash"][:SHOWN_HASH],
                "person": f"{row['organisation']}/{row['employee_number']}",
                "username": row["username"],
                **{
                    f"{name}_at": schema.instant(row[f"{name}_at_us"]).isoformat(timespec="seconds")
                    for name in ("started", "last_seen", "ends")
                },
            }
            for row in connection.execute(statement).mappings()
        ]

"""`gateway session`: see who is signed in, and sign people out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

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

if TYPE_CHECKING:
    from gateway.identity.sessions.session_ending import Whose
    from gateway.identity.sessions.session_list import ListedSession

Command = TypeVar("Command", bound=Callable[..., object])


def _whose_options(command: Command) -> Command:
    """Add the options that say whose sessions are meant."""
    for option in (
        click.option("--all", "everyone", is_flag=True, help="Everyone's."),
        click.option("--directory", help="Of everyone this directory has vouched for."),
        click.option("--organisation", help="Of everyone of this organisation."),
        click.option("--person", help="Of this person: ORGANISATION/NUMBER."),
    ):
        command = option(command)
    return command


@click.group()
def session() -> None:
    """List and end sessions."""


@session.command("list")
@config_option
@_whose_options
@json_option
def list_sessions(
    config: Path,
    person: str | None,
    organisation: str | None,
    directory: str | None,
    *,
    everyone: bool,
    as_json: bool,
) -> None:
    """List the sessions that are alive; everyone's unless it is said whose."""
    from gateway.identity.sessions.session_list import list_sessions as living
    from gateway.store.engine import reading

    given = (person, organisation, directory)
    whose = _whose(*given, everyone=everyone or not any(given))
    store = open_existing_store(open_settings(config))
    try:
        with reading(store) as connection:
            rows = [_row(each) for each in living(connection, whose, at=current_instant())]
    finally:
        store.dispose()
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    heads = ("SESSION", "PERSON", "DIRECTORY", "STARTED", "LAST SEEN", "ENDS")
    keys = ("session", "person", "directory", "started_at", "last_seen_at", "ends_at")
    click.echo(table(heads, ([row[key] for key in keys] for row in rows)))
    click.echo(f"{len(rows)} session(s)", err=True)


@session.command()
@config_option
@operator_option
@_whose_options
@click.option("--yes", is_flag=True, help="Do not ask before ending them.")
def end(
    config: Path,
    operator: str,
    person: str | None,
    organisation: str | None,
    directory: str | None,
    *,
    everyone: bool,
    yes: bool,
) -> None:
    """End sessions, at the next request in every worker and within a second elsewhere."""
    from gateway.audit.entry import Kind
    from gateway.cli.workplace import Workplace
    from gateway.identity.sessions.session_list import count_sessions
    from gateway.identity.sessions.sessions import Sessions
    from gateway.store.engine import reading

    whose = _whose(person, organisation, directory, everyone=everyone)
    at = current_instant()
    asked = {
        "person": person,
        "organisation": organisation,
        "directory": directory,
        "everyone": everyone,
    }
    with Workplace.open(config) as place:
        if not yes:
            with reading(place.store) as connection:
                count = count_sessions(connection, whose, at=at)
            _ask(count, person or organisation or directory or "everyone")
        with place.act(
            Kind.SIGNOUT,
            "ended-by-operator",
            operator=operator,
            at=at,
            subject=person or "",
            detail=asked,
        ) as entry:
            sessions = Sessions(place.store, place.bulletin)
            ended = sessions.end_all(whose, at=at, reason="ended-by-operator")
    click.echo(f"ended {ended} session(s); reference {entry.reference}")


def _whose(
    person: str | None, organisation: str | None, directory: str | None, *, everyone: bool
) -> Whose:
    from gateway.identity.sessions.session_ending import Whose

    try:
        return Whose(
            person=person, organisation=organisation, directory=directory, everyone=everyone
        )
    except ValueError as error:
        message = "say whose: one of --person, --organisation, --directory, --all"
        raise click.UsageError(message) from error


def _ask(count: int, whose: str) -> None:
    """Have a person confirm; nobody can, where nobody is at the keyboard.

    Raises:
        CommandError: it was not confirmed; nothing was ended.
    """
    question = f"End {count} session(s) of {whose}? What is not saved there is lost."
    try:
        confirmed = click.confirm(question, err=True)
    except click.Abort:
        confirmed = False
    if not confirmed:
        message = "session: nothing was ended; answer y, or give --yes"
        raise CommandError(message)


def _row(each: ListedSession) -> dict[str, str]:
    return {
        "session": each.short,
        "person": each.person,
        "username": each.username,
        "directory": each.directory,
        "source": each.source,
        **{
            name: getattr(each, name).isoformat(timespec="seconds")
            for name in ("started_at", "last_seen_at", "ends_at")
        },
    }

"""`gateway directory`: try an organisation's directory step by step."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.opening import config_option, json_option, open_settings
from gateway.cli.terminal import printable
from gateway.errors import CommandError

if TYPE_CHECKING:
    from gateway.identity.directories.directory import ProbeStep
    from gateway.identity.directories.ldap_probe import Trial
    from gateway.settings import Settings
    from gateway.settings_directories import PasswordDirectorySection


@click.group()
def directory() -> None:
    """Try the directories that staff sign in against."""


@directory.command()
@config_option
@click.argument("organisation")
@click.option("--as", "name", help="Sign this person in too; their password is asked for.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file with that person's password, instead of asking.",
)
@json_option
@click.pass_context
def test(
    context: click.Context,
    config: Path,
    organisation: str,
    name: str | None,
    password_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Try every server of ORGANISATION's directory, telling each step with its time.

    The password of --as is shown to one server only, so that a wrong one counts once there. Nobody
    is signed in, and nothing is written.
    """
    from gateway.front.from_settings import ldap_settings
    from gateway.identity.directories.directory import ProbeReport
    from gateway.identity.directories.ldap_directory import LdapDirectory

    if password_file is not None and name is None:
        raise click.UsageError("--password-file is of nobody: add --as NAME")
    section = _section(open_settings(config), organisation)
    asked = LdapDirectory(ldap_settings(section))
    trial = None if name is None else _trial(name, password_file)
    told: list[ProbeStep] = []
    show = _shown_as_they_come()

    def tell(step: ProbeStep) -> None:
        told.append(step)
        if not as_json:
            show(step)

    asked.try_servers(section.budget_seconds, tell, trial)
    usable = ProbeReport(steps=tuple(told)).usable and (trial is None or _signed_in(told))
    if as_json:
        click.echo(json.dumps({"usable": usable, "steps": [_as_json(step) for step in told]}))
    elif not usable:
        which = "no server took every step" if trial is None else f"`{name}` was not signed in"
        click.echo(f"directory: `{section.id}` is not usable: {which}", err=True)
    if not usable:
        context.exit(1)


def _signed_in(told: Sequence[ProbeStep]) -> bool:
    """Tell whether the server that was shown the password took every step."""
    shown = {step.server for step in told if step.step == "password"}
    return bool(shown) and all(step.passed for step in told if step.server in shown)


def _section(settings: Settings, organisation: str) -> PasswordDirectorySection:
    from gateway.settings_faults import nearest

    known = {each.id: each for each in settings.organisations}
    if organisation not in known:
        hint = nearest(organisation, tuple(known))
        message = f"directory: `{organisation[:40]}` is no organisation of the settings; {hint}"
        raise CommandError(message)
    section = known[organisation].password_directory
    if section is None:
        message = (
            f"directory: the staff of `{organisation}` type no password here; "
            "they sign in at a provider"
        )
        raise CommandError(message)
    return section


def _trial(name: str, password_file: Path | None) -> Trial:
    from gateway.identity.directories.ldap_probe import Trial
    from gateway.identity.directories.ldap_settings import read_password

    if password_file is not None:
        return Trial(name=name, password=read_password(password_file))
    return Trial(name=name, password=click.prompt(f"Password of {name}", hide_input=True, err=True))


def _shown_as_they_come() -> Callable[[ProbeStep], None]:
    """Give the function that shows steps, each server under its own heading."""
    servers: list[str] = []

    def show(step: ProbeStep) -> None:
        if step.server not in servers:
            servers.append(step.server)
            click.echo(click.style(step.server, bold=True))
        word, colour = ("ok", "green") if step.passed else ("failed", "red")
        mark = click.style(word.ljust(7), fg=colour)
        line = f"  {mark} {step.step:<9} {step.seconds * 1000:8.1f} ms  {printable(step.detail)}"
        click.echo(line.rstrip())

    return show


def _as_json(step: ProbeStep) -> dict[str, object]:
    return {
        "server": step.server,
        "step": step.step,
        "passed": step.passed,
        "seconds": round(step.seconds, 6),
        "detail": step.detail,
    }

"""What every command opens: the settings, the clock, and who is at the keyboard."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from gateway.errors import CommandError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from gateway.settings import Settings
    from policies.policy_set import PolicySet

Command = TypeVar("Command", bound=Callable[..., object])

DEFAULT_FILE = "gateway.toml"
VARIABLE = "GATEWAY_CONFIG"


def config_option(command: Command) -> Command:
    """Add `--config`, read from the environment variable GATEWAY_CONFIG as well."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        default=DEFAULT_FILE,
        envvar=VARIABLE,
        show_default=True,
        show_envvar=True,
        help="The settings file.",
    )(command)


def operator_option(command: Command) -> Command:
    """Add `--operator`: whose name the record gets; the login name by default."""
    return click.option(
        "--operator", default=_login_name, show_default="login name", help="Who makes this change."
    )(command)


def json_option(command: Command) -> Command:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Write JSON.")(command)


def open_settings(config: Path) -> Settings:
    """Read the settings file; raises SettingsError with every fault."""
    from gateway.settings import load_settings

    return load_settings(config)


def open_existing_store(settings: Settings) -> Engine:
    """Open the database that the service has made.

    Raises:
        CommandError: there is none yet.
        StoreError: it is of another version.
    """
    from gateway.store.engine import open_store

    path = settings.gateway.state_directory / "gateway.sqlite"
    if not path.is_file():
        message = f"store: `{path}` does not exist yet; start the service once to make it"
        raise CommandError(message)
    return open_store(settings.store_url)


def policy_set_in_force(settings: Settings) -> PolicySet:
    """Read the policy set in force: from the database, or before the first start from the files.

    Raises:
        PolicyError: it cannot be read.
        StoreError: the database is of another version or does not answer.
    """
    from gateway.policy_versions import read_in_force
    from policies.policy_set import load_policy_set

    if not (settings.gateway.state_directory / "gateway.sqlite").is_file():
        return load_policy_set(settings.policy.directory)
    store = open_existing_store(settings)
    try:
        stored = read_in_force(store)
    finally:
        store.dispose()
    return load_policy_set(settings.policy.directory) if stored is None else stored[1].load()


def current_instant() -> datetime:
    """Give the present instant (UTC): a command is asked now, by a person."""
    return datetime.now(UTC)  # noqa: TID251 - the edge of the program, like the services


def instant(text: str | None) -> datetime:
    """Read an instant a person typed, in London time unless it says otherwise.

    Args:
        text: a date (its midnight), or date and time, in ISO 8601; None for the present.

    Raises:
        click.BadParameter: it is neither.
    """
    from zoneinfo import ZoneInfo

    if text is None:
        return current_instant()
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"`{text[:40]}` is not a date or time; write 2026-11-20 or 2026-11-20T09:00"
        raise click.BadParameter(message) from error
    if read.tzinfo is None:
        read = read.replace(tzinfo=ZoneInfo("Europe/London"))
    return read.astimezone(UTC)


def microseconds(at: datetime) -> int:
    """Give an instant as microseconds since 1970 UTC, as the record keeps it."""
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        message = "operator: this account has no name; say who you are with --operator"
        raise CommandError(message) from error

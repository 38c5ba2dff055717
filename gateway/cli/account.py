"""`gateway account`: what officers do for people who cannot sign in, and break-glass accounts.

Each command has its file; this is their list.
"""

from __future__ import annotations

import click

from gateway.cli.lazy_group import LazyGroup

COMMANDS = {
    "locks": ("gateway.cli.account_locks:locks", "List who may not try to sign in now."),
    "unlock": ("gateway.cli.account_locks:unlock", "Let somebody try to sign in again."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def account() -> None:
    """Lift sign-in locks, and look after break-glass accounts."""

"""`gateway account`: what officers do for people who cannot sign in, and break-glass accounts.

Each command has its file; this is their list.
"""

from __future__ import annotations

import click

from gateway.cli.lazy_group import LazyGroup

COMMANDS = {
    "locks": ("gateway.cli.account_locks:locks", "List who may not try to sign in now."),
    "create": ("gateway.cli.account_break_glass:create", "Propose a break-glass account."),
    "seal": ("gateway.cli.account_break_glass:seal", "Make the envelope of a proposed account."),
    "list": ("gateway.cli.account_break_glass:list_accounts", "List break-glass accounts."),
    "disable": (
        "gateway.cli.account_break_glass:disable",
        "Take a break-glass account out of use.",
    ),
    "review": (
        "gateway.cli.account_break_glass:review",
        "Show or sign off uses of break-glass accounts.",
    ),
    "reset-factors": (
        "gateway.cli.account_factors:reset_factors",
        "Propose to remove somebody's second factors, or approve another's proposal.",
    ),
    "unlock": ("gateway.cli.account_locks:unlock", "Let somebody try to sign in again."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def account() -> None:
    """Lift sign-in locks, and look after break-glass accounts."""

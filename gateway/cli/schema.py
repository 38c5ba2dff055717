"""`gateway schema`: the JSON schema of the settings file, as published in deploy/."""

from __future__ import annotations

import click


@click.command()
def schema() -> None:
    """Print the JSON schema of the settings file."""
    from gateway.settings import json_schema

    click.echo(json_schema(), nl=False)

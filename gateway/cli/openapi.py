"""`gateway openapi`: the OpenAPI document of what programs may call, as published in deploy/."""

from __future__ import annotations

import click


@click.command()
def openapi() -> None:
    """Print the OpenAPI document of what programs may call."""
    from gateway.openapi.document import openapi_text

    click.echo(openapi_text(), nl=False)

"""`gateway completion`: the script that lets a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

VARIABLE = "_GATEWAY_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash:  gateway completion bash > /etc/bash_completion.d/gateway
    zsh:   gateway completion zsh > "${fpath[1]}/_gateway"
    fish:  gateway completion fish > ~/.config/fish/completions/gateway.fish
    """  # noqa: D301 - \b keeps click from joining the lines
    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - the choice above names only shells that click knows
        raise click.UsageError(shell)
    script = kind(context.find_root().command, {}, "gateway", VARIABLE)
    click.echo(script.source_template % script.source_vars())

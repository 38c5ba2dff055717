"""`gateway account`: its commands and their help."""

from __future__ import annotations

import pytest
from click import Context

from gateway.cli.account import COMMANDS, account


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_itself_says(name: str) -> None:
    command = account.get_command(Context(account), name)

    assert command is not None
    assert (command.help or "").splitlines()[0] == COMMANDS[name][1]

"""Which account a command was typed from: what "a different person" rests on.

`--operator` is a name that anybody can type. What can be known of a person at a shell is the
account they logged in with, in this order:

1. the login account that the kernel keeps for every process (`/proc/self/loginuid`, set by PAM at
   login): it survives `sudo` and `su`, and nobody without administrator rights can change it;
2. where the kernel keeps none, such as in a container: whom `sudo` says it was called by;
3. else the account that the command runs as.

An administrator of the machine can be anybody; against them stands the record, not this.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

_UNSET = 2**32 - 1
LOGIN_ACCOUNT = Path("/proc/self/loginuid")


def operator_account(
    login_file: Path = LOGIN_ACCOUNT, environment: Mapping[str, str] = os.environ
) -> str:
    """Tell the account of whoever typed the command.

    Args:
        login_file: where the kernel tells the login account.
        environment: what `sudo` writes into.
    """
    try:
        login = int(login_file.read_text("ascii"))
    except (OSError, ValueError):
        login = _UNSET
    if login != _UNSET:
        return _name(login)
    if os.geteuid() != os.getuid():
        return _name(os.getuid())
    caller = environment.get("SUDO_UID", "")
    return _name(int(caller)) if caller.isascii() and caller.isdecimal() else _name(os.getuid())


def _name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except (KeyError, OverflowError):
        return f"uid {number}"

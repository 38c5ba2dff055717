"""Which account a command was typed from."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from gateway.cli.operator_account import operator_account

ME = pwd.getpwuid(os.getuid()).pw_name
UNSET = "4294967295"


@pytest.mark.parametrize(
    ("login", "environment", "account"),
    [
        ("0", {}, "root"),
        ("0", {"SUDO_UID": "1"}, "root"),  # what the kernel keeps goes before what anybody may set
        ("399999", {}, "uid 399999"),
        (UNSET, {"SUDO_UID": "0"}, "root"),
        (UNSET, {"SUDO_UID": "x"}, ME),
        (UNSET, {}, ME),
        ("", {}, ME),
    ],
)
def test_the_login_account_is_told_first(
    tmp_path: Path, login: str, environment: dict[str, str], account: str
) -> None:
    file = tmp_path / "loginuid"
    file.write_text(login)

    assert operator_account(file, environment) == account


def test_where_the_kernel_keeps_none_it_is_the_account_that_runs(tmp_path: Path) -> None:
    assert operator_account(tmp_path / "none", {}) == ME

"""The command `gateway`: one line a fault, exit codes, and an answer at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from gateway.cli.main import COMMANDS, gateway, run

PROGRAM = [sys.executable, "-c", "from gateway.cli.main import main; main()"]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_tells_what_each_command_tells_itself(name: str) -> None:
    command = gateway.get_command(click.Context(gateway), name)

    assert command is not None
    assert command.get_short_help_str(limit=200) == COMMANDS[name][1]


def test_help_imports_nothing_heavy() -> None:
    """`gateway --help` and completion answer at once because of it."""
    script = (
        "import sys; from gateway.cli.main import run; run(['--help']);"
        "heavy = {'pydantic', 'sqlalchemy', 'flask', 'ldap', 'casbin', 'cryptography'};"
        "print(sorted(heavy & set(sys.modules)))"
    )

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_is_a_usage_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sevre"]) == 2
    assert "No such command 'sevre'" in capsys.readouterr().err


def test_wrong_settings_are_told_one_a_line_without_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text("[gateway]\nworkers = 0\n")

    code = run(["keys", "list", "--config", str(path)])

    told = capsys.readouterr()
    assert code == 1
    assert f"{path}:2: gateway.workers: `0` must be at least 1" in told.err
    assert told.err.endswith("fault(s) in the settings\n")
    assert "Traceback" not in told.err
    assert told.out == ""


def test_a_missing_settings_file_is_told_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["keys", "list", "--config", str(tmp_path / "gone.toml")])

    assert code == 1
    assert "gone.toml:1: read: no such file or directory; check the path" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_calls_the_program(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["completion", shell]) == 0
    assert f"_GATEWAY_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_a_shell_is_offered_the_commands() -> None:
    environment = os.environ | {
        "_GATEWAY_COMPLETE": "bash_complete",
        "COMP_WORDS": "gateway se",
        "COMP_CWORD": "1",
    }

    ran = subprocess.run(PROGRAM, env=environment, capture_output=True, text=True, check=False)

    assert ran.stdout.split() == ["plain,serve", "plain,sequencer", "plain,session"]


def test_schema_prints_the_published_schema(capsys: pytest.CaptureFixture[str]) -> None:
    published = Path(__file__).parents[3] / "deploy" / "gateway.schema.json"

    assert run(["schema"]) == 0
    assert capsys.readouterr().out == published.read_text()

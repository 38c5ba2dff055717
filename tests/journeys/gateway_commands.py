"""The command line on a running demo, in a process that is none of the gateway's own."""

from __future__ import annotations

import contextlib
import io

from gateway.cli.main import run
from tests.journeys.demo_fixture import Demo


def gateway(demo: Demo, *arguments: str) -> str:
    """Run a command of a group, such as `vetting suspend`; gives what it said."""
    config = ("--config", str(demo.settings_file))
    said, faults = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(faults):
        code = run([*arguments[:2], *config, *arguments[2:]])
    assert code == 0, said.getvalue()[-500:] + faults.getvalue()[-500:]
    return said.getvalue()


def verified(demo: Demo) -> None:
    """Prove the record from its files."""
    gateway(demo, "audit", "verify")

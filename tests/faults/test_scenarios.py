"""The five shared services whole, at their size: started, walked through, ended."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deploy.demo.places import PROJECT
from deploy.demo.scenario import names


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", names())
def test_a_scenario_starts_at_its_size_and_everything_holds(scenario: str) -> None:
    command = [sys.executable, "-m", "deploy.demo", "--scenario", scenario, "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "steps passed" in done.stdout
    assert "FAILED" not in done.stdout

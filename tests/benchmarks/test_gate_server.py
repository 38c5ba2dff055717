"""Only where a slow disk is asked for does the gate run on one, and then all of it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.demo.places import Places
from tests.benchmarks.gate_server import GateStack


@pytest.mark.parametrize("slow", [True, False])
def test_the_launcher_stands_before_every_process_of_the_gate_and_no_other(
    tmp_path: Path, *, slow: bool
) -> None:
    places = Places.choose(tmp_path, None, with_providers=False)
    stack = GateStack(
        places=places, say=list[str]().append, back_office=["an-office"], slow_disk=slow
    )

    launched = {
        child.title: child.command[-3:-2]
        for child in stack._make_children()
        if "tests.benchmarks.slow_disk" in child.command
    }

    expected = {"the gateway": ["serve"], "the sequencer": ["sequencer"]}
    assert launched == (expected if slow else {})

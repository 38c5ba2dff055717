"""The tour of the demo, step by step: the first journey, and what `make demo-check` walks."""

from __future__ import annotations

import pytest

from deploy.demo.tour import Tour
from tests.journeys.demo_fixture import Demo

STEPS = tuple(
    step.__name__
    for step in Tour.steps(Tour.__new__(Tour))  # the steps' names, without a running demo
)


@pytest.fixture(scope="module")
def tour(demo: Demo) -> Tour:
    return Tour(stack=demo.stack)


@pytest.mark.parametrize("step", STEPS)
def test_the_tour(tour: Tour, step: str) -> None:
    """Each step raises where the gateway does something else than it should."""
    getattr(tour, step)()

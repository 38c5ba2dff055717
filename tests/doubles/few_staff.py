"""A scenario with its accounts and hardly anybody else: it is filled in a moment."""

from __future__ import annotations

from dataclasses import replace

from deploy.demo.scenario import Scenario, load_scenario

FEW = 20


def few_staff(name: str = "cheshire-blue-light") -> Scenario:
    """Give a scenario with few people besides the role accounts and their teams."""
    scenario = load_scenario(name)
    few = tuple(replace(each, staff=FEW) for each in scenario.organisations)
    return replace(scenario, organisations=few)

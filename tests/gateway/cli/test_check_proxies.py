"""What `gateway check` says of other proxies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from gateway.cli.check_proxies import proxies
from gateway.settings import Settings
from policies.answer_rules import MarkingRule, MenuRule
from policies.policy_set import PolicySet
from tests.policies.people import cheshire, rule_text, with_function, with_rules

PROXIED = cast("Settings", SimpleNamespace(front_proxies=("front",)))
ALONE = cast("Settings", SimpleNamespace(front_proxies=()))
FIRE = 'organisation_kind = ["fire"]'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text("a = 1\n\n[[front_proxy]]\nid = 'front'\n", "utf-8")
    return path


def bound(folder: Path, obligations: str) -> PolicySet:
    folder.mkdir()
    more = f"obligations = {{ {obligations} }}"
    return with_rules(folder, rule_text(FIRE, functions='["pay.slip"]', more=more))


@pytest.mark.parametrize(
    ("obligations", "what"),
    [('mask = ["bank-details"]', "masked"), ("watermark = true", "watermark")],
)
def test_functions_are_named_whose_answers_something_is_done_to(
    config: Path, obligations: str, what: str
) -> None:
    asked = bound(config.parent / "rules", obligations)

    (found,) = proxies(PROXIED, asked, config)

    assert (found.severity, found.file, found.line) == ("warning", str(config), 3)
    assert f"`pay.slip` ({what}): " in found.message
    assert not [*proxies(ALONE, asked, config)]


def test_menus_and_systems_that_mark_their_answers_are_named(config: Path) -> None:
    menu = with_function(cheshire(), "pay.slip", menu=MenuRule(opens={}))
    (found,) = proxies(PROXIED, menu, config)
    assert "refused `pay.slip` (menu): " in found.message

    rule = MarkingRule(system="ebs", header="x", required=False, markings=())
    marked = SimpleNamespace(functions=cheshire().catalogue.functions, markings={"ebs": rule})
    (found,) = proxies(PROXIED, cast("PolicySet", SimpleNamespace(catalogue=marked)), config)
    assert "(marked)" in found.message
    assert " more: " in found.message


def test_where_nothing_is_owed_nothing_is_said(config: Path) -> None:
    assert not [*proxies(PROXIED, replace(cheshire(), rules=()), config)]

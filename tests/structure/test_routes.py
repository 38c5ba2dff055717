"""Every address is guarded by a function of the catalogue, or is on the list of the open ones."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable
from typing import Any

import pytest
from flask import Response

from gateway.front import open_routes
from gateway.front.sign_on import SIGN_ON_PREFIX
from gateway.pages.page import Route
from policies.catalogue import GATEWAY_SYSTEM, Catalogue
from policies.policy_set import load_policy_set
from tests.gateway.pages.world import new_world
from tests.structure.tree import PROJECT, read

# What is open without a session, written down a second time: a change to it is a change to this.
OPEN_PAGES = {
    "/-/sign-in",
    "/-/find-organisation",
    "/-/sign-in/<organisation>",
    "/-/sign-in/kerberos/<organisation>",
    "/-/oidc/<directory>/begin",
    "/-/oidc/<directory>/callback",
    "/-/oidc/<directory>/back-channel",
    "/-/sign-in/second-step",
    "/-/sign-in/add-app",
    "/-/sign-in/add-key",
    "/-/sign-out",
    "/-/break-glass",
    "/-/accessibility",
    "/-/cookies",
    "/-/static/<digest>/<path:name>",
}
OPEN_DOCUMENTS = {"/-/health", "/-/ready", "/.well-known/jwks.json", "/-/openapi.json"}
SAMPLES = {"<organisation>": "cheshire-fire", "<directory>": "nwas",
           "<digest>": "0", "<path:name>": "gateway.css",
           "<number>": "40011", "<path:rest>": "x",
           "<factor>": "x"}  # fmt: skip


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_policy_set(
        PROJECT / "deploy" / "scenarios" / "cheshire-blue-light" / "policy"
    ).catalogue


@pytest.fixture(scope="module")
def routes() -> tuple[Route, ...]:
    return new_world().pages.routes


def faults_of(routes: Iterable[Route], catalogue: Catalogue) -> list[str]:
    """Find routes that are neither guarded by the function their address means, nor open."""
    faults = []
    for route in routes:
        path = route.rule
        for placeholder, sample in SAMPLES.items():
            path = path.replace(placeholder, sample)
        if "<" in path:
            faults.append(f"{route.rule}: a placeholder that this test does not know")
            continue
        is_open = path in open_routes.OPEN_PAGES or path.startswith(open_routes.OPEN_PAGE_PREFIXES)
        for method in route.methods:
            match = catalogue.match(method, path, [])
            meant = None if match is None else match.function.id
            if is_open and (route.guarded_by is not None or meant is not None):
                faults.append(f"{method} {route.rule}: open, and a function")
            elif not is_open and (route.guarded_by is None or meant != route.guarded_by):
                faults.append(
                    f"{method} {route.rule}: guarded by {route.guarded_by}, means {meant}"
                )
    return faults


def test_every_page_is_guarded_or_open(routes: tuple[Route, ...], catalogue: Catalogue) -> None:
    assert len(routes) >= 10
    assert faults_of(routes, catalogue) == []


def test_the_open_list_is_what_was_agreed(routes: tuple[Route, ...]) -> None:
    """What is open is few, and known to whoever reads this."""
    assert {route.rule for route in routes if route.guarded_by is None} == OPEN_PAGES
    assert open_routes.OPEN_DOCUMENTS == OPEN_DOCUMENTS
    assert {rule for rule in OPEN_PAGES if "<" not in rule} == open_routes.OPEN_PAGES
    assert open_routes.OPEN_PAGE_PREFIXES == ("/-/static/", "/-/sign-in/", "/-/oidc/")
    assert SIGN_ON_PREFIX == "/-/sign-on/"  # leads to systems' own hosts


def test_flask_serves_what_is_listed_and_nothing_else() -> None:
    """A view that was added to Flask beside the list would have no guard."""
    pages = new_world().pages
    application: Any = pages.wsgi
    flask = getattr(application, "__self__", application)
    served = {str(rule) for rule in flask.url_map.iter_rules()}

    assert served == {route.rule for route in pages.routes}


def test_every_function_of_the_gateway_has_its_page(
    routes: tuple[Route, ...], catalogue: Catalogue
) -> None:
    own = {name for name, one in catalogue.functions.items() if one.system == GATEWAY_SYSTEM}

    assert {route.guarded_by for route in routes if route.guarded_by} == own


@pytest.mark.parametrize(
    ("rule", "guarded_by"),
    [
        ("/-/debug", None),
        ("/-/audit", None),
        ("/-/audit", "gate.portal"),
        ("/-/sign-in", "gate.portal"),
        ("/admin/console", "gate.audit"),
        ("/-/new/<thing>", None),
    ],
)
def test_the_check_finds_a_planted_fault(
    catalogue: Catalogue, rule: str, guarded_by: str | None
) -> None:
    """A checker that finds nothing proves nothing."""
    planted = Route(rule=rule, endpoint="planted", view=Response, guarded_by=guarded_by)

    assert faults_of([planted], catalogue) != []


def test_open_routes_are_found_in_one_place_only() -> None:
    """The pipeline asks `OpenRoutes.find`; it has no list of its own."""
    source = inspect.getsource(open_routes.OpenRoutes.find)
    names = {
        node.id
        for node in ast.walk(ast.parse(textwrap.dedent(source)))
        if isinstance(node, ast.Name)
    }

    pipeline = read("gateway/pipeline.py")

    assert {"OPEN_PAGES", "OPEN_PAGE_PREFIXES"} <= names
    assert set(re.findall(r"/-/[a-z-]+", pipeline)) <= {"/-/portal", "/-/sign-in"}

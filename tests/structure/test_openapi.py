"""Every address that programs call is in the OpenAPI document, and nothing else is."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from typing import Any

import pytest

from gateway.api import authzen, feed_push, forward_auth
from gateway.front import open_routes
from gateway.openapi.document import openapi_document
from gateway.wire.request_head import METHODS
from tests.gateway.pages.world import new_world
from tests.structure.tree import modules, read

# Pages that answer JSON, and what programs call there.
JSON_PAGES = {
    "gateway/pages/audit.py": "/-/audit",
    "gateway/pages/provider.py": "/-/oidc/{directory}/back-channel",
    "gateway/pages/me.py": None,  # to the script of our own pages, with the token of their form
}
PREFIXES = {
    "PREFIX": (feed_push.PREFIX, {f"{feed_push.PREFIX}{{feed}}"}),
    "DECISIONS": (
        authzen.PREFIX,
        {f"{authzen.PREFIX}{path}" for path in authzen.ENDPOINTS.values()},
    ),
}
FORWARD_AUTH = forward_auth.FORWARD_AUTH_PATH.decode()


@pytest.fixture(scope="module")
def paths() -> dict[str, Any]:
    found: dict[str, Any] = openapi_document()["paths"]
    return found


def names_in(function: object) -> set[str]:
    """Give the names in capitals that a function looks at."""
    source = textwrap.dedent(inspect.getsource(function))  # type: ignore[arg-type]
    nodes = ast.walk(ast.parse(source))
    names = {node.id for node in nodes if isinstance(node, ast.Name) and node.id.isupper()}
    return {name for name in names if not name.startswith("_")}


def test_what_is_open_to_machines_is_described(paths: dict[str, Any]) -> None:
    """A prefix that is added to the open routes has to be added here, and so to the document."""
    pages = {"OPEN_PAGES", "OPEN_PAGE_PREFIXES", "SIGN_ON_PREFIX"}
    documents = {*open_routes.OPEN_DOCUMENTS, authzen.METADATA_PATH}
    described = {path for _, served in PREFIXES.values() for path in served}
    back_channel = JSON_PAGES["gateway/pages/provider.py"]
    asking = {FORWARD_AUTH, f"{FORWARD_AUTH}/{{target}}"}

    assert names_in(open_routes.OpenRoutes.find) == pages | PREFIXES.keys()
    assert names_in(open_routes.is_called_by_machines) == {
        *PREFIXES,
        "OPEN_DOCUMENTS",
        "METADATA_PATH",
    }
    assert documents | described | asking | {back_channel, "/-/audit"} == paths.keys()


def test_every_page_that_answers_json_is_described_or_says_why_not(paths: dict[str, Any]) -> None:
    found = {
        name
        for name in modules()
        if name.startswith("gateway/pages/")
        and re.search(r"content_type=[^\n]*json|mimetype=[^\n]*json|jsonify", read(name))
    }

    assert found == JSON_PAGES.keys()
    assert {path for path in JSON_PAGES.values() if path} <= paths.keys()


def test_what_is_described_among_the_pages_is_there(paths: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.rule), method.lower())
        for route in new_world().pages.routes
        for method in route.methods
    }

    for path in filter(None, JSON_PAGES.values()):
        assert {(path, method) for method in paths[path]} <= routes


def test_a_proxy_may_ask_about_every_method(paths: dict[str, Any]) -> None:
    item = paths[f"{FORWARD_AUTH}/{{target}}"]

    assert item.keys() - {"parameters"} == {method.lower() for method in METHODS}

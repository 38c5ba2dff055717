"""The application: the guard of every page, and what happens when one fails."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from werkzeug.test import Client

from gateway.audit.search import Page
from gateway.errors import StoreError
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.doubles import Grant, SignedIn, Visit
from tests.gateway.pages.people import AT
from tests.gateway.pages.world import REFERENCE, World

OPEN = {
    "sign_in",
    "find_organisation",
    "provider_begin",
    "provider_callback",
    "provider_back_channel",
    "sign_in_send",
    "sign_in_of",
    "sign_out",
    "sign_out_send",
} | {
    *("second_step", "second_step_send", "first_app", "first_app_send"),
    *("first_key", "first_key_send"),
    "accessibility",
    "cookies",
    "break_glass",
    "break_glass_send",
    "kerberos",
    "kerberos_send",
    "static_file",
}
GUARDED = {
    "/": "gate.portal",
    "/-/portal": "gate.portal",
    "/-/audit": "gate.audit",
    "/-/policy": "gate.policy",
    "/-/vetting": "gate.vetting",
    "/-/vetting/cheshire-fire/40011": "gate.vetting",
    "/-/break-glass-uses": "gate.breakglass",
}


def open_directly(world: World, path: str, **environ: object) -> tuple[int, str]:
    """Open a page without the front, with what a fault of the front might hand over."""
    keys = {f"gateway.{key}": value for key, value in environ.items()}
    response = Client(world.pages.wsgi).get(path, environ_overrides=keys)
    return response.status_code, response.text


def grant_for(function_id: str, *, permitted: bool = True) -> Grant:
    return Grant(decision=SimpleNamespace(function_id=function_id, permitted=permitted))


def test_every_address_is_guarded_or_on_the_open_list(world: World) -> None:
    """A new page without a guard is found here."""
    functions = world.engine.policy_set.catalogue.functions
    for route in world.pages.routes:
        if route.guarded_by is None:
            assert route.endpoint in OPEN
        else:
            assert route.guarded_by in functions

    assert {rule.endpoint for rule in world.pages.wsgi.url_map.iter_rules()} == {
        route.endpoint for route in world.pages.routes
    }


@pytest.mark.parametrize(("path", "function_id"), GUARDED.items())
def test_catalogue_has_every_guarded_address(world: World, path: str, function_id: str) -> None:
    """Or the front would never let anyone there."""
    match = world.engine.policy_set.catalogue.match("GET", path, ())

    assert match is not None
    assert match.function.id == function_id


@pytest.mark.parametrize(("path", "function_id"), GUARDED.items())
@pytest.mark.parametrize("fault", ["no grant", "another's grant", "a denial", "no session"])
def test_guarded_page_is_not_shown_without_the_grant_for_it(
    world: World, path: str, function_id: str, fault: str
) -> None:
    """The front's fault must not become a page."""
    session: SignedIn | None = SignedIn(subject=world.staff["auditor"])
    grant: Grant | None = grant_for(function_id)
    match fault:
        case "no grant":
            grant = None
        case "another's grant":
            grant = grant_for("pay.slip")
        case "a denial":
            grant = grant_for(function_id, permitted=False)
        case _:
            session = None
    visit = Visit(reference=REFERENCE, at=AT)

    status, text = open_directly(world, path, visit=visit, session=session, grant=grant)

    assert status == 500
    assert "Something has gone wrong" in text
    assert REFERENCE in text
    assert "gate-tile" not in text


def test_page_is_shown_with_the_grant_for_it(world: World) -> None:
    """The guard lets through what it should."""
    session = SignedIn(subject=world.staff["firefighter"])
    visit = Visit(reference=REFERENCE, at=AT)

    status, text = open_directly(
        world, "/-/portal", visit=visit, session=session, grant=grant_for("gate.portal")
    )

    assert (status, text.count("data-function=")) == (200, 19)


def test_page_without_a_visit_is_not_shown(world: World) -> None:
    """Whatever did not come through the front was not recorded either."""
    assert open_directly(world, "/-/sign-in")[0] == 500


def test_header_cannot_pass_for_a_session(world: World) -> None:
    """Identity travels beside the headers, never in one."""
    response = Client(world.front).get(
        "/-/portal", headers={"gateway.session": "x", "Gateway-Session": "x"}
    )

    assert response.status_code == 303


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("secret detail"), 500), (StoreError("secret detail"), 503)]
)
def test_page_that_fails_is_a_plain_page_with_the_reference(
    world: World, browser_of: SignIn, error: Exception, status: int
) -> None:
    """The detail goes to the operational log, never to the browser."""
    browser = browser_of("auditor")

    def fail(_: object) -> Page:
        raise error

    world.record.search_with = fail
    try:
        response = browser.get("/-/audit")
    finally:
        world.record.search_with = None

    assert response.status_code == status
    assert "secret" not in response.text
    assert re.findall(r'data-reference="([^"]+)"', response.text) == [REFERENCE]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(browser_of: SignIn, method: str) -> None:
    """Only what is listed is served, and nothing is answered automatically."""
    response = browser_of().open("/-/sign-in", method=method)

    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD, POST")
    assert response.headers["Gateway-Reference"] in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_head_gives_the_headers_of_get(browser_of: SignIn) -> None:
    """HEAD follows GET."""
    response = browser_of().head("/-/sign-in")

    assert (response.status_code, response.data) == (200, b"")


def test_navigation_shows_only_what_may_be_opened(browser_of: SignIn) -> None:
    """A link that leads to a refusal is a promise broken."""
    links = {
        who: set(
            re.findall(
                r'govuk-service-navigation__link" href="([^"]+)"',
                browser_of(who).get("/-/portal").text,
            )
        )
        - {"/-/portal"}
        for who in ("firefighter", "auditor", "security-officer", "vetting-officer")
    }

    assert links == {
        "firefighter": {"/-/me/factors"},
        "auditor": {"/-/audit", "/-/me/factors"},
        "security-officer": {
            "/-/policy",
            "/-/sessions",
            "/-/vetting",
            "/-/break-glass-uses",
            "/-/factors",
            "/-/me/factors",
        },
        "vetting-officer": {"/-/policy", "/-/vetting", "/-/me/factors"},
    }

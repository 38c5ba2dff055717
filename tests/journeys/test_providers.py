"""Signing in at the ambulance service's own provider, and what happens when it is away."""

from __future__ import annotations

import os
import signal
import time

from deploy.demo.provider_browser import ProviderBrowser
from tests.journeys.demo_fixture import Demo


def test_staff_of_an_organisation_with_a_provider_type_no_password_here(demo: Demo) -> None:
    page = demo.stranger().get("/-/sign-in/nwas")

    assert page.seen.data["data-provider"] == ["nwas"]
    assert 'type="password"' not in page.text


def test_an_address_leads_to_the_organisation(demo: Demo) -> None:
    visitor = demo.stranger()
    fields = visitor.get("/-/sign-in").seen.fields
    page = visitor.post("/-/find-organisation", {**fields, "email": "paramedic@nwas.example"})

    assert (page.status, page.headers["location"]) == (303, "/-/sign-in/nwas")


def test_a_wrong_password_at_the_provider_signs_nobody_in(demo: Demo) -> None:
    visitor = demo.stranger()

    assert visitor.sign_in("nwas", "paramedic", "wrong").status == 401
    assert visitor.get("/-/portal").status == 303


def test_who_was_going_somewhere_arrives_there(demo: Demo) -> None:
    visitor = demo.stranger()
    there = visitor.get("/-/oidc/nwas/begin?next=/estates/jobs")
    back = ProviderBrowser().sign_in(there.headers["location"], "paramedic", demo.accounts.password)
    arrived = visitor.get(back.removeprefix(demo.base_url))

    assert (arrived.status, arrived.headers["location"]) == (303, "/estates/jobs")
    assert visitor.get("/estates/jobs").status == 200
    again = visitor.get(back.removeprefix(demo.base_url))
    assert again.status == 400
    assert again.reference


def test_the_answer_of_somebody_elses_sign_in_is_not_taken(demo: Demo) -> None:
    """Login CSRF: an attacker's answer in a victim's browser."""
    attacker, victim = demo.stranger(), demo.stranger()
    there = attacker.get("/-/oidc/nwas/begin")
    victim.get("/-/oidc/nwas/begin")
    back = ProviderBrowser().sign_in(there.headers["location"], "paramedic", demo.accounts.password)
    page = victim.get(back.removeprefix(demo.base_url))

    assert page.status == 400
    assert victim.get("/-/portal").status == 303


def test_a_forged_logout_token_ends_nothing(demo: Demo) -> None:
    visitor = demo.signed_in("paramedic")
    page = demo.stranger().ask(
        "POST",
        "/-/oidc/nwas/back-channel",
        body=b"logout_token=e30.e30.AAAA",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert page.status == 400
    assert visitor.get("/-/portal").status == 200


def test_a_silent_provider_stops_its_own_staff_alone(breakable: Demo) -> None:
    """Row 10: who is signed in goes on, who signs in is told, others notice nothing."""
    live = breakable.signed_in("paramedic")
    (process,) = [one for one in breakable.stack.children if "provider" in one.title]
    os.kill(process.pid, signal.SIGSTOP)
    try:
        away = breakable.stranger()
        began = time.monotonic()
        statuses = {away.get("/-/oidc/nwas/begin").status for _ in range(2)}
        firefighter = breakable.signed_in("firefighter").get("/-/portal").status
        still = live.get("/-/portal").status
        waited = time.monotonic() - began
    finally:
        os.kill(process.pid, signal.SIGCONT)

    assert statuses <= {303, 503}  # a worker that knows the documents needs no answer to send them
    assert (firefighter, still) == (200, 200)
    assert waited < 20

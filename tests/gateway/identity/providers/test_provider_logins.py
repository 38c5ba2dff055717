"""A sign-in under way belongs to one browser, comes back once, and is over after ten minutes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gateway.identity.providers.oidc_directory import Secrets
from gateway.identity.providers.provider_logins import (
    LOGIN_LASTS,
    Login,
    LoginOver,
    ProviderLogins,
    is_browser,
    new_browser,
)
from gateway.identity.signing_in.attempts import TooManyAttempts
from gateway.store.engine import reading
from tests.gateway.identity.parts import AT, Parts, later

SECRET = bytes(range(32))
BROWSER = "b" * 43


def begin(logins: ProviderLogins, **changes: Any) -> Secrets:
    usual: dict[str, Any] = {
        "browser": BROWSER,
        "next_path": "/fleet/bookings?day=1",
        "source": "10.0.0.1",
        "at": AT,
    }
    return logins.begin("nwas", **{**usual, **changes})


def finish(logins: ProviderLogins, state: str, **changes: Any) -> Login:
    usual: dict[str, Any] = {"browser": BROWSER, "at": later(minutes=1)}
    directory = changes.pop("directory", "nwas")
    return logins.finish(directory, state=state, **{**usual, **changes})


@pytest.fixture
def logins(parts: Parts) -> ProviderLogins:
    return ProviderLogins(parts.store, SECRET, per_source=5, in_all=8)


def test_what_was_begun_is_finished_with_the_same_secrets(
    logins: ProviderLogins, parts: Parts
) -> None:
    """By any worker: another one knows it too."""
    secrets = begin(logins)
    login = finish(ProviderLogins(parts.store, SECRET), secrets.state)

    assert login.secrets == secrets
    assert login.next_path == "/fleet/bookings?day=1"
    assert len({secrets.state, secrets.nonce, secrets.verifier}) == 3
    assert len(secrets.verifier) == 43


def test_it_comes_back_once(logins: ProviderLogins) -> None:
    state = begin(logins).state
    finish(logins, state)
    with pytest.raises(LoginOver):
        finish(logins, state)


@pytest.mark.parametrize(
    "changes",
    [
        {"browser": "c" * 43},
        {"browser": ""},
        {"browser": BROWSER + "x"},
        {"browser": "é" * 43},
        {"directory": "fire-provider"},
        {"at": AT + LOGIN_LASTS},
        {"at": AT + timedelta(days=1)},
    ],
    ids=repr,
)
def test_another_browser_another_provider_and_too_late_are_refused(
    logins: ProviderLogins, changes: dict[str, Any]
) -> None:
    """CSRF and mix-up: what one browser began at one provider is nobody else's to finish."""
    state = begin(logins).state
    with pytest.raises(LoginOver):
        finish(logins, state, **changes)


def test_somebody_elses_try_does_not_end_it(logins: ProviderLogins) -> None:
    state = begin(logins).state
    with pytest.raises(LoginOver):
        finish(logins, state, browser="c" * 43)

    assert finish(logins, state).next_path


@pytest.mark.parametrize("state", ["", "x", "a" * 43, "a" * 10_000, "\0" * 43, "é" * 43])
def test_a_state_that_nobody_began_is_refused(logins: ProviderLogins, state: str) -> None:
    begin(logins)
    with pytest.raises(LoginOver):
        finish(logins, state)


def test_several_may_be_under_way_in_one_browser(logins: ProviderLogins) -> None:
    first, second = begin(logins), begin(logins, next_path="/-/portal")

    assert finish(logins, second.state).next_path == "/-/portal"
    assert finish(logins, first.state).secrets == first


def test_the_database_holds_nothing_that_could_finish_it(
    logins: ProviderLogins, parts: Parts
) -> None:
    secrets = begin(logins)
    with reading(parts.store) as connection:
        held = str(connection.execute(text("SELECT * FROM provider_login")).all())

    for secret in (secrets.state, secrets.nonce, secrets.verifier, BROWSER):
        assert secret not in held
    with pytest.raises(LoginOver):
        finish(logins, "x" * 43)
    other_key = ProviderLogins(parts.store, bytes(32))
    assert finish(other_key, secrets.state).secrets.verifier != secrets.verifier


def test_one_source_may_not_begin_without_end(logins: ProviderLogins) -> None:
    for _ in range(5):
        begin(logins)
    with pytest.raises(TooManyAttempts):
        begin(logins)

    begin(logins, source="10.0.0.2")
    begin(logins, at=AT + LOGIN_LASTS)


def test_all_sources_together_may_not_either(logins: ProviderLogins) -> None:
    for number in range(8):
        begin(logins, source=f"10.0.0.{number}")
    with pytest.raises(TooManyAttempts):
        begin(logins, source="10.0.1.1")


def test_what_is_over_is_removed(logins: ProviderLogins, parts: Parts) -> None:
    for _ in range(3):
        begin(logins)
    begin(logins, at=AT + LOGIN_LASTS)
    with reading(parts.store) as connection:
        count = connection.execute(text("SELECT count(*) FROM provider_login")).scalar_one()

    assert count == 1


def test_a_browser_is_known_by_what_cannot_be_guessed(logins: ProviderLogins) -> None:
    assert is_browser(new_browser())
    assert new_browser() != new_browser()
    with pytest.raises(ValueError, match="random"):
        begin(logins, browser="guess")

"""Programs are known by their tokens, and each may ask so much in a minute."""

from __future__ import annotations

import pytest

from gateway.api.decision_clients import DecisionClients, SpentError
from tests.gateway.api.programs import PER_MINUTE, TOKEN, client

ROTA = client("rota", TOKEN)
MINUTE_US = 60_000_000


@pytest.mark.parametrize("shown", [f"Bearer {TOKEN}", f"bearer {TOKEN}"])
def test_a_program_is_known_by_its_token(shown: str) -> None:
    assert DecisionClients([ROTA]).find(shown.encode()) == ROTA


@pytest.mark.parametrize("shown", ["", TOKEN, f"Basic {TOKEN}", "Bearer", "Bearer x", "Bearer  "])
def test_who_shows_anything_else_is_a_stranger(shown: str) -> None:
    assert DecisionClients([ROTA]).find(shown.encode()) is None


def test_what_is_too_much_is_not_counted() -> None:
    clients = DecisionClients([ROTA])
    clients.spend(ROTA, PER_MINUTE - 1, 0)
    with pytest.raises(SpentError) as spent:
        clients.spend(ROTA, 2, MINUTE_US - 1_500_000)

    assert spent.value.wait_seconds == 2
    assert clients.left(ROTA, 1) == 1
    clients.spend(ROTA, 1, 1)
    assert clients.left(ROTA, 1) == 0
    assert clients.left(ROTA, MINUTE_US) == PER_MINUTE
    clients.spend(ROTA, PER_MINUTE, MINUTE_US)


def test_a_clock_that_goes_back_stops_nobody() -> None:
    clients = DecisionClients([ROTA])
    clients.spend(ROTA, PER_MINUTE, MINUTE_US)

    assert clients.left(ROTA, 0) == PER_MINUTE

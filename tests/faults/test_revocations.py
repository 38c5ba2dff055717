"""A thousand sessions ended, at two gateways of four workers each: none outlives its promise.

At the gateway where it is ended the very next request of every worker is refused; at the other,
which shares the database and no memory, within a second. Connections stay open throughout.
Streams: `tests/journeys/test_revocation.py`; single cases of every kind:
`tests/journeys/test_session_ends.py`. `REVOCATIONS=100` for a short run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from gateway.identity.sessions.session_ending import Whose
from tests.journeys.two_gateways import Gateway, TwoGateways, two_gateways

REVOCATIONS = int(os.environ.get("REVOCATIONS", "1000"))
AT_ONCE = 20
PROMISED_SECONDS = 1.0
SIGNED_OUT = {303}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoGateways]:
    """Start two gateways of four workers on one database."""
    with two_gateways(tmp_path_factory.mktemp("two")) as made:
        yield made


def end(both: TwoGateways, number: int, person: str, session_hash: str) -> None:
    """End a session in one of the ways there are."""
    at = datetime.now(UTC)  # noqa: TID251 -- the gateways live now
    if number % 3 == 0:
        both.sessions.end(session_hash, at=at, reason="ended-by-officer")
    elif number % 3 == 1:
        both.sessions.end_all(Whose(person=person), at=at, reason="ended-by-officer")
    else:
        both.sessions.end_all(
            Whose(person=person), at=at, reason="ended-elsewhere", keep="no session"
        )


def seconds_until_refused(gateway: Gateway, tokens: dict[str, float]) -> dict[str, float]:
    """Ask with each token at every worker until all refuse it; gives how long after its end.

    Measured to when the last answer that was none of a refusal had been asked for.
    """
    took = dict.fromkeys(tokens, 0.0)
    left = set(tokens)
    latest = time.monotonic() + 30
    while left:
        assert time.monotonic() < latest, f"{len(left)} sessions live on"
        for token in tuple(left):
            asked = time.monotonic()
            if gateway.statuses(token) == SIGNED_OUT:
                left.discard(token)
            else:
                took[token] = asked - tokens[token]
    return took


@pytest.mark.timeout(1800)
def test_none_of_a_thousand_revocations_is_late(both: TwoGateways) -> None:
    here: list[float] = []
    there: list[float] = []
    for start in range(0, REVOCATIONS, AT_ONCE):
        signed_in = []
        for number in range(start, start + AT_ONCE):
            token, session = both.sign_in(f"person-{number}", str(50_000 + number))
            signed_in.append((number, token, session.hash))
        for _, token, _ in signed_in:  # each worker has it in memory
            assert both.here.statuses(token) == both.there.statuses(token) == {200}
        ended = {}
        for number, token, session_hash in signed_in:
            end(both, number, f"cheshire-fire/{50_000 + number}", session_hash)
            ended[token] = time.monotonic()
            if both.here.statuses(token) != SIGNED_OUT:
                here.append(time.monotonic() - ended[token])
        there += seconds_until_refused(both.there, ended).values()

    assert len(there) == REVOCATIONS
    assert here == []
    assert [each for each in there if each > PROMISED_SECONDS] == []

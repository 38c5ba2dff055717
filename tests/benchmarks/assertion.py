"""What it costs to say who is asking: an assertion used again, and one bound to a request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from joserfc.jwk import KeySet, OKPKey

from gateway.backoffice.assertion import AssertionMint
from tests.policies.people import subject

if TYPE_CHECKING:
    from collections.abc import Callable

_TARGET = b"/OA_HTML/OA.jsp?OAFunc=XX_SIT"


def assertion_costs() -> tuple[float, float]:
    """Give the microseconds of one that is used again, and of one that is bound."""
    key = OKPKey.generate_key("Ed25519", {"kid": "bench"})
    mint = AssertionMint(
        issuer="https://gate", key=key, public_keys=KeySet([key]), clock=time.monotonic
    )
    who = subject("DBSB")
    again = _microseconds(lambda: mint.assertion_for(who, "session", "ebs"), 20_000)
    bound = _microseconds(lambda: mint.bound_assertion(who, "ebs", "", "GET", _TARGET), 2_000)
    return again, bound


def _microseconds(does: Callable[[], bytes], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        does()
    return (time.perf_counter() - began) / times * 1_000_000

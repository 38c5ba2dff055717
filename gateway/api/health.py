"""Whether the service lives, and whether it may let anything through.

`/-/health` says that the process answers. `/-/ready` names the parts that must be working before
anything is permitted, functions that are withheld, and systems of which not all is well, as this
worker sees them; it holds no address, no secret and no personal data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from gateway.wire.answers import Answer, document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

HEALTH_PATH: Final = "/-/health"
READY_PATH: Final = "/-/ready"
_JSON: Final = b"application/json"


def health() -> Answer:
    """Say that the process answers."""
    return document(200, _JSON, b'{"status":"ok"}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Asks the parts. Each gives `ok`, or a word for what is wrong.

    Attributes:
        parts: what must be working before anything is permitted.
        withheld: gives the functions that are withheld for a doubt; the rest is served.
        systems: gives how each system of the back office is; the gate serves without them.
    """

    parts: Mapping[str, Callable[[], str]]
    withheld: Callable[[], Iterable[str]] = tuple
    systems: Callable[[], Mapping[str, str]] = dict

    def answer(self) -> Answer:
        """Say 200 when every part is ok, else 503, each part by name."""
        states = {name: ask() for name, ask in self.parts.items()}
        ready = all(state == "ok" for state in states.values())
        answer: dict[str, object] = {"status": "ok" if ready else "not-ready", "parts": states}
        if withheld := sorted(self.withheld()):
            answer["withheld"] = withheld
        if unwell := {name: state for name, state in self.systems().items() if state != "ok"}:
            answer["systems"] = unwell
        body = orjson.dumps(answer)
        return document(200 if ready else 503, _JSON, body)

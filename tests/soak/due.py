"""What must come: for whom an answer was made, and with which status; what is counted of it."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections import Counter
from dataclasses import dataclass, field

from tests.soak.line import Answered

_ASKERS = re.compile(rb'data-asker="([^"]*)"|"asker": ?"([^"]*)"|, made for ([^,]*), part')


class CrossTalkError(Exception):
    """An answer was made for somebody else than who asked, or for nobody."""


class WrongAnswerError(Exception):
    """An answer was not the one that was due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is signed in.

    Attributes:
        number: of the employee, which the back office says back.
        name: which the gate's own pages show.
        pages: what their portal offers and asks nothing more for.
    """

    organisation: str
    username: str
    number: str
    name: str
    cookie: str = ""
    pages: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was counted.

    Attributes:
        kinds: answers by kind of visitor.
        carried: answers that carry who asked, each of them compared.
        left_early: how often somebody hung up amid something; no answers.
        bytes_down: of reports.
        bytes_up: of uploads.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    carried: int = 0
    left_early: int = 0
    bytes_down: int = 0
    bytes_up: int = 0

    @property
    def responses(self) -> int:
        """Give the number of all answers."""
        return self.kinds.total()


def demand_own(person: Person, answered: Answered, what: str) -> None:
    """Demand that an answer of the back office was made for this person.

    Raises:
        CrossTalkError: if it was not, or does not say.
    """
    seen = named_in(answered.body)
    if seen != {person.number}:
        others = ", ".join(f"`{each}`" for each in sorted(seen - {person.number})) or "nobody"
        message = f"{what}: asked by {person.number}, and the answer names {others}"
        raise CrossTalkError(message)


def named_in(body: bytes) -> set[str]:
    """Give for whom the parts of a body were made."""
    found = (match[1] or match[2] or match[3] or b"" for match in _ASKERS.finditer(body))
    return {each.decode("utf-8", "replace") for each in found}


def demand(answered: Answered, due: set[int], what: str) -> None:
    """Demand a status.

    Raises:
        WrongAnswerError: if it is another.
    """
    if answered.status not in due:
        message = f"{what}: answered {answered.status}: {answered.body[:200]!r}"
        raise WrongAnswerError(message)


def told_number(assertion: str) -> str:
    """Give the employee number in a signed assertion (a JWT); empty where there is none."""
    parts = assertion.split(".")
    if len(parts) != 3:
        return ""
    claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    return str(claims.get("employee_number", ""))

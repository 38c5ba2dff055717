"""Ten thousand pairs of requests, of several people at once: nobody gets another's answer.

In each pair the first is often no request, or a refused one, and the second, sent in the same
breath, is a page of the person's own under an address of its own. Pairs of all people go through
the same workers and the same connections to the back office. Every page says for whom it was made;
the relay sees what the back office was asked, and by whom. `PAIRS=1000` for a short run.
"""

from __future__ import annotations

import base64
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attacks.target import OWN_PAYSLIP, Target, relayed_target
from tests.attacks.test_next_request import CASES, KEEPS, written
from tests.attacks.wire import Reply, Wire
from tests.soak.due import named_in

PAIRS = int(os.environ.get("PAIRS", "10000"))
PEOPLE = ("firefighter", "watch-manager", "fire-hr", "constable", "hr-adviser", "detective")
EACH = 4  # connections of one person at a time
PAGE = b"/estates/jobs?pair="


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """Give the whole stack, with a relay that sees what its back office is asked."""
    with relayed_target() as made:
        yield made


class Pairs:
    """Pairs of one person, on one connection after another; tells what came of them."""

    def __init__(self, target: Target, username: str, seed: int) -> None:
        self.target, self.username = target, username
        self.number = target.stack.accounts[username].employee_number
        self.random = random.Random(seed)
        self.seen: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.wire: Wire | None = None

    def run(self, name: str, count: int) -> None:
        """Send so many pairs; `name` is in their addresses."""
        for turn in range(count):
            own = PAGE + f"{self.number}-{name}-{turn}".encode("ascii")
            kind = self.random.choice(("a page", self.random.choice(list(CASES))))
            self.pair(kind, own)
        if self.wire is not None:
            self.wire.__exit__()

    def pair(self, kind: str, own: bytes) -> None:
        """Send both at once and look at both answers."""
        if self.wire is None:
            self.wire = Wire(self.target.port)
        if kind == "a page":
            first = self.target.request(OWN_PAYSLIP, username=self.username)
        else:
            first = written(self.target, kind, self.username)
        self.wire.send(first + self.target.request(own, username=self.username))
        one = self.wire.reply()
        due = {200} if kind == "a page" else set(range(400, 500))
        if one is None or one.status not in due or not self.mine(one):
            self.wrong.append(f"{kind}: {one and one.head[:80]!r}")
        goes_on = kind == "a page" or kind in KEEPS
        two = self.wire.reply() if goes_on else None
        if goes_on and (two is None or two.status != 200 or not self.mine(two)):
            self.wrong.append(f"after {kind}: {two and two.head[:80]!r}")
        if not goes_on and not self.wire.wait_for_end():
            self.wrong.append(f"after {kind}: the connection goes on")
        if not goes_on:
            self.wire.__exit__()
            self.wire = None
        self.seen["pairs"] += 1
        self.seen["pages"] += (kind == "a page") + goes_on

    def mine(self, reply: Reply) -> bool:
        """Tell whether a page was made for this person; a refusal is made for nobody."""
        return named_in(reply.body) == ({self.number} if reply.status == 200 else set())


def asker_of(token: str) -> str:
    """Read who asks, in an assertion that the back office has believed."""
    claims = token.split(".")[1]
    told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return str(told["employee_number"])


@pytest.mark.timeout(1800)
def test_nobody_gets_the_answer_of_another_in_ten_thousand_pairs(target: Target) -> None:
    for username in PEOPLE:
        target.token(username)
    mark = target.relay.count
    at_work = [Pairs(target, name, seed) for seed, name in enumerate(PEOPLE * EACH)]
    each, more = divmod(PAIRS, len(at_work))
    with ThreadPoolExecutor(len(at_work)) as pool:
        runs = [
            pool.submit(pairs.run, str(place), each + (place < more))
            for place, pairs in enumerate(at_work)
        ]
        for run in runs:
            run.result()
    seen = Counter[str]()
    for pairs in at_work:
        seen += pairs.seen
    reached = target.let_through(mark)
    paged = [one for one in reached if one.target.startswith(PAGE.decode("ascii"))]

    assert [wrong for pairs in at_work for wrong in pairs.wrong] == []
    assert seen["pairs"] == PAIRS
    assert len(reached) == seen["pages"]  # and so not a byte of what was refused
    assert all(
        one.target.partition("=")[2].split("-")[0] == asker_of(one.values("Gateway-Assertion")[0])
        for one in paged
    )
    assert len({one.target for one in paged}) == len(paged)

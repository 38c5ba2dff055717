"""Which instance serves a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from gateway.backoffice.affinity import drawn
from gateway.backoffice.upstream_address import UpstreamAddress
from tests.gateway.backoffice.systems import address_of


def test_each_person_draws_one_instance_and_keeps_it_when_another_goes() -> None:
    _, address = address_of(9)
    places = [replace(address, port=port) for port in (1, 2, 3, 4)]
    people = [f"cheshire-fire/{number}" for number in range(400)]

    def served(left: list[UpstreamAddress]) -> dict[str, int]:
        ranked = {who: [(drawn(each, who), each.port) for each in left] for who in people}
        return {who: max(each)[1] for who, each in ranked.items()}

    before, after = served(places), served(places[1:])

    shares = Counter(before.values())
    assert min(shares.values()) > 60
    assert all(after[who] == port for who, port in before.items() if port != 1)
    assert len({after[who] for who, port in before.items() if port == 1}) == 3

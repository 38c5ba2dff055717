"""What a search finds is what an evaluation permits, page by page, and is in the record first."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.api import decision_search
from gateway.audit.entry import Outcome
from gateway.identity.sessions.session_ending import Whose
from gateway.keys import KeyRing
from tests.gateway.api.programs import ALICE, OTHER_TOKEN, PER_MINUTE, about, asked_stand, told
from tests.gateway.identity.parts import AT, FIRE
from tests.gateway.pages.world import World
from tests.gateway.stand import OWN_PAYSLIP, Stand

PEOPLE = "search/subject"


@pytest.fixture
async def gate(tmp_path: Path, front_world: World, record_keys: KeyRing) -> AsyncIterator[Stand]:
    async with asked_stand(tmp_path, front_world, record_keys) as made:
        yield made


def who(resource: str = "pay.slip", action: str = "read", **more: Any) -> dict[str, Any]:
    """Ask who may do something, in the words of the standard's own example."""
    return {**about(resource, action), "subject": {"type": "user"}, **more}


def crew(gate: Stand, count: int) -> list[str]:
    """Sign in people of whom every second one may see their payslip; gives the ids of those."""
    for index in range(count):
        number = str(41_000 + index)
        gate.parts.sign_in(f"p{index}", number)
        if index % 2 == 0:
            gate.hold("DBSB", number)
    return [f"{FIRE}/id-p{index}" for index in range(0, count, 2)]


async def found(gate: Stand, said: dict[str, Any], path: str = PEOPLE) -> list[dict[str, str]]:
    """Search through all pages."""
    results, token, pages = list[dict[str, str]](), "", 0
    while token or not pages:
        page = {**said.get("page", {}), **({"token": token} if token else {})}
        status, answer = await told(gate, {**said, "page": page}, path)
        assert status == 200, answer
        assert answer["page"]["count"] == len(answer["results"]) <= page.get("limit", 1_000)
        results += answer["results"]
        token, pages = answer["page"]["next_token"], pages + 1
        assert pages < 100
    return results


async def test_who_may_do_something_is_whom_an_evaluation_permits_it(gate: Stand) -> None:
    may = crew(gate, 4)
    gate.parts.sign_in("pat", "7001", organisation="nwas")  # not theirs to ask about
    gate.hold("DBSB", "7001", "nwas")
    status, answer = await told(gate, who(), PEOPLE)
    entry = gate.drafts[0]

    assert (status, list(answer)) == (200, ["page", "results"])
    assert answer["results"] == [{"type": "user", "id": each} for each in may]
    assert answer["page"] == {"next_token": "", "count": 2}
    for index in range(4):
        staff_id = f"{FIRE}/id-p{index}"
        _, decided = await told(gate, about(who=staff_id))
        assert decided["decision"] is (staff_id in may)
    assert (entry.code, entry.outcome, entry.function) == (
        "decisions-searched",
        Outcome.PERMIT,
        "pay.slip",
    )
    assert entry.staff_id == ""
    assert entry.obligations == ("asked-by:rota",)
    assert json.loads(entry.detail) == {"looked_at": 4, "found": may}


async def test_a_person_who_signs_out_is_not_found(gate: Stand) -> None:
    may = crew(gate, 1)
    before = await found(gate, who())
    gate.parts.sessions.end_all(Whose(staff_id=may[0]), at=AT, reason="test")

    assert [each["id"] for each in before] == may
    assert await found(gate, who()) == []


@pytest.mark.parametrize("limit", [1, 3, 50])
async def test_pages_together_hold_everybody_once(
    gate: Stand, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(decision_search, "PEOPLE_A_PAGE", 3)
    may = crew(gate, 10)
    results = await found(gate, who(page={"limit": limit}))

    assert [each["id"] for each in results] == sorted(may)


async def test_a_page_looks_at_so_many_people_and_no_more(
    gate: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decision_search, "PEOPLE_A_PAGE", 3)
    crew(gate, 10)
    _, answer = await told(gate, who(page={"limit": 10**30}), PEOPLE)

    assert json.loads(gate.drafts[0].detail)["looked_at"] == 3
    assert answer["page"]["next_token"] != ""


async def test_each_person_looked_at_is_a_decision_asked_for(
    gate: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decision_search, "PEOPLE_A_PAGE", 3)
    crew(gate, 6)
    left = PER_MINUTE
    while left > 4:
        count = min(60, left - 4)
        await told(gate, {"evaluations": [about("no.such")] * count}, "evaluations")
        left -= count
    answers = [(await told(gate, who(), PEOPLE))[0] for _ in range(3)]
    details = [each.detail for each in gate.drafts if each.code == "decisions-searched"]

    assert answers == [200, 200, 429]
    assert [json.loads(each)["looked_at"] for each in details] == [3, 1]


async def test_a_limit_of_none_looks_at_nobody_and_goes_on_from_there(gate: Stand) -> None:
    may = crew(gate, 2)
    _, nothing = await told(gate, who(page={"limit": 0}), PEOPLE)
    token = nothing["page"]["next_token"]
    _, again = await told(gate, who(page={"limit": 0, "token": token}), PEOPLE)

    assert nothing["results"] == again["results"] == []
    assert nothing["page"]["count"] == 0
    assert token != "" != again["page"]["next_token"]
    assert gate.engine.asked == []
    assert await found(gate, who()) == [{"type": "user", "id": each} for each in may]


CHANGES: tuple[dict[str, Any], ...] = (
    {"resource": {"type": "function", "id": "hr.me"}},
    {"action": {"name": "write"}},
    {"subject": {"type": "staff"}},
    {"context": {"purpose": "audit"}},
    {"page": {"limit": 2}},
    {"page": {"token": "AAAA"}},
)


async def test_a_token_goes_on_with_the_very_search_only(gate: Stand) -> None:
    crew(gate, 3)
    _, answer = await told(gate, who(page={"limit": 1}), PEOPLE)
    page = {"limit": 1, "token": answer["page"]["next_token"]}
    for change in CHANGES:
        changed = {**who(), **change, "page": {**page, **change.get("page", {})}}
        status, refused = await told(gate, changed, PEOPLE)
        assert status == 400
        assert refused["error"].startswith("page.token: write the next_token of this very search")

    assert (await told(gate, who(page=page), PEOPLE, token=OTHER_TOKEN))[0] == 400
    assert (await told(gate, who(page=page), PEOPLE))[0] == 200


async def told_people(gate: Stand, said: dict[str, Any]) -> list[str]:
    return [each["id"] for each in await found(gate, said)]


async def test_who_may_have_a_request_pass_is_found_too(gate: Stand) -> None:
    may = crew(gate, 2)

    assert await told_people(gate, who(OWN_PAYSLIP, "GET")) == may
    assert await told_people(gate, who("/no/such/page", "GET")) == []
    assert await told_people(gate, who("/a//b", "GET")) == []


async def test_nobody_is_found_for_what_is_not_certainly_permitted(gate: Stand) -> None:
    """Unknown, the gate's own, not offered, with a transaction, with a second factor: all alike."""
    crew(gate, 2)
    for resource in ("no.such", "gate.portal", "pay.adjust", "hr.sit", "pay.bank"):
        assert await told_people(gate, who(resource)) == []


async def test_ones_own_record_is_nobody_elses(gate: Stand) -> None:
    may = crew(gate, 4)
    said = who()
    said["resource"]["properties"] = {"record": "41000"}

    assert await told_people(gate, said) == may[:1]


async def test_what_somebody_may_do_is_what_an_evaluation_permits(gate: Stand) -> None:
    gate.firefighter()
    wanted = {**about(), "resource": {"type": "function"}}
    results = await found(gate, wanted, "search/resource")
    names = [each["id"] for each in results]

    assert {each["type"] for each in results} == {"function"}
    assert "pay.slip" in names
    assert not {"hr.sit", "pay.bank", "gate.portal"} & set(names)
    assert (gate.drafts[0].code, gate.drafts[0].staff_id) == ("decisions-searched", ALICE)
    for each in names[:3]:
        assert (await told(gate, about(each)))[1] == {"decision": True}
    paged = await found(gate, {**wanted, "page": {"limit": 4}}, "search/resource")
    assert paged == results
    nobody = {**about(who="x/y"), "resource": {"type": "function"}}
    assert await found(gate, nobody, "search/resource") == []


async def test_which_actions_somebody_may_do_is_found(gate: Stand) -> None:
    gate.firefighter()
    wanted = about()
    del wanted["action"]
    results = await found(gate, wanted, "search/action")

    assert {"name": "read"} in results
    for name in ("read", "write"):
        _, decided = await told(gate, about(action=name))
        assert decided["decision"] is ({"name": name} in results)


async def test_a_search_that_cannot_be_recorded_is_not_told(gate: Stand) -> None:
    crew(gate, 2)
    gate.recorder.close()
    status, answer = await told(gate, who(), PEOPLE)

    assert (status, "results" in answer) == (503, False)

"""Programs ask what would be decided: the same engine, the same log, and nothing for strangers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.api.authzen import PREFIX, AuthZen
from gateway.audit.entry import Outcome
from gateway.identity.sessions.presence import PresenceLimit
from gateway.identity.sessions.session_ending import Whose
from gateway.keys import KeyRing
from tests.gateway.api.programs import ALICE, JSON, OTHER_TOKEN, TOKEN, about, asked_stand, told
from tests.gateway.identity.parts import AT
from tests.gateway.pages.world import World
from tests.gateway.stand import OWN_PAYSLIP, Stand, field_of, status_of
from tests.gateway.test_conditions import bind


@pytest.fixture
async def gate(tmp_path: Path, front_world: World, record_keys: KeyRing) -> AsyncIterator[Stand]:
    async with asked_stand(tmp_path, front_world, record_keys) as made:
        yield made


async def test_a_decision_is_that_of_the_gate_and_is_recorded_before_it_is_told(
    gate: Stand,
) -> None:
    gate.firefighter()
    said = about()
    status, answer = await told(gate, said)
    decision, result = gate.drafts

    assert (status, answer) == (200, {"decision": True})
    assert (decision.outcome, decision.code) == (Outcome.PERMIT, "rule-permits")
    assert (decision.function, decision.staff_id) == ("pay.slip", ALICE)
    assert decision.obligations[-1] == "asked-by:rota"
    assert (result.corr, result.status) == (decision.id, 0)


async def test_a_request_is_read_as_if_it_had_come(gate: Stand) -> None:
    gate.firefighter()

    assert await told(gate, about(OWN_PAYSLIP, "GET")) == (200, {"decision": True})
    for target, code in (
        ("/no/such/page", "function-unknown"),
        ("/a//b", "path-empty-segment"),
        ("/-/portal", "function-unknown"),
    ):
        status, answer = await told(gate, about(target, "GET"))
        assert (status, answer["decision"], answer["context"]["reason"]) == (200, False, code)
        assert gate.drafts[-1].outcome == Outcome.DENY


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (about("no.such"), "function-unknown"),
        (about("gate.portal"), "function-unknown"),
        (about("pay.adjust"), "function-unknown"),
        (about("hr.sit"), "obligation-not-fulfilled"),
        (about("pay.bank"), "second-factor-needed"),
        (about(who="cheshire-fire/nobody"), "not-signed-in"),
    ],
)
async def test_what_is_not_certainly_permitted_is_denied(
    gate: Stand, said: dict[str, Any], reason: str
) -> None:
    """Unknown and not offered are one answer, and so are nobody and somebody else's staff."""
    gate.firefighter()
    status, answer = await told(gate, said)

    assert (status, answer["decision"]) == (200, False)
    assert answer["context"]["reason"] == reason
    assert gate.drafts[-1].outcome == Outcome.DENY


async def test_staff_of_an_organisation_it_may_not_ask_about_are_nobody(gate: Stand) -> None:
    _, session = gate.parts.sign_in("pat", "7001", organisation="nwas")
    _, answer = await told(gate, about(who=session.staff_id))

    assert answer["context"]["reason"] == "not-signed-in"
    assert gate.drafts[-1].organisation == ""
    assert gate.engine.asked == []


async def test_nothing_is_permitted_once_the_session_is_over(gate: Stand) -> None:
    gate.firefighter()
    gate.parts.sessions.end_all(Whose(staff_id=ALICE), at=AT, reason="test")

    assert (await told(gate, about()))[1]["context"]["reason"] == "not-signed-in"


async def test_several_are_decided_with_what_is_said_once(gate: Stand) -> None:
    gate.firefighter()
    several = [{"resource": {"type": "function", "id": each}} for each in ("pay.slip", "no.such")]
    said = {**about("unread"), "evaluations": [*several, several[0]]}
    _, answer = await told(gate, said, "evaluations")

    assert [each["decision"] for each in answer["evaluations"]] == [True, False, True]
    assert len({each.id for each in gate.drafts}) == 5


@pytest.mark.parametrize(
    ("semantic", "decisions"),
    [
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
async def test_the_rest_is_not_looked_at_where_that_was_asked(
    gate: Stand, semantic: str, decisions: list[bool]
) -> None:
    gate.firefighter()
    each = [about(), about("no.such"), about()]
    said = {"evaluations": each, "options": {"evaluations_semantic": semantic}}
    _, answer = await told(gate, said, "evaluations")

    assert [one["decision"] for one in answer["evaluations"]] == decisions


async def test_without_several_it_is_one(gate: Stand) -> None:
    gate.firefighter()

    assert (await told(gate, about(), "evaluations"))[1] == {"decision": True}
    assert (await told(gate, about(evaluations=[]), "evaluations"))[1] == {"decision": True}


@pytest.mark.parametrize("token", ["", "another-token"])
async def test_a_stranger_is_told_nothing(gate: Stand, token: str) -> None:
    gate.firefighter()
    fields = f"Authorization: Bearer {token}\r\nX-Request-ID: r1\r\n{JSON}"
    answer = await gate.ask(PREFIX + "evaluation", method="POST", more=fields, body="{}")

    assert (status_of(answer), gate.drafts[-1].code) == (401, "decision-client-unknown")
    assert field_of(answer, "WWW-Authenticate") == "Bearer"
    assert field_of(answer, "X-Request-ID") == "r1"
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["refused"] is True
    assert gate.engine.asked == []


@pytest.mark.parametrize(
    ("said", "path", "more", "status", "expected"),
    [
        ("{", "evaluation", JSON, 400, "the body: not JSON"),
        ('{"a": 1, "a": 2}', "evaluation", JSON, 400, "the body: a name comes twice"),
        ({}, "evaluation", JSON, 400, "subject: write an object"),
        (about(), "evaluation", "", 415, "Content-Type: write application/json"),
        (about(), "other", JSON, 404, "the address: write one of those"),
        ("x" * 300_000, "evaluation", JSON, 413, "the body: write 262144 bytes at the most"),
    ],
)
async def test_a_faulty_call_is_told_where_and_what(
    gate: Stand, said: object, path: str, more: str, status: int, expected: str
) -> None:
    answered, answer = await told(gate, said, path, more=more)

    assert answered == status
    assert expected in answer["error"]
    assert answer["reference"] == gate.drafts[-1].reference


async def test_another_method_is_told_which_one_is_meant(gate: Stand) -> None:
    fields = f"Authorization: Bearer {TOKEN}\r\n"
    answer = await gate.ask(PREFIX + "evaluation", more=fields)

    assert (status_of(answer), field_of(answer, "Allow")) == (405, "POST")


async def test_a_program_asks_so_much_in_a_minute(gate: Stand) -> None:
    gate.firefighter()
    several = {"evaluations": [about("no.such")] * 60}
    statuses = [(await told(gate, several, "evaluations"))[0] for _ in range(9)]
    fields = f"Authorization: Bearer {TOKEN}\r\n{JSON}"
    late = await gate.ask(
        PREFIX + "evaluations", method="POST", more=fields, body=json.dumps(several)
    )
    others = (await told(gate, several, "evaluations", token=OTHER_TOKEN))[0]
    gate.at_us += 60_000_000

    assert statuses == [200] * 8 + [429]
    assert (status_of(late), field_of(late, "Retry-After"), others) == (429, "60", 200)
    assert (await told(gate, several, "evaluations"))[0] == 200


async def test_what_cannot_be_recorded_is_not_told(gate: Stand) -> None:
    gate.firefighter()
    gate.recorder.close()
    fields = f"Authorization: Bearer {TOKEN}\r\n{JSON}"
    answer = await gate.ask(
        PREFIX + "evaluation", method="POST", more=fields, body=json.dumps(about())
    )

    assert status_of(answer) == 503
    assert b"decision" not in answer.partition(b"\r\n\r\n")[2]


async def test_a_calls_own_id_is_given_back(gate: Stand) -> None:
    gate.firefighter()
    own = "bfe9eb29" * 40
    fields = f"Authorization: Bearer {TOKEN}\r\n{JSON}X-Request-ID: {own}\r\n"
    answer = await gate.ask(
        PREFIX + "evaluation", method="POST", more=fields, body=json.dumps(about())
    )

    assert field_of(answer, "X-Request-ID") == own
    assert field_of(answer, "Gateway-Reference") == gate.drafts[0].reference


def test_the_metadata_name_what_is_there() -> None:
    """Where one is not named, a program knows that it is not there."""
    nothing: Any = None
    point = AuthZen(
        nothing,
        origin="https://gate.example",
        engine=nothing,
        decisions=nothing,
        search=nothing,
        staff=nothing,
        bulletin=nothing,
        recorder=nothing,
        monotonic=nothing,
    )

    assert json.loads(point.metadata()) == {
        "policy_decision_point": "https://gate.example",
        "access_evaluation_endpoint": "https://gate.example/-/access/v1/evaluation",
        "access_evaluations_endpoint": "https://gate.example/-/access/v1/evaluations",
        "search_subject_endpoint": "https://gate.example/-/access/v1/search/subject",
        "search_resource_endpoint": "https://gate.example/-/access/v1/search/resource",
        "search_action_endpoint": "https://gate.example/-/access/v1/search/action",
    }


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/OA_HTML/OA.jsp\u00e9OAFunc=XX_PAYSLIP", "target"),
        ("/caf%c3%a9", "target-not-canonical"),
    ],
)
async def test_what_the_program_would_send_is_what_is_decided(
    gate: Stand, target: str, code: str
) -> None:
    """Nothing in it is taken for something else, as the program sends it on as it is."""
    gate.firefighter()
    _, answer = await told(gate, about(target, "GET"))

    assert answer["decision"] is False
    assert answer["context"]["reason"].startswith(code)


@pytest.mark.parametrize("record", ["", None, 0])
async def test_a_record_that_is_nobodys_is_not_ones_own(gate: Stand, record: object) -> None:
    gate.firefighter()
    said = about()
    said["resource"]["properties"] = {"record": record}
    status, answer = await told(gate, said)

    assert status == 400
    assert answer["error"].startswith("resource.properties.record")


async def test_whoever_has_been_away_too_long_is_asked_again_here_too(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    """The gate would ask them at their next request; nobody is told that they may before it."""
    limit = PresenceLimit(pause=timedelta(minutes=10))
    async with asked_stand(tmp_path, front_world, record_keys, limit) as gate:
        gate.firefighter()
        gate.at_us += 9 * 60_000_000
        soon = await told(gate, about())
        gate.at_us += 3 * 60_000_000
        late = await told(gate, about())

    assert soon[1] == {"decision": True}
    assert (late[1]["decision"], late[1]["context"]["reason"]) == (False, "paused")


async def test_the_purpose_that_was_given_is_in_the_record(gate: Stand, tmp_path: Path) -> None:
    bind(gate, tmp_path / "rules", 'purpose = ["audit", "complaint"]')
    gate.firefighter()
    without = await told(gate, about())
    given = await told(gate, about(context={"purpose": "audit"}))
    permit = next(each for each in gate.drafts if each.outcome is Outcome.PERMIT)

    assert [without[1]["decision"], given[1]["decision"]] == [False, True]
    assert permit.obligations[-2:] == ("purpose-given:audit", "asked-by:rota")

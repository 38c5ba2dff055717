"""What programs ask means what the request would mean, and is no more than the gate permits."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.api.asked_decisions import AskedDecisions
from gateway.api.decision_request import Evaluation
from gateway.backoffice.canonical import TargetError
from gateway.identity.sessions.presence import Presence
from policies.catalogue import Action, Operation
from tests.gateway.pages.world import World
from tests.gateway.stand import OWN_PAYSLIP

NOTHING: Any = None


def question(resource: str, action: str = "read", record: str | None = None) -> Evaluation:
    return Evaluation(
        subject_type="staff",
        staff_id="cheshire-fire/id-alice",
        kind="request" if resource.startswith("/") else "function",
        resource=resource,
        action=action,
        record=record,
    )


@pytest.fixture
def decisions() -> AskedDecisions:
    return AskedDecisions(NOTHING, Presence())


def test_a_function_is_named_by_its_id_and_whose_record_it_is(
    decisions: AskedDecisions, front_world: World
) -> None:
    catalogue = front_world.engine.policy_set.catalogue
    read = decisions.match(catalogue, question("pay.slip", record="40012"))
    write = decisions.match(catalogue, question("hr.me", "write"))

    assert read is not None
    assert write is not None
    assert (read.function.id, read.action, read.operation, read.record_person) == (
        "pay.slip",
        Action.READ,
        Operation.CONSULTATION,
        "40012",
    )
    assert (write.action, write.operation) == (Action.WRITE, Operation.ALTERATION)


def test_a_request_means_what_it_would_mean_here(
    decisions: AskedDecisions, front_world: World
) -> None:
    catalogue = front_world.engine.policy_set.catalogue
    match = decisions.match(catalogue, question(OWN_PAYSLIP, "GET"))

    assert match == catalogue.match("GET", "/OA_HTML/OA.jsp", [("OAFunc", "XX_PAYSLIP")])
    with pytest.raises(TargetError):
        decisions.match(catalogue, question("/OA_HTML//OA.jsp", "GET"))


@pytest.mark.parametrize("resource", ["no.such", "gate.audit", "/-/portal", "/no/such"])
def test_what_is_unknown_or_the_gates_own_means_nothing(
    decisions: AskedDecisions, front_world: World, resource: str
) -> None:
    action = "GET" if resource.startswith("/") else "read"
    catalogue = front_world.engine.policy_set.catalogue

    assert decisions.match(catalogue, question(resource, action)) is None


def test_a_request_of_a_system_with_a_host_of_its_own_means_nothing(front_world: World) -> None:
    catalogue = front_world.engine.policy_set.catalogue
    match = catalogue.match("GET", "/OA_HTML/OA.jsp", [("OAFunc", "XX_PAYSLIP")])
    assert match is not None
    apart = AskedDecisions(NOTHING, Presence(), frozenset({match.function.system}))

    assert apart.match(catalogue, question(OWN_PAYSLIP, "GET")) is None
    assert apart.match(catalogue, question("pay.slip")) is not None

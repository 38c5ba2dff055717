"""What functions ask beyond the decision: asked once a request is permitted, and recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.audit.entry import Outcome
from tests.gateway.stand import OWN_PAYSLIP, SAME, field_of, stand, status_of

if TYPE_CHECKING:
    from gateway.keys import KeyRing
    from tests.gateway.pages.world import World

SIT = "/OA_HTML/OA.jsp?OAFunc=XX_SIT"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


async def test_what_is_not_fulfilled_is_recorded_as_a_denial_of_the_function(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    """Auditors find it by the function, the rules that permitted, and its own code."""
    async with stand(tmp_path, front_world, record_keys) as gate:
        token = gate.firefighter()
        answer = await gate.ask(SIT, token=token, method="POST", more=SAME + FORM, body="a=1")
        (draft,) = gate.drafts

        assert status_of(answer) == 403
        assert b"My declarations" in answer
        assert field_of(answer, "Gateway-Reference") == draft.reference
        assert (draft.outcome, draft.code) == (Outcome.DENY, "page-unknown")
        assert (draft.function, draft.agreement) == ("hr.sit", "cheshire-blue-light-2018")
        assert draft.rules
        assert gate.act.grants == []


async def test_who_may_not_anyway_is_told_that_and_nothing_of_conditions(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    async with stand(tmp_path, front_world, record_keys) as gate:
        token, _ = gate.parts.sign_in()
        answer = await gate.ask(SIT, token=token, method="POST", more=SAME + FORM, body="a=1")
        (draft,) = gate.drafts

        assert status_of(answer) == 403
        assert draft.code == "clearance-too-low"


async def test_functions_that_declare_nothing_are_not_asked(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    async with stand(tmp_path, front_world, record_keys) as gate:
        functions = gate.engine.policy_set.catalogue.functions
        answer = await gate.ask(OWN_PAYSLIP, token=gate.firefighter())

        assert (functions["hr.sit"].conditional, functions["pay.slip"].conditional) == (True, False)
        assert status_of(answer) == 200

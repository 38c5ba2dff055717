"""What functions ask beyond the decision: asked once a request is permitted, and recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from gateway.audit.entry import Outcome
from gateway.bulletin import person_subject
from gateway.given_purposes import GivenPurposes
from gateway.identity.factors.factor_seal import FactorSeal
from gateway.identity.factors.kept_forms import KeptForms
from gateway.store.engine import writing
from policies.catalogue import Catalogue, Operation
from policies.engine import Engine
from tests.gateway.identity.parts import AT
from tests.gateway.proxied import asked, listed, proxied_stand
from tests.gateway.stand import OWN_PAYSLIP, SAME, Stand, field_of, stand, status_of
from tests.policies.people import rule_text, with_function, with_rules
from vetting.grants import GrantStatus

if TYPE_CHECKING:
    from gateway.keys import KeyRing
    from tests.gateway.pages.world import World

LEAVE = "/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS"
PDR = "/OA_HTML/OA.jsp?OAFunc=XX_PDR"
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


async def test_what_only_the_gate_itself_can_see_to_is_left_to_no_proxy(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    """It sees neither the page that is answered, nor where the back office leads."""
    async with proxied_stand(tmp_path, front_world, record_keys, listed()) as gate:
        answer = await asked(gate, SIT, token=gate.firefighter())
        (draft,) = gate.drafts

        assert (status_of(answer), field_of(answer, "Gateway-Status")) == (403, "403")
        assert (draft.outcome, draft.code) == (Outcome.DENY, "obligation-not-fulfilled")
        assert (draft.function, draft.obligations) == ("hr.sit", ("told-to:front",))


async def test_functions_that_declare_nothing_are_not_asked(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    async with stand(tmp_path, front_world, record_keys) as gate:
        with writing(gate.parts.store) as connection:
            for table in ("upstream_transaction", "given_purpose", "rate_use"):
                connection.execute(text(f"DROP TABLE {table}"))

        assert status_of(await gate.ask(OWN_PAYSLIP, token=gate.firefighter())) == 200


# ---- obligations ---------------------------------------------------------------------------------


def bind(gate: Stand, folder: Path, obligations: str, actions: str = '["read", "write"]') -> None:
    """Put a policy set in force in which the permits for one's payslip and leave are bound."""
    folder.mkdir(exist_ok=True)
    text = rule_text(
        'organisation_kind = ["fire"]',
        functions='["pay.slip", "hr.absence", "pay.bank"]',
        actions=actions,
        more=f"obligations = {{ {obligations} }}",
    )
    gate.engine.put(Engine.compile(with_rules(folder, text)))


async def test_a_purpose_is_asked_for_and_recorded_with_what_follows(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    """The code in clear, the words encrypted; what was asked before it is a denial."""
    async with stand(tmp_path, front_world, record_keys) as gate:
        bind(gate, tmp_path / "rules", 'purpose = ["audit", "complaint"], purpose_text = true')
        gate.hold("DBSB")
        token, session = gate.parts.sign_in()
        led = await gate.ask(token=token)
        told = await gate.ask(token=token, accept="application/json")
        gate.purposes.keep(session.hash, "pay.slip", code="audit", text="about Alice", at=AT)
        opened = await gate.ask(token=token)
        elsewhere = await gate.ask(LEAVE, token=token)
        asked, _, permit = gate.drafts[:3]

        assert status_of(led) == 303
        assert field_of(led, "Location") == (
            "/-/purpose?for=pay.slip&codes=audit,complaint&text=1"
            "&next=/OA_HTML/OA.jsp%3FOAFunc%3DXX_PAYSLIP"
        )
        assert (status_of(told), b'"code":"purpose-needed"' in told) == (403, True)
        assert (status_of(opened), status_of(elsewhere)) == (200, 303)
        assert (asked.outcome, asked.code) == (Outcome.DENY, "purpose-needed")
        assert permit.outcome is Outcome.PERMIT
        assert permit.obligations == ("purpose:audit|complaint", "purpose-given:audit")
        assert json.loads(permit.detail) == {"purpose": "about Alice"}

    assert gate.record.drain() >= 3
    (row,) = gate.record.search(reference=permit.reference).rows
    assert "purpose-given:audit" in row.clear["obligations"]
    assert "about Alice" not in json.dumps(row.clear)


async def test_a_purpose_that_will_not_do_is_asked_for_again(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    async with stand(tmp_path, front_world, record_keys) as gate:
        bind(gate, tmp_path / "rules", 'purpose = ["audit"]')
        gate.hold("DBSB")
        token, session = gate.parts.sign_in()
        gate.purposes.keep(session.hash, "pay.slip", code="complaint", text="", at=AT)
        refused = await gate.ask(token=token)
        # Given anew, in another worker: what this one remembers must not stand in its way.
        GivenPurposes(gate.parts.store, FactorSeal([bytes(32)])).keep(
            session.hash, "pay.slip", code="audit", text="", at=AT
        )

        assert (status_of(refused), status_of(await gate.ask(token=token))) == (303, 200)


async def test_a_form_waits_for_the_purpose_and_is_sent_after_it(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    async with stand(tmp_path, front_world, record_keys) as gate:
        bind(gate, tmp_path / "rules", 'purpose = ["audit"]')
        gate.hold("DBSB")
        token, session = gate.parts.sign_in()
        answer = await gate.ask(LEAVE, token=token, method="POST", more=SAME + FORM, body="a=1")
        form = KeptForms(gate.parts.store, FactorSeal([bytes(32)])).take(session.hash, at=AT)

        assert status_of(answer) == 303
        assert field_of(answer, "Location").endswith("codes=audit&next=/-/step-up/continue")
        assert form is not None
        assert (form.target, form.fields, form.waits_for) == (LEAVE, (("a", "1"),), "purpose")
        assert gate.act.visits == []


async def test_a_second_factor_comes_before_the_purpose(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    async with stand(tmp_path, front_world, record_keys) as gate:
        bind(gate, tmp_path / "rules", 'purpose = ["audit"]')
        answer = await gate.ask("/OA_HTML/OA.jsp?OAFunc=XX_BANK", token=gate.firefighter())

        assert field_of(answer, "Location").startswith("/-/step-up?next=")


async def test_who_may_only_look_changes_nothing(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    """Neither by a method that changes, nor by a GET that the catalogue says changes something."""
    async with stand(tmp_path, front_world, record_keys) as gate:
        bind(gate, tmp_path / "rules", "read_only = true")
        token = gate.firefighter()
        looked = await gate.ask(LEAVE, token=token)
        asked = {"token": token, "accept": "application/json"}
        sent = await gate.ask(LEAVE, method="POST", more=SAME + FORM, body="a=1", **asked)
        policy_set = gate.engine.policy_set
        (matcher, *_) = policy_set.catalogue.functions["pay.slip"].matchers
        erasing = (replace(matcher, operation=Operation.ERASURE),)
        gate.engine.put(Engine.compile(with_function(policy_set, "pay.slip", matchers=erasing)))
        hidden = await gate.ask(**asked)

        assert [status_of(each) for each in (looked, sent, hidden)] == [200, 403, 403]
        assert b'"code":"read-only"' in sent
        assert b'"code":"read-only"' in hidden
        assert [each.code for each in gate.drafts if each.outcome is Outcome.DENY] == [
            "read-only"
        ] * 2
        assert len(gate.act.visits) == 1


async def test_who_uses_it_too_often_waits_and_is_told_how_long(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    """Also where another worker has counted, and across sessions of the same person."""
    async with stand(tmp_path, front_world, record_keys) as gate:
        bind(gate, tmp_path / "rules", "rate = { most = 2, minutes = 10 }")
        token = gate.firefighter()
        again = gate.parts.sign_in()[0]
        first = [await gate.ask(token=each) for each in (token, again)]
        gate.at_us += 60_000_000
        third = await gate.ask(token=token)
        told = await gate.ask(token=again, accept="application/json")
        gate.at_us += 9 * 60_000_000
        later = await gate.ask(token=token)

        assert [status_of(each) for each in (*first, third, told, later)] == [
            200,
            200,
            429,
            429,
            200,
        ]
        assert (field_of(third, "Retry-After"), b"as often as you may" in third) == ("540", True)
        assert b'"code":"rate-exceeded"' in told
        denied = [each for each in gate.drafts if each.outcome is Outcome.DENY]
        assert [each.code for each in denied] == ["rate-exceeded"] * 2
        assert denied[0].function == "pay.slip"
        assert denied[0].obligations == ("rate:2/10",)


@pytest.mark.parametrize("kind", ['mask = ["bank-details"]', "watermark = true"])
async def test_what_is_done_to_an_answer_is_left_to_the_act_and_to_no_proxy(
    tmp_path: Path, front_world: World, record_keys: KeyRing, kind: str
) -> None:
    """A proxy passes on what the back office answers, and nobody here sees it."""
    async with proxied_stand(tmp_path, front_world, record_keys, listed()) as gate:
        bind(gate, tmp_path / "rules", kind)
        told = await asked(gate, OWN_PAYSLIP, token=gate.firefighter())
        (refused,) = gate.drafts

        assert (status_of(told), field_of(told, "Gateway-Status")) == (403, "403")
        assert (refused.outcome, refused.code) == (Outcome.DENY, "obligation-not-fulfilled")
        assert refused.obligations[0].partition(":")[0] in {"mask", "watermark"}

    (tmp_path / "here").mkdir()
    async with stand(tmp_path / "here", front_world, record_keys) as gate:
        bind(gate, tmp_path / "rules", kind)
        assert status_of(await gate.ask(token=gate.firefighter())) == 200
        (granted,) = gate.act.grants
        assert granted is not None
        assert granted.decision.obligations.words == refused.obligations[:1]


@pytest.mark.parametrize("kind", ['mask = ["bank-details"]', "watermark = true"])
async def test_nobody_opens_a_websocket_under_what_is_done_to_answers(
    tmp_path: Path, front_world: World, record_keys: KeyRing, kind: str
) -> None:
    """What is said over it is read by nobody here."""
    upgrade = (
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://gate\r\n"
    )
    async with stand(tmp_path, front_world, record_keys) as gate:
        (tmp_path / "rules").mkdir()
        codes, token = [], gate.firefighter()
        for more in ("", f"obligations = {{ {kind} }}"):
            text = rule_text(
                'organisation_kind = ["fire"]',
                functions='["ict.ticket"]',
                actions='["read", "write"]',
                more=more,
            )
            gate.engine.put(Engine.compile(with_rules(tmp_path / "rules", text)))
            await gate.ask("/ict/tickets/1/live", token=token, more=upgrade)
            codes.append([(draft.outcome, draft.code) for draft in gate.drafts[-1:]])
            gate.drafts.clear()

        assert codes[0] != codes[1]
        assert codes[1] == [(Outcome.DENY, "obligation-not-fulfilled")]


@pytest.mark.parametrize("kind", ['mask = ["bank-details"]', "watermark = true"])
async def test_the_gates_own_pages_are_not_masked_so_they_do_not_open(
    tmp_path: Path, front_world: World, record_keys: KeyRing, kind: str
) -> None:
    async with stand(tmp_path, front_world, record_keys) as gate:
        (tmp_path / "rules").mkdir()
        bound = rule_text(
            'organisation_kind = ["fire"]',
            functions='["gate.portal"]',
            more=f"obligations = {{ {kind} }}",
        )
        gate.engine.put(Engine.compile(with_rules(tmp_path / "rules", bound)))
        answer = await gate.ask("/-/portal", token=gate.firefighter())

        assert status_of(answer) == 403
        assert gate.drafts[-1].code == "obligation-not-fulfilled"


# ---- vetting under review ------------------------------------------------------------------------


def review(gate: Stand) -> None:
    """Put what the firefighter holds under review, and tell everybody."""
    with writing(gate.parts.store) as connection:
        gate.parts.register.change_status(
            connection, "DBSB-cheshire-fire-40011", GrantStatus.UNDER_REVIEW, by="test", at=AT
        )
        gate.parts.bulletin.announce(connection, person_subject("cheshire-fire/40011"), AT)
    gate.parts.bulletin.ring()


async def test_who_is_under_review_says_why_they_open_what_is_sensitive(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    """They go on working; what is merely OFFICIAL asks nothing, and operators hear of the rest."""
    async with stand(tmp_path, front_world, record_keys) as gate:
        gate.hold("DBSB")
        token, session = gate.parts.sign_in()
        before = await gate.ask(PDR, token=token)
        review(gate)
        plain, led = await gate.ask(token=token), await gate.ask(PDR, token=token)
        told = await gate.ask(PDR, token=token, accept="application/json")
        gate.purposes.keep(session.hash, "perf.pdr", code="casework", text="Case 7", at=AT)
        opened = await gate.ask(PDR, token=token)

        assert [status_of(each) for each in (before, plain, led, told, opened)] == [
            *(200, 200, 303, 403, 200)
        ]
        assert field_of(led, "Location").startswith("/-/purpose?for=perf.pdr&codes=assurance,")
        assert b'"code":"purpose-needed"' in told
        permit = [each for each in gate.drafts if each.function == "perf.pdr"][-2]
        assert permit.obligations == ("purpose-given:casework", "vetting-under-review")
        assert json.loads(permit.detail) == {"purpose": "Case 7"}
        (line,) = [each for each in gate.logged if "under review" in each["event"]]
        assert (line["log_level"], line["function"]) == ("warning", "perf.pdr")
        assert line["reference"] == permit.reference


async def test_where_no_purpose_can_be_asked_nothing_sensitive_opens_under_review(
    tmp_path: Path, front_world: World, record_keys: KeyRing
) -> None:
    async with stand(tmp_path, front_world, record_keys) as gate:
        catalogue = Catalogue(gate.engine.policy_set.catalogue.functions.values())
        gate.engine.put(Engine.compile(replace(gate.engine.policy_set, catalogue=catalogue)))
        token = gate.firefighter()
        review(gate)
        answer = await gate.ask(PDR, token=token, accept="application/json")

        assert (status_of(answer), gate.act.visits) == (403, [])
        assert b'"code":"obligation-not-fulfilled"' in answer

"""A morning in the record: what the people of the demonstration did, decided by the real engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from gateway.audit.entry import Kind, Outcome, Phase
from gateway.audit.search import AuditRow
from policies.engine import Engine
from policies.question import Question, Subject
from tests.gateway.pages.people import AT

ROUNDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What somebody does.

    Attributes:
        who: username, or empty for a stranger.
        function: what they open; empty for a sign-in or an unknown address.
        of: employee number of another person that the request names.
        status: of the answer, when one was passed on.
        code: for what no engine decides.
        organisation: for a stranger.
    """

    who: str = ""
    function: str = ""
    of: str | None = None
    status: int = 200
    code: str = ""
    organisation: str = ""


STORY = (
    Step(who="firefighter", code="signed-in"),
    Step(who="firefighter", function="gate.portal"),
    Step(who="firefighter", function="pay.slip"),
    Step(who="firefighter", function="pay.slip", of="40012"),
    Step(who="firefighter", function="pay.bank"),
    Step(code="function-unknown"),
    Step(who="watch-manager", function="hr.team.basic"),
    Step(who="fire-lapsed", function="hr.search"),
    Step(who="paramedic", function="est.job"),
    Step(organisation="nwas", code="wrong-credentials"),
    Step(who="constable", function="duty.me", status=504),
    Step(who="auditor", function="gate.audit"),
)


def morning(engine: Engine, staff: dict[str, Subject]) -> list[AuditRow]:
    """Tell the story a few times over, oldest first; results take places of their own."""
    rows: list[AuditRow] = []
    index = 0
    for number in range(ROUNDS * len(STORY)):
        turn, place = divmod(number, len(STORY))
        row = _row(engine, staff, STORY[place], index, f"{turn}7H3K9QZ{place:02d}")
        rows.append(row)
        index = (row.result.index if row.result else row.index) + 1
    return rows


def _row(
    engine: Engine, staff: dict[str, Subject], step: Step, index: int, reference: str
) -> AuditRow:
    at = AT - timedelta(hours=2) + timedelta(seconds=23 * index)
    subject = staff.get(step.who)
    organisation = subject.organisation if subject else step.organisation
    clear: dict[str, Any] = {"v": 1, "id": f"{index:032x}", "time": 0, "reference": reference}
    clear |= {"organisation": organisation, "method": "GET", "writer": "w1", "wseq": index + 1}
    personal = {"ip": "10.40.2.17", "agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"}
    kind, outcome = Kind.SIGNIN, Outcome.PERMIT if subject else Outcome.DENY
    if step.code == "function-unknown":
        kind = Kind.ACCESS
    if subject is not None:
        personal |= {"actor_name": f"{step.who}@{organisation}", "staff_id": subject.staff_id}
        held = " ".join(grant.level for grant in subject.clearance.held(at=at))
        clear |= {"vetting": held}
    clear["code"] = step.code
    if subject is not None and step.function:
        kind = Kind.ACCESS
        function = engine.policy_set.catalogue.functions[step.function]
        decision = engine.decide(
            Question(
                subject=subject,
                function=function,
                action="read",
                at=AT,
                record_person=step.of,
                record_organisation=organisation if step.of else None,
                factors=frozenset({"password"}),
            )
        )
        outcome = Outcome(decision.effect.value)
        if step.of:
            personal["subject"] = f"{organisation}/{step.of}"
        clear |= {
            "function": function.id,
            "op": "consultation",
            "system": function.system,
            "classification": function.classification.value,
            "regime": function.regime.value,
            "agreement": decision.agreement_id or "",
            "rules": list(decision.rule_ids),
            "policy": decision.policy_digest,
            "obligations": list(decision.obligations.words),
            "code": decision.reason.value,
            "inputs": decision.results.to_text(),
            "route": function.matchers[0].path,
        }
    row = AuditRow(
        index=index,
        id=index.to_bytes(16, "big"),
        at=at,
        kind=kind,
        phase=Phase.DECISION,
        outcome=outcome,
        reference=reference,
        organisation=organisation,
        function=step.function,
        flag=0,
        clear=clear,
        personal=personal,
        personal_state="shown",
    )
    if kind is not Kind.ACCESS or outcome is not Outcome.PERMIT:
        return row
    return _closed(row, step)


def _closed(row: AuditRow, step: Step) -> AuditRow:
    failed = step.status >= 500
    clear: dict[str, Any] = {"status": step.status, "duration_us": 40_731, "bytes_out": 18_204}
    if failed:
        clear = {"status": step.status, "duration_us": 10_004_112, "code": "upstream-late"}
    result = AuditRow(
        index=row.index + 1,
        id=(row.index + 1).to_bytes(16, "big"),
        at=row.at,
        kind=row.kind,
        phase=Phase.RESULT,
        outcome=Outcome.ERROR if failed else Outcome.PERMIT,
        reference=row.reference,
        organisation=row.organisation,
        function=row.function,
        flag=0,
        clear=clear,
    )
    return replace(row, result=result)

"""What an entry says of a visit: decisions, and refusals that came before any decision.

Clear fields hold codes, never a person and never a value from a request; the personal ones are
encrypted by the recorder.
"""

import json
from dataclasses import fields
from typing import Final
from urllib.parse import unquote

from gateway.audit.entry import Closing, EntryDraft, Kind, Outcome, new_entry_id
from gateway.store.schema import microseconds
from gateway.visit import Visit
from gateway.wire.tunnel import BY_CLIENT, BY_SYSTEM
from policies.catalogue import GATEWAY_SYSTEM, Function, Match, Operation, RecordPlace, Scope
from policies.decision import Decision
from policies.question import Question, Subject

PURPOSE_GIVEN = "purpose-given"
"""Stands before the code of the purpose, among the obligations of an entry."""

TOLD_TO = "told-to"
"""Stands before the id of the proxy that was told, among the obligations of an entry: it alone
knows how the request ended."""

_PERSON_PAGE = frozenset({"organisation", "number"})
UNDER_REVIEW = "vetting-under-review"
"""Stands there of whoever opened something sensitive while their vetting is under review."""

ENDED_WELL: Final = frozenset({BY_CLIENT, BY_SYSTEM})
"""Codes of ends that say who ended what could have gone on; nothing failed."""

_OWN_KINDS = {"gate.audit": Kind.AUDIT_QUERY}
"""Functions of the gateway whose use is another kind of act than access."""


def decision_draft(
    visit: Visit,
    question: Question,
    decision: Decision,
    match: Match | None,
    *,
    host: str,
) -> EntryDraft:
    """Draft the entry of a decision.

    Args:
        visit: the visit.
        question: what was asked.
        decision: the answer.
        match: what the request means; None when it means nothing known.
        host: the organisation whose back office it is.
    """
    subject = question.subject
    function = question.function
    draft = _draft(visit, Kind.ACCESS if match is None else _kind(match), visit.entry_id)
    draft.outcome = Outcome.PERMIT if decision.permitted else Outcome.DENY
    draft.code = decision.reason if match else "function-unknown"
    draft.policy = decision.policy_digest
    draft.rules = decision.rule_ids
    draft.obligations = decision.obligations.words
    given = visit.purpose
    if given is not None:
        draft.obligations += (f"{PURPOSE_GIVEN}:{given.code}",)
        if visit.live is not None and visit.live.under_review:
            draft.obligations += (UNDER_REVIEW,)
        if given.text:
            draft.detail = json.dumps({"purpose": given.text}, ensure_ascii=False)
    if visit.asking is not None:
        draft.obligations += (f"{TOLD_TO}:{visit.asking.proxy}",)
    draft.agreement = decision.agreement_id or ""
    draft.inputs = decision.results.to_text()
    _name_actor(draft, visit, subject)
    if match is not None:
        draft.function = function.id
        draft.regime = function.regime
        draft.classification = function.classification
        draft.system = function.system
        draft.op = match.operation
        if decision.discloses and draft.op is Operation.CONSULTATION:
            draft.op = Operation.DISCLOSURE
        draft.route = match.route
        draft.subject = _whose(question, match)
        if match.operation is Operation.DISCLOSURE or subject.organisation != host:
            draft.recipient = subject.organisation
    return draft


def refusal_draft(visit: Visit, kind: Kind, code: str, status: int) -> EntryDraft:
    """Draft the entry of a refusal that no decision stands behind."""
    draft = _draft(visit, kind)
    draft.outcome = Outcome.DENY if status < 500 else Outcome.ERROR  # noqa: PLR2004
    draft.code = code
    draft.status = status
    if visit.live is not None:
        _name_actor(draft, visit, visit.live.subject)
    return draft


def leak_draft(visit: Visit, system: str, function: Function | None, code: str) -> EntryDraft:
    """Draft the alarm over an answer that was marked higher than it may be shown.

    Args:
        visit: the visit; its decision has an entry of its own.
        system: which answered.
        function: what was asked for; None for a style sheet and the like.
        code: what is wrong with the marking.
    """
    draft = _draft(visit, Kind.LEAK)
    draft.code, draft.system, draft.status = code, system, 403
    if function is not None:
        draft.function, draft.regime = function.id, function.regime
        draft.classification = function.classification
    if visit.live is not None:
        _name_actor(draft, visit, visit.live.subject)
    return draft


def ending_draft(
    decision: EntryDraft, ended: Closing, code: str, done: tuple[str, ...] = ()
) -> EntryDraft:
    """Draft the entry that closes a visit of which there is more to say than that it ended.

    Args:
        decision: the entry of its decision.
        ended: how it ended.
        code: what failed, or who ended it; empty where it ended as permitted.
        done: what was done to the answer.
    """
    _, at_us, status, bytes_out, bytes_in, duration_us = ended
    well = not code or code in ENDED_WELL
    result = decision.result(Outcome.PERMIT if well else Outcome.ERROR, at_us=at_us)
    result.obligations = done
    result.status, result.code, result.duration_us = status, code, duration_us
    result.bytes_out, result.bytes_in = bytes_out, bytes_in
    return result


def taken_back_draft(visit: Visit, question: Question, decision: Decision) -> EntryDraft:
    """Draft the entry of a decision by which what was permitted may not go on.

    Args:
        visit: what runs.
        question: what was asked again; its instant is now.
        decision: the denial.
    """
    at_us = microseconds(question.at)
    facts = {each.name: getattr(visit.draft, each.name) for each in fields(EntryDraft)}
    draft = EntryDraft(**{**facts, "id": new_entry_id(at_us), "at_us": at_us})
    draft.outcome, draft.code = Outcome.DENY, decision.reason
    draft.policy, draft.rules = decision.policy_digest, decision.rule_ids
    draft.agreement, draft.inputs = decision.agreement_id or "", decision.results.to_text()
    draft.obligations, draft.detail = decision.obligations.words, ""
    if visit.live is not None:
        visit.live.facts(question.at)  # as they are now, not when it began
    _name_actor(draft, visit, question.subject)
    return draft


def _draft(visit: Visit, kind: Kind, entry_id: bytes = b"") -> EntryDraft:
    return EntryDraft(
        id=entry_id,
        kind=kind,
        at_us=visit.at_us,
        reference=visit.reference,
        method=visit.method,
        ip=visit.ip,
        agent=visit.agent,
        target=_target(visit),
    )


def _kind(match: Match) -> Kind:
    return _OWN_KINDS.get(match.function.id, Kind.ACCESS)


def _name_actor(draft: EntryDraft, visit: Visit, subject: Subject) -> None:
    draft.organisation = subject.organisation
    draft.staff_id = subject.staff_id
    if visit.live is not None:
        facts = visit.live.facts(visit.at)
        draft.vetting = facts.levels
        draft.vetting_expires = facts.ends_on
        draft.roles = facts.roles
        draft.actor_name = facts.address
        draft.session = facts.session
        draft.auth = facts.factors


def _whose(question: Question, match: Match) -> str:
    """Say whose data it is, as the register writes a person; empty where it is nobody's."""
    named = match.bindings
    if named and match.function.system == GATEWAY_SYSTEM and named.keys() >= _PERSON_PAGE:
        # A page of ours about one person says in its address whose employee the number is.
        return f"{unquote(named['organisation'])}/{unquote(named['number'])}"
    if question.record_person is not None:
        return f"{question.record_organisation or '?'}/{question.record_person}"
    record = question.function.record
    if question.function.scope is Scope.OWN or (record and RecordPlace.PATH not in record.where):
        return f"{question.subject.organisation}/{question.subject.employee_number}"
    return ""


def _target(visit: Visit) -> str:
    """Give the canonical path and the names of the parameters, without their values.

    Before it stands the host, where that is not the gateway's.
    """
    if visit.target is None:
        return visit.incoming.head.target[:200].decode("ascii", "backslashreplace")
    target = visit.target
    path = target.path if target.host is None else f"//{target.host.authority}{target.path}"
    return path + "?" + "&".join(name for name, _ in target.query) if target.query else path

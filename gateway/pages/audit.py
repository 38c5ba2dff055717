"""The record, for auditors: find what happened, and read one entry whole.

Reading the record is itself recorded, by the same gate as everything else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flask import Response, request

from gateway.pages import local_time
from gateway.pages.audit_filter import AUDIT, OUTCOMES, PAGE_SIZE, AuditSearch
from gateway.pages.page import PageKit, PageRequest, Route

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from gateway.audit.search import AuditRow
    from policies.function import Function

FUNCTION = "gate.audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLine:
    """One entry as a row of the table.

    Attributes:
        position: in the log.
        url: of the entry.
        at: when.
        person: the actor's name, or what stands for it.
        organisation: the name of the actor's organisation.
        what: the function in words, or the act.
        detail: its id.
        is_result: whether it closes a visit.
        ended: of a result, how: status and time taken.
        result: of a decision, the result that closes it, when that is on the same page.
        outcome: in words.
        tag: the colour of the outcome's tag; the word is always there too.
        reason: the code in words.
        reference: of the visit.
        count: how many like events it stands for.
    """

    position: int
    url: str
    at: datetime
    person: str
    organisation: str
    what: str
    detail: str
    is_result: bool
    ended: str
    outcome: str
    tag: str
    reason: str
    reference: str
    count: int
    result: EntryLine | None = None


class AuditPage:
    """The record, read only."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses."""
        return (Route(rule=AUDIT, endpoint="audit", view=self.show, guarded_by=FUNCTION),)

    def show(self) -> Response:
        """Show the entries that match, or the one at `entry`; `format=json` gives them as data."""
        page = self._kit.open_request()
        search = AuditSearch.from_query(request.args)
        if search.entry is not None:
            return self._entry(page, search)
        if search.errors:
            return self._list(page, search, rows=(), next_before=None, status=400)
        found = self._kit.services.search_record(search.to_filter())
        if request.args.get("format") == "json":
            return _as_json(found.rows, found.next)
        return self._list(page, search, rows=found.rows, next_before=found.next)

    def _list(
        self,
        page: PageRequest,
        search: AuditSearch,
        *,
        rows: tuple[AuditRow, ...],
        next_before: int | None,
        status: int = 200,
    ) -> Response:
        functions = self._kit.services.engine().policy_set.catalogue.functions
        return page.respond(
            "audit.html",
            status=status,
            errors=search.errors,
            error_list=[
                {"text": text, "href": f"#{field}"} for field, text in search.errors.items()
            ],
            values=search.values,
            lines=folded(self._line(row, functions, search) for row in rows),
            count=len(rows),
            is_narrowed=search.is_narrowed,
            is_first=search.before is None,
            next_url=search.url(before=str(next_before)) if next_before is not None else "",
            first_url=search.url() if search.before is not None else "",
            json_url=search.url(
                format="json", before="" if search.before is None else str(search.before)
            ),
            functions=sorted(functions.values(), key=lambda function: function.id),
            organisations=self._kit.services.organisations,
            outcomes=OUTCOMES,
            page_size=PAGE_SIZE,
        )

    def _entry(self, page: PageRequest, search: AuditSearch) -> Response:
        services = self._kit.services
        found = services.search_record(AuditSearch.to_filter(search))
        row = next((row for row in found.rows if row.position == search.entry), None)
        if row is None:
            return page.respond("audit_unknown.html", status=404)
        functions = services.engine().policy_set.catalogue.functions
        visit = (
            services.search_record(search.filter_of_visit(row.reference)).rows
            if row.reference
            else (row,)
        )
        return page.respond(
            "audit_entry.html",
            line=self._line(row, functions, search),
            groups=describe(row),
            visit=[self._line(other, functions, search) for other in visit],
        )

    def _line(
        self, row: AuditRow, functions: Mapping[str, Function], search: AuditSearch
    ) -> EntryLine:
        organisation = self._kit.services.organisation(row.organisation)
        function = functions.get(row.function)
        outcome, tag = _OUTCOMES.get(row.outcome, (row.outcome, "grey"))
        is_result = row.phase == "result"
        return EntryLine(
            position=row.position,
            url=search.url(entry=str(row.position)),
            at=local_time.from_microseconds(row.at_us),
            person=row.actor_name or ("" if is_result else "Nobody signed in"),
            organisation=organisation.name if organisation else row.organisation,
            what=function.title if function else _KINDS.get(row.kind, row.kind),
            detail=row.function or row.kind,
            is_result=is_result,
            ended=_ended(row) if is_result else "",
            outcome=outcome,
            tag=tag,
            reason=row.code.replace("-", " ").capitalize(),
            reference=row.reference,
            count=row.count,
        )


def folded(lines: Iterable[EntryLine]) -> tuple[EntryLine, ...]:
    """Put each result with its decision into one line, when both are there.

    Args:
        lines: newest first, so that a result comes before its decision.
    """
    results: dict[str, EntryLine] = {}
    kept: list[EntryLine | None] = []
    places: dict[str, int] = {}
    for line in lines:
        if line.is_result and line.reference:
            results[line.reference] = line
            places[line.reference] = len(kept)
            kept.append(line)
        elif line.reference in results:
            # The visit stands where its decision does; its result is no line of its own then.
            kept[places[line.reference]] = None
            kept.append(replace(line, result=results.pop(line.reference)))
        else:
            kept.append(line)
    return tuple(line for line in kept if line is not None)


def _ended(row: AuditRow) -> str:
    status = f"status {row.status}" if row.status else "no answer"
    return f"{status}, {row.duration_us / 1000:,.0f} ms" if row.duration_us else status


def describe(row: AuditRow) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Say everything an entry holds, in groups of (name, value); what is empty is left out."""
    groups = (
        (
            "Who",
            (
                ("Name", row.actor_name),
                ("Organisation", row.organisation),
                ("Staff id", row.staff_id),
                ("Vetting held", row.vetting),
                ("Vetting ends", row.vetting_expires),
                ("Appointed as", row.roles),
                ("Signed in by", row.auth),
            ),
        ),
        (
            "What",
            (
                ("Kind", _KINDS.get(row.kind, row.kind)),
                ("Function", row.function),
                ("Operation", row.op),
                ("Whose data", row.subject),
                ("Disclosed to", row.recipient),
                ("System", row.system),
                ("Marking", row.classification),
                ("Data protection", _REGIMES.get(row.regime, row.regime)),
            ),
        ),
        (
            "Decision",
            (
                ("Outcome", _OUTCOMES.get(row.outcome, (row.outcome, ""))[0]),
                ("Reason", row.code),
                ("Agreement", row.agreement),
                ("Rules", ", ".join(row.rules)),
                ("Obligations", ", ".join(row.obligations)),
                ("Policy set", row.policy),
            ),
        ),
        (
            "Request",
            (
                ("Method", row.method),
                ("Pattern", row.route),
                ("Target", row.target),
                ("Status", str(row.status) if row.status else ""),
                ("Bytes sent", f"{row.bytes_out:,}" if row.bytes_out else ""),
                ("Bytes received", f"{row.bytes_in:,}" if row.bytes_in else ""),
                ("Took", f"{row.duration_us / 1000:,.1f} ms" if row.duration_us else ""),
                ("Address", row.ip),
                ("Browser", row.agent),
                ("Detail", row.detail),
            ),
        ),
        (
            "Place in the log",
            (
                ("Position", str(row.position)),
                ("Reference", row.reference),
                ("Stands for", f"{row.count} like events" if row.count > 1 else ""),
            ),
        ),
    )
    filled = (
        (title, tuple((name, value) for name, value in pairs if value)) for title, pairs in groups
    )
    return tuple((title, pairs) for title, pairs in filled if pairs)


def _as_json(rows: tuple[AuditRow, ...], next_before: int | None) -> Response:
    body = {
        "entries": [
            {
                "position": row.position,
                "at": local_time.from_microseconds(row.at_us).isoformat(),
                "kind": row.kind,
                "phase": row.phase,
                "outcome": row.outcome,
                "reason": row.code,
                "reference": row.reference,
                "organisation": row.organisation,
                "person": row.actor_name,
                "function": row.function,
                "agreement": row.agreement,
                "rules": list(row.rules),
                "policy": row.policy,
                "method": row.method,
                "route": row.route,
                "status": row.status,
                "count": row.count,
            }
            for row in rows
        ],
        "next_before": next_before,
    }
    return Response(json.dumps(body), content_type="application/json")


_OUTCOMES = {
    "permit": ("Permitted", "green"),
    "deny": ("Refused", "orange"),
    "error": ("Failed", "yellow"),
    "unknown": ("Not known", "grey"),
}

_REGIMES = {"GP": "General processing", "LE": "Law enforcement processing"}

_KINDS = {
    "access": "Access",
    "signin": "Sign-in",
    "signout": "Sign-out",
    "policy_edit": "Change of policy",
    "vetting_change": "Change of the register",
    "key_op": "Use of keys",
    "export": "Export",
    "audit_query": "Reading the record",
    "system": "System",
    "heartbeat": "Heartbeat",
}

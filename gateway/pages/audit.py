"""The record, for auditors: find what happened, and read one entry whole.

Reading the record is itself recorded, by the same gate as everything else.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Response, request

from gateway.pages.audit_filter import AUDIT, FIELDS, AuditSearch
from gateway.pages.entry_words import KINDS, OUTCOMES, EntryLine, entry_groups, entry_line
from gateway.pages.page import PageKit, PageRequest, Route
from policies.decision import Results
from policies.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.audit.search import AuditRow, Page
    from policies.engine import Engine

FUNCTION = "gate.audit"


class AuditPage:
    """The record, read only."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses."""
        return (Route(rule=AUDIT, endpoint="audit", view=self.show, guarded_by=FUNCTION),)

    def show(self) -> Response:
        """Show the acts that match, or the one at `entry`; `format=json` gives them as data."""
        page = self._kit.open_request()
        search = AuditSearch.from_query(request.args)
        if "format" in request.args:
            return self._data(page, search)
        if search.entry is not None:
            return self._entry(page, search)
        if search.errors:
            return self._list(page, search, None)
        return self._list(page, search, self._kit.services.search_record(search.to_filter()))

    def _data(self, page: PageRequest, search: AuditSearch) -> Response:
        """Give what matches as JSON. What is wrong is told, and nothing searched by the rest."""
        errors = dict(search.errors)
        errors |= {name: "Say it once" for name, said in request.args.lists() if len(said) > 1}
        if request.args["format"] != "json":
            errors["format"] = "Write json"
        if errors:
            reference = page.visit.reference
            response = _json({"refused": True, "reference": reference, "errors": errors})
            response.status_code, response.headers["Gateway-Reference"] = 400, reference
            return response
        found = self._kit.services.search_record(search.to_filter())
        entries = [_as_data(row) for row in found.rows]
        return _json({"entries": entries, "next_before": found.next})

    def _list(self, page: PageRequest, search: AuditSearch, found: Page | None) -> Response:
        functions = self._kit.services.engine().policy_set.catalogue.functions
        next_before = found.next if found else None
        return page.respond(
            "audit.html",
            status=200 if found else 400,
            errors=search.errors,
            error_list=[
                {"text": text, "href": f"#{field if field in FIELDS else FIELDS[0]}"}
                for field, text in search.errors.items()
            ],
            values=search.values,
            lines=self._lines(found.rows if found else ()),
            search=search,
            is_first=search.before is None,
            next_url=search.url(before=str(next_before)) if next_before is not None else "",
            first_url=search.url() if search.before is not None else "",
            json_url=search.url(
                format="json", before="" if search.before is None else str(search.before)
            ),
            functions=sorted(functions.values(), key=lambda function: function.id),
            organisations=self._kit.services.organisations,
            kinds=[(kind.value, words) for kind, words in KINDS.items()],
            outcomes=[(outcome.value, words) for outcome, words, _ in OUTCOMES],
        )

    def _entry(self, page: PageRequest, search: AuditSearch) -> Response:
        services = self._kit.services
        found = services.search_record(search.to_filter()).rows
        row = next((row for row in found if row.index == search.entry), None)
        if row is None:
            return page.respond("audit_unknown.html", status=404)
        others = search.filter_of_visit(row.reference) if row.reference else None
        return page.respond(
            "audit_entry.html",
            line=self._lines((row,))[0],
            groups=entry_groups(row),
            steps=explained(row, services.engine()),
            visit=self._lines(services.search_record(others).rows) if others else (),
        )

    def _lines(self, rows: Iterable[AuditRow]) -> list[EntryLine]:
        services = self._kit.services
        functions = services.engine().policy_set.catalogue.functions
        return [entry_line(row, functions, services.organisations) for row in rows]


def explained(row: AuditRow, engine: Engine) -> tuple[str, ...]:
    """Expand the recorded results of a decision into every gate, rule and criterion.

    Returns:
        One statement a line; empty when another policy set decided, when nothing was decided, or
        when the results do not lead to what was recorded, as then there is nothing to vouch for.
    """
    clear = row.clear
    if clear.get("policy") != engine.digest or not isinstance(clear.get("inputs"), str):
        return ()
    try:
        decision = engine.conclude(
            row.function, clear.get("agreement") or None, Results.from_text(clear["inputs"])
        )
        if decision.effect.value != row.outcome.value:
            return ()
        return engine.explain(None, decision).lines()
    except PolicyError:
        return ()


def _json(body: Mapping[str, object]) -> Response:
    return Response(json.dumps(body), content_type="application/json")


def _as_data(row: AuditRow) -> dict[str, Any]:
    return {
        "index": row.index,
        "id": row.id.hex(),
        "at": row.at.isoformat(),
        "flag": row.flag,
        "clear": dict(row.clear),
        "personal": dict(row.personal),
        "personal_state": row.personal_state,
        "result": _as_data(row.result) if row.result is not None else None,
    }

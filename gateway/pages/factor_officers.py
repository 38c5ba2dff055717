"""The security officers' page of second factors: find a person, propose, approve, drop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request

from gateway.identity.factors.factor_reset import ResetRefused
from gateway.pages.factors import told
from gateway.pages.page import PageKit, PageRequest, Route, see_other

if TYPE_CHECKING:
    from gateway.identity.factors.factor_reset import Reset

FUNCTION = "gate.factors"
FACTORS = "/-/factors"
_LONGEST_QUERY = 80

_SAID = {
    "reset-own": "You cannot propose or approve a reset of your own second factors",
    "reset-same-officer": "You proposed this. Another security officer must approve it",
    "reset-waiting": "A reset for this person is waiting already",
    "reset-unknown": "That is not waiting any more",
}


class FactorOfficerPages:
    """What a security officer sees of their organisation's second factors."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses."""
        return (
            Route(rule=FACTORS, endpoint="factors", view=self.show, guarded_by=FUNCTION),
            Route(
                rule=FACTORS,
                endpoint="factors_send",
                view=self.send,
                methods=("POST",),
                guarded_by=FUNCTION,
            ),
        )

    def show(self) -> Response:
        """Show what waits, what happened, and whom a search finds."""
        return self._page(self._kit.open_request())

    def send(self) -> Response:
        """Propose, approve or drop a reset."""
        page = self._kit.open_request()
        if not page.form_is_ours():
            return self._page(page, error="This page was open for too long. Try again")
        office, session = self._kit.services.factor_office, page.live_session
        act, what = request.form.get("act", ""), request.form.get("what", "")
        try:
            match act:
                case "propose":
                    office.propose(session, what, visit=page.visit)
                case "approve":
                    office.approve(session, what, visit=page.visit)
                case "drop":
                    office.drop(session, what, visit=page.visit)
                case _:
                    return self._page(page, error="Choose what is to be done")
        except ResetRefused as error:
            return self._page(page, error=_SAID.get(error.code, "That was not possible"))
        return see_other(f"{FACTORS}?done={act}")

    def _page(self, page: PageRequest, *, error: str = "") -> Response:
        office, session = self._kit.services.factor_office, page.live_session
        query = request.args.get("q", "")[:_LONGEST_QUERY].strip()
        own = page.subject.staff_id
        waiting = office.waiting(session, at=page.at)
        by_person = {each.staff_id for each in waiting}
        return page.respond(
            "factor_officers.html",
            status=409 if error else 200,
            errors=[{"text": error, "href": "#waiting"}] if error else [],
            done=_DONE.get(request.args.get("done", ""), ""),
            query=query,
            found=[
                {
                    "name": staff.name,
                    "person": staff.person,
                    "staff_id": staff.staff_id,
                    "factors": len(standing.factors),
                    "codes_left": standing.codes_left,
                    "may_propose": bool(standing.factors)
                    and staff.staff_id != own
                    and staff.staff_id not in by_person,
                }
                for staff, standing in (office.find(session, query) if query else ())
            ],
            waiting=[_row(each, own) for each in waiting],
            notices=[
                {
                    "at": each.at,
                    "name": each.name,
                    "person": each.person,
                    "sentence": told(each),
                }
                for each in office.notices(session, at=page.at)
            ],
            form_token=page.form_token,
        )


_DONE = {
    "propose": "The reset has been proposed. Another security officer must approve it.",
    "approve": "The second factors have been removed, and the person has been signed out.",
    "drop": "The proposal has been taken back.",
}


def _row(reset: Reset, own: str) -> dict[str, object]:
    return {
        "id": reset.id,
        "name": reset.name,
        "person": reset.person,
        "at": reset.at,
        "by_me": reset.proposed_by == own,
        "about_me": reset.staff_id == own,
    }

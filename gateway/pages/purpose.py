"""Asking what somebody needs a function for, before it opens; then they go on where they were.

A code of the list is chosen; their own words are offered where a rule offers them, and never
demanded. What will do is decided when they go on, not here: whoever changes the address of this
page is asked again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request

from gateway.pages.enrolment import STALE_FORM, asked_next
from gateway.pages.factors import FUNCTION
from gateway.pages.local_path import PORTAL
from gateway.pages.page import PageKit, PageRequest, Route, see_other
from policies.decision import Gate
from policies.function import Action
from policies.question import Question

if TYPE_CHECKING:
    from policies.catalogue import Function
    from policies.obligations import Purpose

PURPOSE = "/-/purpose"
TEXT_CHARACTERS = 500
_FIELDS = ("for", "codes", "text", "next", "code", "words")
_MOST_CODES = 50


class PurposePages:
    """The page that asks for a purpose."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses."""
        return (
            Route(rule=PURPOSE, endpoint="purpose", view=self.show, guarded_by=FUNCTION),
            Route(
                rule=PURPOSE,
                endpoint="purpose_send",
                view=self.send,
                methods=("POST",),
                guarded_by=FUNCTION,
            ),
        )

    def show(self) -> Response:
        """Ask for a purpose."""
        page = self._kit.open_request()
        function, purposes = self._asked(page)
        if function is None or not purposes:
            return see_other(PORTAL)
        return self._ask(page, function, purposes)

    def send(self) -> Response:
        """Keep what was chosen, and go on."""
        page = self._kit.open_request()
        function, purposes = self._asked(page)
        if function is None or not purposes:
            return see_other(PORTAL)
        if not page.form_is_ours():
            return self._ask(page, function, purposes, error=STALE_FORM)
        code, words = request.form.get("code", ""), request.form.get("words", "").strip()
        if code not in {each.code for each in purposes}:
            return self._ask(page, function, purposes, error="Choose what you need it for")
        if len(words) > TEXT_CHARACTERS:
            return self._ask(
                page,
                function,
                purposes,
                error=f"Your own words must be {TEXT_CHARACTERS} characters or fewer",
                at="words",
            )
        text = words if _value("text") else ""
        session = page.live_session.session.hash
        self._kit.services.purposes.keep(session, function.id, code=code, text=text, at=page.at)
        return see_other(asked_next())

    def _asked(self, page: PageRequest) -> tuple[Function | None, list[Purpose]]:
        """Give the function and its purposes; nothing where it is not theirs to know of."""
        if any(len(request.values.getlist(field)) > 1 for field in _FIELDS):
            return None, []
        engine = self._kit.services.engine()
        catalogue = engine.policy_set.catalogue
        function = catalogue.functions.get(_value("for"))
        if function is None:
            return None, []
        decision = engine.decide(
            Question(subject=page.subject, function=function, action=Action.READ, at=page.at)
        )
        if decision.gate in {Gate.FUNCTION, Gate.AGREEMENT}:
            return None, []
        codes = _value("codes").split(",")[:_MOST_CODES]
        known = [catalogue.purposes[code] for code in codes if code in catalogue.purposes]
        return function, sorted(known, key=lambda each: each.title.casefold())

    def _ask(
        self,
        page: PageRequest,
        function: Function,
        purposes: list[Purpose],
        *,
        error: str = "",
        at: str = "code",
    ) -> Response:
        return page.respond(
            "purpose.html",
            status=400 if error else 200,
            errors=[{"text": error, "href": f"#{at}"}] if error else [],
            error=error,
            error_at=at,
            function=function,
            purposes=purposes,
            chosen=_value("code"),
            words=_value("words")[: 2 * TEXT_CHARACTERS],
            characters=TEXT_CHARACTERS,
            offers_text=bool(_value("text")),
            codes=",".join(each.code for each in purposes),
            next=asked_next(),
            form_token=page.form_token,
        )


def _value(name: str) -> str:
    """Give what the form or the address says."""
    return request.form.get(name) or request.args.get(name, "")

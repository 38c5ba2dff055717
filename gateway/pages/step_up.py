"""Showing a second factor: in the midst of work, and as the second step of a sign-in.

Afterwards the person goes on where they were. What they had filled in is shown to them as one
button: it sends those fields to where they belong, through the gate, as if just filled in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request

from gateway.identity.factors.factors import FactorRefused
from gateway.pages.caller import HOST_KEY
from gateway.pages.enrolment import (
    MY_FACTORS,
    NO_ANSWER,
    STALE_FORM,
    Enrolment,
    Place,
    asked_next,
    with_next,
)
from gateway.pages.factors import FUNCTION, STEP_UP
from gateway.pages.local_time import exact_time
from gateway.pages.page import PageKit, PageRequest, Route, see_other
from gateway.system_hosts import CONTINUE

if TYPE_CHECKING:
    from gateway.identity.signing_in.factor_holder import Holder

SECOND_STEP = "/-/sign-in/second-step"
FIRST_APP = "/-/sign-in/add-app"
FIRST_KEY = "/-/sign-in/add-key"

_FIELDS = ("code", "answer", "next")
_SAID = {
    "code-wrong": "That code is not right, or has been used already",
    "key-wrong": "That did not work. Try again, with a key that you have added",
    "key-copied": "That key cannot be used, as there seems to be a copy of it. Tell your "
    "security officer",
    "too-late": STALE_FORM,
}


class StepUpPages:
    """The pages that ask for a second factor."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit
        place = Place(app=FIRST_APP, key=FIRST_KEY, back=SECOND_STEP, back_text="Back")
        self._enrolment = Enrolment(kit, place)

    def routes(self) -> tuple[Route, ...]:
        """List the addresses; those of a sign-in are open, as there is no session yet."""

        def both(rule: str, endpoint: str, function: str | None) -> tuple[Route, Route]:
            show, send = getattr(self, f"show_{endpoint}"), getattr(self, f"send_{endpoint}")
            return (
                Route(rule=rule, endpoint=endpoint, view=show, guarded_by=function),
                Route(
                    rule=rule,
                    endpoint=f"{endpoint}_send",
                    view=send,
                    methods=("POST",),
                    guarded_by=function,
                ),
            )

        return (
            *both(STEP_UP, "step_up", FUNCTION),
            Route(rule=CONTINUE, endpoint="continue", view=self.show_continue, guarded_by=FUNCTION),
            *both(SECOND_STEP, "second_step", None),
            *both(FIRST_APP, "first_app", None),
            *both(FIRST_KEY, "first_key", None),
        )

    # ---- in the midst of work ---------------------------------------------------------------

    def show_step_up(self) -> Response:
        """Ask for a second factor; who has none is led to adding one first."""
        page = self._kit.open_request()
        holder = self._kit.services.factors.holder(page.live_session)
        if not self._kit.services.factors.standing(holder).factors:
            return see_other(with_next(MY_FACTORS, asked_next()))
        return self._ask(page, holder, STEP_UP)

    def send_step_up(self) -> Response:
        """Judge what was shown, and go on with a stronger session."""
        page = self._kit.open_request()
        holder = self._kit.services.factors.holder(page.live_session)
        return self._judge(page, holder, STEP_UP)

    def show_continue(self) -> Response:
        """Show the button that sends what had been filled in, once."""
        page = self._kit.open_request()
        desk = self._kit.services.factors
        holder = desk.holder(page.live_session)
        here = request.environ.get(HOST_KEY, "")
        waits = desk.form_waits(holder, at=page.at)
        if waits is not None and waits != here and (host := self._kit.services.hosts.get(waits)):
            return see_other(host.way_back(CONTINUE))
        form = desk.take_form(holder, at=page.at) if waits == here else None
        if form is not None and form.system != here:
            form = None  # of another tab, kept since we looked: not to be sent from here
        if form is None and waits == here:
            return see_other(with_next(STEP_UP, CONTINUE))
        return page.respond("step_up_continue.html", form=form)

    # ---- as the second step of a sign-in ----------------------------------------------------

    def show_second_step(self) -> Response:
        """Ask for the factor that the sign-in owes, or to add the first one."""
        page, holder = self._stage()
        if holder is None:
            return see_other(with_next("/-/sign-in", asked_next()))
        if not self._kit.services.factors.standing(holder).factors:
            return page.respond(
                "first_factor.html",
                app_url=with_next(FIRST_APP, asked_next()),
                key_url=with_next(FIRST_KEY, asked_next()),
            )
        return self._ask(page, holder, SECOND_STEP)

    def send_second_step(self) -> Response:
        """Judge what was shown, and open the session."""
        page, holder = self._stage()
        if holder is None:
            return see_other(with_next("/-/sign-in", asked_next()))
        return self._judge(page, holder, SECOND_STEP)

    def show_first_app(self) -> Response:
        """Show how to add an authenticator app, within the sign-in."""
        page, holder = self._stage()
        first = self._only_first(page, holder)
        return first or self._enrolment.show_app(page, _present(holder))

    def send_first_app(self) -> Response:
        """Add an authenticator app, and open the session."""
        page, holder = self._stage()
        first = self._only_first(page, holder)
        return first or self._enrolment.send_app(page, _present(holder))

    def show_first_key(self) -> Response:
        """Show how to add a security key, within the sign-in."""
        page, holder = self._stage()
        first = self._only_first(page, holder)
        return first or self._enrolment.show_key(page, _present(holder))

    def send_first_key(self) -> Response:
        """Add a security key, and open the session."""
        page, holder = self._stage()
        first = self._only_first(page, holder)
        return first or self._enrolment.send_key(page, _present(holder))

    def _stage(self) -> tuple[PageRequest, Holder | None]:
        page = self._kit.open_request()
        services = self._kit.services
        token = request.cookies.get(services.cookies.stage.name, "")
        return page, services.factors.stage_holder(token, at=page.at)

    def _only_first(self, page: PageRequest, holder: Holder | None) -> Response | None:
        """Within a sign-in only a first factor is added: who has one shows it."""
        if holder is None:
            return see_other(with_next("/-/sign-in", asked_next()))
        if self._kit.services.factors.missing(holder, at=page.at):
            return see_other(with_next(SECOND_STEP, asked_next()))
        return None

    # ---- both -------------------------------------------------------------------------------

    def _ask(
        self, page: PageRequest, holder: Holder, action: str, *, error: str = "", status: int = 400
    ) -> Response:
        desk = self._kit.services.factors
        standing = desk.standing(holder)
        return page.respond(
            "step_up.html",
            status=status if error else 200,
            errors=[{"text": error, "href": "#code"}] if error else [],
            error=error,
            action=action,
            signing_in=action == SECOND_STEP,
            options=desk.challenge_key(holder, at=page.at),
            has_app=standing.has_app,
            codes_left=standing.codes_left,
            next=asked_next(),
            form_token=page.form_token,
        )

    def _judge(self, page: PageRequest, holder: Holder, action: str) -> Response:
        if any(len(request.form.getlist(field)) > 1 for field in _FIELDS):
            return self._ask(page, holder, action, error="Try again")
        if not page.form_is_ours():
            return self._ask(page, holder, action, error=STALE_FORM)
        services, token = self._kit.services, ""
        code, answer = request.form.get("code", ""), request.form.get("answer", "")
        try:
            if answer:
                token = services.factors.prove_key(
                    holder, answer, visit=page.visit, replaces=page.session_cookie
                )
            elif code.strip():
                token = services.factors.prove_code(
                    holder, code, visit=page.visit, replaces=page.session_cookie
                )
        except FactorRefused as error:
            status = 429 if error.code == "code-must-wait" else 401
            return self._ask(page, holder, action, error=_said(error), status=status)
        if not token:
            missing = NO_ANSWER if "use-key" in request.form else "Enter a code"
            return self._ask(page, holder, action, error=missing)
        response = see_other(asked_next())
        self._kit.set_cookie(response, services.cookies.session, token)
        if action == SECOND_STEP:
            self._kit.drop_cookie(response, services.cookies.stage)
            self._kit.drop_cookie(response, services.cookies.form)
        return response


def _said(error: FactorRefused) -> str:
    if error.wait_until is not None:
        again = exact_time(error.wait_until).partition(" ")[2]
        return f"Too many wrong codes. Codes are looked at again from {again}"
    return _SAID.get(error.code, "That did not work. Try again")


def _present(holder: Holder | None) -> Holder:
    if holder is None:
        message = "second step: nobody is signing in"
        raise TypeError(message)
    return holder

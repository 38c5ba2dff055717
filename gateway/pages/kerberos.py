"""Signing in with a desktop's own account: the browser shows a Kerberos ticket (RFC 4559).

INVARIANT: only a form that we showed to this very browser begins it. The ticket goes along without
anybody's doing, so a mere link could have somebody signed in unawares from another site. A browser
sends the form again with its ticket when it is told `WWW-Authenticate: Negotiate`; one that has no
ticket shows that answer, which is the ordinary sign-in page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request

from gateway.errors import GatewayError, SecondFactorOwed, SignInRefused
from gateway.pages.enrolment import with_next
from gateway.pages.form_token import FIELD
from gateway.pages.local_path import local_path
from gateway.pages.page import PageKit, Route, see_other
from gateway.pages.sign_in import SIGN_IN, show_organisation
from gateway.pages.sign_in_trouble import NOT_NOW, Trouble, trouble_of
from gateway.pages.step_up import SECOND_STEP

if TYPE_CHECKING:
    from gateway.pages.page_services import OrganisationChoice

SCHEME = "Negotiate"


class KerberosPages:
    """The way in with a ticket."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses; both are open to everyone."""
        rule = f"{SIGN_IN}/kerberos/<organisation>"
        return (
            Route(rule=rule, endpoint="kerberos", view=self.show, guarded_by=None),
            Route(
                rule=rule,
                endpoint="kerberos_send",
                view=self.send,
                methods=("POST",),
                guarded_by=None,
            ),
        )

    def show(self, organisation: str) -> Response:
        """Lead whoever comes by a link, or looks again, to the page with the button."""
        known = self._kit.services.organisation(organisation)
        return see_other(SIGN_IN if known is None else f"{SIGN_IN}/{known.id}")

    def send(self, organisation: str) -> Response:
        """Ask for a ticket; sign in whose ticket it is."""
        page = self._kit.open_request()
        services = self._kit.services
        choice = services.organisation(organisation)
        if choice is None or not choice.takes_ticket:
            return see_other(SIGN_IN)
        once = all(len(request.form.getlist(field)) < 2 for field in ("next", FIELD))  # noqa: PLR2004
        next_path = local_path(request.form.get("next"))
        if not once or not page.form_is_ours():
            return show_organisation(page, choice, status=400, trouble=_STALE, next_path=next_path)
        authorization = request.headers.get("Authorization")
        if authorization is None:
            response = show_organisation(
                page, choice, status=401, trouble=_NO_TICKET, next_path=next_path
            )
            response.headers["WWW-Authenticate"] = SCHEME
            return response
        try:
            token, answer = services.ticket_desk.sign_in(
                choice.id,
                authorization,
                visit=page.visit,
                replaces=request.cookies.get(services.cookies.session.name),
            )
        except SecondFactorOwed as owed:
            response = see_other(with_next(SECOND_STEP, next_path))
            self._kit.set_cookie(response, services.cookies.stage, owed.token)
            self._kit.set_cookie(response, services.cookies.organisation, choice.id)
            return response
        except GatewayError as error:
            # No 401: a browser would ask for a password in a window of its own.
            status, trouble = ticket_trouble(error, choice)
            return show_organisation(
                page, choice, status=status, trouble=trouble, next_path=next_path
            )
        response = see_other(next_path)
        if answer:
            response.headers["WWW-Authenticate"] = f"{SCHEME} {answer}"
        self._kit.set_cookie(response, services.cookies.session, token)
        self._kit.set_cookie(response, services.cookies.organisation, choice.id)
        self._kit.drop_cookie(response, services.cookies.form)
        return response


def ticket_trouble(error: GatewayError, choice: OrganisationChoice) -> tuple[int, Trouble]:
    """Give the status and what is told of a sign-in with a ticket that did not go well."""
    if isinstance(error, SignInRefused):
        code = "ticket-refused" if error.code.startswith("ticket-") else error.code
        told = _TOLD.get(error.code) or _TOLD.get(code)
        if told is not None:
            heading, sentence = told
            sentences = (sentence, f"Ask: {choice.help_contact}")
            return 403, Trouble(heading=heading, sentences=sentences)
    return trouble_of(error, choice) or (503, NOT_NOW)


_STALE = Trouble(
    heading="This page was open for too long",
    sentences=("Choose again how to sign in.",),
)
_NO_TICKET = Trouble(
    heading="This computer did not sign you in",
    sentences=(
        "It may not belong to your organisation, or its browser may not be set up for us.",
        "Use your username and password instead.",
    ),
)
# What is told, by the code: heading, sentence. None of it says anything of a password.
_TOLD = {
    "ticket-refused": (
        "Your desktop account could not be used",
        "What your computer sent is not accepted here. Use your username and password instead.",
    ),
    "ticket-expired": (
        "Your desktop sign-in has run out",
        "Lock and unlock your computer, then try again, or use your username and password.",
    ),
    "ticket-ntlm": (
        "Your desktop account could not be used",
        "This computer is not signed in to your organisation. Use your username and password.",
    ),
    "unknown-person": (
        "Your desktop account is not known",
        "Your organisation's directory has no member of staff with the account of this computer.",
    ),
    "account-disabled": (
        "Your account is switched off",
        "Your organisation has switched your account off.",
    ),
    "account-locked": (
        "Your account is locked",
        "Your organisation has locked your account for now.",
    ),
    "account-expired": (
        "Your account has expired",
        "Your organisation let your account run to a day that is past.",
    ),
    "account-must-change-password": (
        "You must choose a new password",
        "Your password must be changed first, as for your computer at work.",
    ),
}

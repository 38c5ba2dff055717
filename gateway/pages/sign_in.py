"""Signing in and out.

A person chooses their organisation and gives the name and password they use there; the choice is
remembered. What is wrong with the form is said beside the field and in a summary. What is wrong
with us or with a directory is said apart from that, with a reference.

The answer to a wrong name and to a wrong password is one and the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Response, request

from gateway.errors import (
    DirectoryMisconfigured,
    DirectoryUnavailable,
    GatewayError,
    SignInRefused,
)
from gateway.pages.form_token import FIELD
from gateway.pages.local_path import PORTAL, local_path
from gateway.pages.page import PageKit, PageRequest, Route, see_other

if TYPE_CHECKING:
    from gateway.pages.page_services import OrganisationChoice

SIGN_IN = "/-/sign-in"
SIGN_OUT = "/-/sign-out"
PAUSED = "paused"  # as gateway.staff_finder writes it into the address

# A form of ours sends each of these once; a second one would be a second reading.
_SINGLE_FIELDS = ("organisation", "username", "password", "next", FIELD)

_STALE_FORM = "This page was open for too long. Enter your password again"
_NOT_RECOGNISED = "The username or password is not right for this organisation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What was entered into the form, but for the password, which is never shown again."""

    organisation: str = ""
    username: str = ""
    next: str = PORTAL


@dataclass(frozen=True, slots=True, kw_only=True)
class FormErrors:
    """What is to be corrected, a sentence for each field."""

    organisation: str = ""
    username: str = ""
    password: str = ""

    def __bool__(self) -> bool:
        return bool(self.organisation or self.username or self.password)

    @property
    def summary(self) -> list[dict[str, str]]:
        """The items of the error summary, in the order of the form, each leading to its field."""
        fields = ("organisation", "username", "password")
        return [
            {"text": getattr(self, field), "href": f"#{field}"}
            for field in fields
            if getattr(self, field)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that the person cannot correct: what it is, and what they can do."""

    heading: str
    sentences: tuple[str, ...]


class SignInPages:
    """The sign-in form, the sign-out button and what follows."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses; all are open to everyone."""
        return (
            Route(rule=SIGN_IN, endpoint="sign_in", view=self.show, guarded_by=None),
            Route(
                rule=SIGN_IN,
                endpoint="sign_in_send",
                view=self.send,
                methods=("POST",),
                guarded_by=None,
            ),
            Route(
                rule=f"{SIGN_IN}/<organisation>",
                endpoint="sign_in_of",
                view=self.show,
                guarded_by=None,
            ),
            Route(rule=SIGN_OUT, endpoint="sign_out", view=self.show_sign_out, guarded_by=None),
            Route(
                rule=SIGN_OUT,
                endpoint="sign_out_send",
                view=self.send_sign_out,
                methods=("POST",),
                guarded_by=None,
            ),
        )

    def show(self, organisation: str = "") -> Response:
        """Show the form; whoever is signed in already goes on to where they were going."""
        page = self._kit.open_request()
        next_path = local_path(request.args.get("next"))
        again = page.session is not None and request.args.get("again") == PAUSED
        if page.session is not None and not again:
            return see_other(next_path)
        services = self._kit.services
        if organisation and services.organisation(organisation) is None:
            # An old or mistyped link: the full choice helps more than a refusal.
            return see_other(SIGN_IN)
        remembered = request.cookies.get(services.cookies.organisation.name, "")
        chosen = organisation or request.args.get("organisation") or remembered
        return self._form(
            page,
            Entered(organisation=chosen, next=next_path),
            fixed=services.organisation(organisation),
            notice=_AFTER_PAUSE if again else self._why_over(page),
        )

    def _why_over(self, page: PageRequest) -> str:
        """Say why the session that this browser still shows was ended, where that can be told."""
        services = self._kit.services
        token = request.cookies.get(services.cookies.session.name, "")
        return "" if page.session or not token else _ENDED.get(services.why_over(token), "")

    def send(self) -> Response:
        """Check what was entered, have the organisation's directory vouch for it, go on."""
        # 1. One reading of the form, and a form of ours.
        page = self._kit.open_request()
        if any(len(request.form.getlist(field)) > 1 for field in _SINGLE_FIELDS):
            return self._form(page, Entered(), status=400)
        entered = Entered(
            organisation=request.form.get("organisation", ""),
            username=request.form.get("username", ""),
            next=local_path(request.form.get("next")),
        )
        if not page.form_is_ours():
            return self._form(page, entered, errors=FormErrors(password=_STALE_FORM), status=400)
        # 2. Nothing missing.
        services = self._kit.services
        password = request.form.get("password", "")
        choice = services.organisation(entered.organisation)
        errors = FormErrors(
            organisation="" if choice else "Select your organisation",
            username="" if entered.username.strip() else "Enter your username",
            password="" if password else "Enter your password",
        )
        if errors or choice is None:
            return self._form(page, entered, errors=errors, status=400)
        # 3. The directory decides; what it cannot decide is no sign-in.
        try:
            token = services.sign_in_desk.sign_in(
                organisation=choice.id,
                username=entered.username,
                password=password,
                visit=page.visit,
                replaces=request.cookies.get(services.cookies.session.name),
            )
        except GatewayError as error:
            return self._refused(page, entered, error, choice)
        # 4. A new session cookie, whatever the browser sent; where to go was checked above.
        response = see_other(entered.next)
        self._kit.set_cookie(response, services.cookies.session, token)
        self._kit.set_cookie(response, services.cookies.organisation, choice.id)
        self._kit.drop_cookie(response, services.cookies.form)
        return response

    def show_sign_out(self) -> Response:
        """Show the sign-out button, or that one is signed out."""
        return self._kit.open_request().respond("sign_out.html")

    def send_sign_out(self) -> Response:
        """End the session in every worker, then say so."""
        page = self._kit.open_request()
        response = see_other(SIGN_OUT)
        if page.session is not None:
            if not page.form_is_ours():
                # A foreign page must not sign anyone out; the button is one press away.
                return page.respond("sign_out.html", status=400)
            self._kit.services.sign_in_desk.sign_out(session=page.session, visit=page.visit)
        self._kit.drop_cookie(response, self._kit.services.cookies.session)
        return response

    def _refused(
        self,
        page: PageRequest,
        entered: Entered,
        error: GatewayError,
        choice: OrganisationChoice,
    ) -> Response:
        match error:
            case DirectoryUnavailable() | DirectoryMisconfigured():
                return self._form(page, entered, trouble=_directory_away(choice), status=503)
            case SignInRefused(tellable=True, code=code) if code in _TOLD:
                status, heading, sentence = _TOLD[code]
                trouble = Trouble(
                    heading=heading, sentences=(sentence, f"Ask: {choice.help_contact}")
                )
                return self._form(page, entered, trouble=trouble, status=status)
            case SignInRefused():
                return self._form(
                    page,
                    entered,
                    errors=FormErrors(password=_NOT_RECOGNISED),
                    notice=_may_be_locked(choice),
                    status=401,
                )
            case _:
                return self._form(page, entered, trouble=_NOT_NOW, status=503)

    def _form(
        self,
        page: PageRequest,
        entered: Entered,
        *,
        errors: FormErrors | None = None,
        trouble: Trouble | None = None,
        fixed: OrganisationChoice | None = None,
        notice: str = "",
        status: int = 200,
    ) -> Response:
        other = f"{SIGN_IN}?{urlencode({'next': entered.next})}"
        return page.respond(
            "sign_in.html",
            status=status,
            errors=errors,
            trouble=trouble,
            notice=notice,
            organisations=self._kit.services.organisations,
            fixed_organisation=fixed,
            other_organisation_url=other if entered.next != PORTAL else SIGN_IN,
            organisation=entered.organisation,
            # A name that no directory has is not worth carrying back whole.
            username=entered.username[:256].replace("\0", ""),
            next=entered.next,
            form_token=page.form_token,
        )


def _may_be_locked(choice: OrganisationChoice) -> str:
    """Help those whose account is locked; everybody is told, so that nobody learns who is."""
    return (
        "If you are sure that both are right, your account may be locked or closed. "
        f"Ask: {choice.help_contact}"
    )


def _directory_away(choice: OrganisationChoice) -> Trouble:
    return Trouble(
        heading=f"{choice.name} cannot check passwords just now",
        sentences=(
            "We could not reach your organisation's directory, so nobody from it can sign in now.",
            "Your password may well be right.",
            f"Try again in a few minutes. If it lasts, ask: {choice.help_contact}",
        ),
    )


_NOT_NOW = Trouble(
    heading="Nobody can sign in just now",
    sentences=(
        "A part of this service that must be working is not, so we let nobody in.",
        "Your password may well be right. Try again in a few minutes.",
    ),
)

# Why the last session here was ended, by its code; others are told nothing.
_ENDED = {
    "too-many-sessions": "You signed in at more places than one person may be signed in at, so "
    "your oldest session, the one here, was ended.",
    "ended-by-officer": "Your session was ended by a security officer.",
    "ended-by-operator": "Your session was ended by the people who run this service.",
    "ended-by-person": "Your session here was ended from another place where you are signed in.",
    "limit": "Your session has ended, as you had not used it for a while or its time was up.",
    "account-closed": "Your session was ended, as your organisation has closed your account.",
    "person-gone": "Your session was ended, as your organisation does not list you any more.",
    "identity-changed": "Your session was ended, as your details at your organisation changed.",
}
_AFTER_PAUSE = (
    "You have not used this service for a while. Before you open something sensitive, "
    "sign in again to show that it is still you."
)

# What may be told of a refused sign-in, by its code: status, heading, sentence.
_TOLD = {
    "too-many-attempts": (
        429,
        "Too many attempts",
        "Wait a few minutes before you try again. Trying more often makes the wait longer.",
    ),
    "busy": (
        503,
        "Many people are signing in just now",
        "Your organisation's directory is busy. Try again in a minute.",
    ),
    "account-disabled": (
        403,
        "Your account is switched off",
        "Your password is right, but your organisation has switched your account off.",
    ),
    "account-expired": (
        403,
        "Your account has expired",
        "Your password is right, but your organisation let your account run to a day that is past.",
    ),
    "account-must-change-password": (
        403,
        "You must choose a new password",
        "Your password is right, but must be changed first, as for your computer at work.",
    ),
    "entry-incomplete": (
        403,
        "Your directory entry is not complete",
        "Your organisation's directory does not say enough about you, such as your number.",
    ),
    "not-employed": (
        403,
        "You are not on this organisation's list",
        "You may have moved: sign in with the organisation you work for today.",
    ),
    "identity-changed": (
        403,
        "Your details do not match",
        "Your organisation's directory now has somebody else under your employee number.",
    ),
}

"""Signing in and out.

A person finds their organisation: by choice, by their e-mail address, by a link of its own, or
because the browser remembers it. Its page then offers what the organisation has: a form for name
and password, a button that leads to its own sign-in, or both. What is wrong with the form is said
beside the field and in a summary. What is wrong with us or with a directory is said apart from
that, with a reference.

The answer to a wrong name and to a wrong password is one and the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Response, request

from gateway.errors import GatewayError, SecondFactorOwed
from gateway.pages.enrolment import with_next
from gateway.pages.form_token import FIELD
from gateway.pages.local_path import PORTAL, local_path
from gateway.pages.page import PageKit, PageRequest, Route, see_other
from gateway.pages.sign_in_trouble import Trouble, trouble_of
from gateway.pages.step_up import SECOND_STEP

if TYPE_CHECKING:
    from gateway.pages.page_services import OrganisationChoice

SIGN_IN = "/-/sign-in"
FIND = "/-/find-organisation"
SIGN_OUT = "/-/sign-out"
PAUSED = "paused"  # as gateway.staff_finder writes them into the address
AGED = "signed-in-long-ago"

# A form of ours sends each of these once; a second one would be a second reading.
_SINGLE_FIELDS = ("organisation", "email", "username", "password", "next", FIELD)

_STALE_FORM = "This page was open for too long. Enter your password again"
_STALE_CHOICE = "This page was open for too long. Choose again"
_UNKNOWN_DOMAIN = "No organisation here has such addresses. Check it, or select yours from the list"
_NOT_RECOGNISED = "The username or password is not right for this organisation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What was entered into the form, but for the password, which is never shown again."""

    organisation: str = ""
    email: str = ""
    username: str = ""
    next: str = PORTAL


@dataclass(frozen=True, slots=True, kw_only=True)
class FormErrors:
    """What is to be corrected, a sentence for each field."""

    organisation: str = ""
    email: str = ""
    username: str = ""
    password: str = ""

    def __bool__(self) -> bool:
        return bool(self.organisation or self.email or self.username or self.password)

    @property
    def summary(self) -> list[dict[str, str]]:
        """The items of the error summary, in the order of the form, each leading to its field."""
        fields = ("organisation", "email", "username", "password")
        return [
            {"text": getattr(self, field), "href": f"#{field}"}
            for field in fields
            if getattr(self, field)
        ]


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
                rule=FIND,
                endpoint="find_organisation",
                view=self.find,
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
        again = "" if page.session is None else _AGAIN.get(request.args.get("again", ""), "")
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
            choosing=not organisation and "other" in request.args,
            notice=again or self._why_over(page),
        )

    def find(self) -> Response:
        """Go on to the organisation that was chosen, or whose e-mail address was entered."""
        page = self._kit.open_request()
        if any(len(request.form.getlist(field)) > 1 for field in _SINGLE_FIELDS):
            return self._form(page, Entered(), choosing=True, status=400)
        services = self._kit.services
        entered = Entered(
            organisation=request.form.get("organisation", ""),
            email=request.form.get("email", "").strip(),
            next=local_path(request.form.get("next")),
        )
        errors = FormErrors()
        # What was typed just now says more than a choice that may have been remembered.
        choice = services.organisation(entered.organisation)
        if entered.email:
            choice = services.organisation_by_mail(entered.email)
            errors = FormErrors(email="" if choice else _UNKNOWN_DOMAIN)
        elif choice is None:
            errors = FormErrors(organisation="Select your organisation")
        if not page.form_is_ours():
            errors = FormErrors(organisation=_STALE_CHOICE)
        if errors or choice is None:
            return self._form(page, entered, errors=errors, choosing=True, status=400)
        return see_other(_at(f"{SIGN_IN}/{choice.id}", entered.next))

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
        if choice is not None and not choice.takes_password:
            # Its staff type their password nowhere but at their own organisation.
            return self._form(page, entered, status=400)
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
        except SecondFactorOwed as owed:
            return self._owed(entered, owed, choice)
        except GatewayError as error:
            return self._refused(page, entered, error, choice)
        # 4. A new session cookie, whatever the browser sent; where to go was checked above.
        response = see_other(entered.next)
        self._kit.set_cookie(response, services.cookies.session, token)
        self._kit.set_cookie(response, services.cookies.organisation, choice.id)
        self._kit.drop_cookie(response, services.cookies.form)
        return response

    def _owed(
        self, entered: Entered, owed: SecondFactorOwed, choice: OrganisationChoice
    ) -> Response:
        """Go on to the second step; nobody is signed in yet."""
        services = self._kit.services
        response = see_other(with_next(SECOND_STEP, entered.next))
        self._kit.set_cookie(response, services.cookies.stage, owed.token)
        self._kit.set_cookie(response, services.cookies.organisation, choice.id)
        return response

    def show_sign_out(self) -> Response:
        """Show the sign-out button, or that one is signed out."""
        return self._kit.open_request().respond("sign_out.html")

    def send_sign_out(self) -> Response:
        """End the session in every worker, leave nothing behind, then say so.

        On a computer that several people share, the next one is led to sign in at once. Whoever
        signed in at a provider may be signed in there still: the page says so, and has the button
        for it.
        """
        page = self._kit.open_request()
        cookies = self._kit.services.cookies
        change = request.form.get("then") == "change-person"
        response = see_other(SIGN_IN if change else SIGN_OUT)
        if page.session is not None:
            if not page.form_is_ours():
                # A foreign page must not sign anyone out; the button is one press away.
                return page.respond("sign_out.html", status=400)
            form = self._kit.services.provider_desk.sign_out_form(page.session)
            self._kit.services.sign_in_desk.sign_out(session=page.session, visit=page.visit)
            if form is not None:
                page.forget_session(form_action=form.url)
                response = page.respond("sign_out.html", provider_form=form)
        # Only the organisation is remembered. Not "cookies": it would take that one too.
        response.headers["Clear-Site-Data"] = '"cache", "storage"'
        for cookie in cookies.all():
            if cookie is not cookies.organisation:
                self._kit.drop_cookie(response, cookie)
        return response

    def _refused(
        self,
        page: PageRequest,
        entered: Entered,
        error: GatewayError,
        choice: OrganisationChoice,
    ) -> Response:
        told = trouble_of(error, choice)
        if told is None:
            errors = FormErrors(password=_NOT_RECOGNISED)
            notice = _may_be_locked(choice)
            return self._form(page, entered, errors=errors, notice=notice, status=401)
        status, trouble = told
        return self._form(page, entered, trouble=trouble, status=status)

    def _form(
        self,
        page: PageRequest,
        entered: Entered,
        *,
        errors: FormErrors | None = None,
        trouble: Trouble | None = None,
        choosing: bool = False,
        notice: str = "",
        status: int = 200,
    ) -> Response:
        """Show the page of the organisation that is known, or the one to find it."""
        choice = self._kit.services.organisation(entered.organisation)
        if choosing or choice is None:
            return page.respond(
                "find_organisation.html",
                status=status,
                errors=errors,
                notice=notice,
                organisations=self._kit.services.organisations,
                organisation=entered.organisation,
                email=entered.email[:256].replace("\0", ""),
                next=entered.next,
                form_token=page.form_token,
            )
        return show_organisation(
            page,
            choice,
            status=status,
            errors=errors,
            trouble=trouble,
            notice=notice,
            # A name that no directory has is not worth carrying back whole.
            username=entered.username[:256].replace("\0", ""),
            next_path=entered.next,
        )


def _may_be_locked(choice: OrganisationChoice) -> str:
    """Help those whose account is locked; everybody is told, so that nobody learns who is."""
    return (
        "If you are sure that both are right, your account may be locked or closed. "
        f"Ask: {choice.help_contact}"
    )


def show_organisation(
    page: PageRequest,
    choice: OrganisationChoice,
    *,
    status: int = 200,
    errors: FormErrors | None = None,
    trouble: Trouble | None = None,
    notice: str = "",
    username: str = "",
    next_path: str = PORTAL,
) -> Response:
    """Show an organisation's own sign-in page."""
    return page.respond(
        "sign_in.html",
        status=status,
        errors=errors,
        trouble=trouble,
        notice=notice,
        choice=choice,
        begin_urls={
            each.id: _at(f"/-/oidc/{each.id}/begin", next_path) for each in choice.providers
        },
        other_organisation_url=f"{SIGN_IN}?{urlencode({'other': '1', 'next': next_path})}",
        username=username,
        next=next_path,
        form_token=page.form_token,
    )


def _at(path: str, next_path: str) -> str:
    return path if next_path == PORTAL else f"{path}?{urlencode({'next': next_path})}"


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
    "provider-signed-out": "Your session was ended, as your organisation's sign-in says that you "
    "are signed out there, or may not sign in any more.",
    "factors-reset": "Your second factors were removed by two security officers, and you were "
    "signed out everywhere.",
}
_AFTER_PAUSE = (
    "You have not used this service for a while. Before you open something sensitive, "
    "sign in again to show that it is still you."
)
_AFTER_HOURS = (
    "You signed in some hours ago. Before you open something so sensitive, sign in again "
    "to show that it is still you."
)

# Why somebody who is signed in is asked to sign in again.
_AGAIN = {
    PAUSED: _AFTER_PAUSE,
    AGED: _AFTER_HOURS,
    "factor": "Before you add your first second factor, sign in again to show that it is you.",
}

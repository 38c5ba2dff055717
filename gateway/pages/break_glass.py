"""Break-glass: the form for whoever has the envelope, and the list of uses for security officers.

The form is open to everyone, as sign-in is, and like there a wrong account, password or code is
told as one thing. The list only shows: a use is signed off at the command line, by somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Response, request

from gateway.errors import GatewayError, SignInRefused
from gateway.pages.form_token import FIELD
from gateway.pages.local_path import PORTAL
from gateway.pages.page import PageKit, PageRequest, Route, see_other

if TYPE_CHECKING:
    from gateway.pages.page_services import BreakGlassDesk

FUNCTION = "gate.breakglass"
BREAK_GLASS = "/-/break-glass"
USES = "/-/break-glass-uses"

_FIELDS = ("account", "password", "code", "used_by", "reason")
_LONGEST = 200
_MISSING = {
    "account": "Enter the name of the account, as it is written on the envelope",
    "password": "Enter the password from the envelope",
    "code": "Enter the 6-digit code of the authenticator",
    "used_by": "Enter your own name",
    "reason": "Say why the account is needed",
}
_STALE_FORM = "This page was open for too long. Enter the password again"
_NOT_RECOGNISED = "The account, the password or the code is not right"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What was entered, but for password and code, which are never shown again."""

    account: str = ""
    used_by: str = ""
    reason: str = ""


class BreakGlassPages:
    """The form, and the list of uses."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses; the form is open to everyone."""
        return (
            Route(rule=BREAK_GLASS, endpoint="break_glass", view=self.show, guarded_by=None),
            Route(
                rule=BREAK_GLASS,
                endpoint="break_glass_send",
                view=self.send,
                methods=("POST",),
                guarded_by=None,
            ),
            Route(rule=USES, endpoint="break_glass_uses", view=self.list, guarded_by=FUNCTION),
        )

    def show(self) -> Response:
        """Show the form."""
        return self._form(self._kit.open_request(), Entered())

    def send(self) -> Response:
        """Look at what was entered, and let in whoever has envelope and authenticator."""
        # 1. One reading of the form, and a form of ours.
        page = self._kit.open_request()
        if any(len(request.form.getlist(field)) > 1 for field in (*_FIELDS, FIELD)):
            return self._form(page, Entered(), status=400)
        typed = {field: request.form.get(field, "") for field in _FIELDS}
        entered = Entered(
            **{field: typed[field][:_LONGEST].strip() for field in Entered.__dataclass_fields__}
        )
        if not page.form_is_ours():
            return self._form(page, entered, errors={"password": _STALE_FORM}, status=400)
        # 2. Nothing missing.
        errors = {field: said for field, said in _MISSING.items() if not typed[field].strip()}
        if errors:
            return self._form(page, entered, errors=errors, status=400)
        # 3. Everything is looked at together, and taken as one use.
        services = self._kit.services
        try:
            token = self._desk.open(
                account=typed["account"],
                password=typed["password"],
                code=typed["code"],
                used_by=entered.used_by,
                reason=entered.reason,
                visit=page.visit,
                replaces=request.cookies.get(services.cookies.session.name),
            )
        except SignInRefused as error:
            return self._refused(page, entered, error)
        except GatewayError:
            return self._form(page, entered, trouble=_NOT_NOW, status=503)
        response = see_other(PORTAL)
        self._kit.set_cookie(response, services.cookies.session, token)
        self._kit.drop_cookie(response, services.cookies.form)
        return response

    def list(self) -> Response:
        """Show what was done with break-glass accounts, and what waits for review."""
        page = self._kit.open_request()
        uses = self._desk.uses()
        return page.respond(
            "break_glass_uses.html",
            waiting=[use for use in uses if not use.reviewed_by],
            reviewed=[use for use in uses if use.reviewed_by],
        )

    @property
    def _desk(self) -> BreakGlassDesk:
        return self._kit.services.break_glass

    def _refused(self, page: PageRequest, entered: Entered, error: SignInRefused) -> Response:
        if error.tellable and error.code in _TOLD:
            status, trouble = _TOLD[error.code]
            return self._form(page, entered, trouble=trouble, status=status)
        return self._form(page, entered, errors={"password": _NOT_RECOGNISED}, status=401)

    def _form(
        self,
        page: PageRequest,
        entered: Entered,
        *,
        errors: dict[str, str] | None = None,
        trouble: tuple[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        errors = errors or {}
        return page.respond(
            "break_glass.html",
            status=status,
            errors=errors,
            error_list=[
                {"text": errors[field], "href": f"#{field}"} for field in _FIELDS if field in errors
            ],
            trouble=trouble,
            entered=entered,
            form_token=page.form_token,
        )


_NOT_NOW = (
    "Nobody can be let in just now",
    (
        "A part of this service that must be working is not, so we let nobody in."
        " The use may have been taken all the same; the reference below finds it."
    ),
)

# What may be told of a refusal, by its code: status, heading, sentence.
_TOLD = {
    "too-many-attempts": (
        429,
        ("Too many attempts", "Wait a quarter of an hour before you try again from here."),
    ),
    "busy": (503, ("Several people are trying at once", "Try again in a few seconds.")),
    "account-closed": (
        403,
        (
            "This account cannot be used any more",
            (
                "It has been used as often as it may, its day is over, or it was taken out of use."
                " Two officers have to seal it again."
            ),
        ),
    ),
}

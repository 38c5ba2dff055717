"""Adding a second factor: the same two pages for whoever is signed in and whoever is signing in.

An authenticator app is added without JavaScript, by a QR code or a secret to type, and a code that
shows that it works. A security key or passkey needs JavaScript, as browsers offer it to scripts
only. The recovery codes that come with a first factor are shown once, in the answer that made them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Response, request

from gateway.identity.factors.factors import NAME_CHARACTERS, FactorRefused
from gateway.identity.factors.second_factor import spaced
from gateway.pages.local_path import PORTAL, local_path
from gateway.pages.page import PageKit, PageRequest, see_other
from gateway.pages.qr_code import qr_code

if TYPE_CHECKING:
    from gateway.identity.signing_in.factor_holder import Holder


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the pages of an enrolment stand.

    Attributes:
        app: address of adding an app.
        key: address of adding a key.
        back: where the link at the top leads.
        back_text: what it says.
    """

    app: str
    key: str
    back: str
    back_text: str


def asked_next() -> str:
    """Give where the person was going: from the form, or from the address."""
    return local_path(request.form.get("next") or request.args.get("next"))


def with_next(path: str, next_path: str) -> str:
    """Carry where the person was going along to another page of ours."""
    return path if next_path == PORTAL else f"{path}?{urlencode({'next': next_path})}"


class Enrolment:
    """The pages of adding a factor, at one place."""

    def __init__(self, kit: PageKit, place: Place) -> None:
        self._kit = kit
        self._place = place

    def show_app(self, page: PageRequest, holder: Holder, *, error: str = "") -> Response:
        """Show the QR code, the secret in letters, and the form."""
        secret, uri = self._kit.services.factors.begin_app(holder, at=page.at)
        return page.respond(
            "factor_app.html",
            status=400 if error else 200,
            place=self._place,
            errors=_errors("code", error),
            error=error,
            qr=qr_code(uri),
            secret=spaced(secret),
            typed_name=_typed_name("Authenticator app"),
            name_characters=NAME_CHARACTERS,
            next=asked_next(),
            back_url=with_next(self._place.back, asked_next()),
            form_token=page.form_token,
        )

    def show_key(self, page: PageRequest, holder: Holder, *, error: str = "") -> Response:
        """Show the button that asks for a key."""
        options = self._kit.services.factors.begin_key(holder, at=page.at)
        return page.respond(
            "factor_key.html",
            status=400 if error else 200,
            place=self._place,
            errors=_errors("use-key", error),
            error=error,
            options=options,
            app_url=with_next(self._place.app, asked_next()),
            typed_name=_typed_name("Security key"),
            name_characters=NAME_CHARACTERS,
            next=asked_next(),
            back_url=with_next(self._place.back, asked_next()),
            form_token=page.form_token,
        )

    def send_app(self, page: PageRequest, holder: Holder) -> Response:
        """Add the app, if the code is its own."""
        if not page.form_is_ours():
            return self.show_app(page, holder, error=STALE_FORM)
        code = request.form.get("code", "")
        if not code.strip():
            return self.show_app(page, holder, error="Enter the code that your app shows")
        try:
            codes, token = self._kit.services.factors.add_app(
                holder,
                name=request.form.get("name", ""),
                code=code,
                visit=page.visit,
                replaces=page.session_cookie,
            )
        except FactorRefused as error:
            return self.show_app(page, holder, error=_said(error))
        return self._added(page, codes, token)

    def send_key(self, page: PageRequest, holder: Holder) -> Response:
        """Add the key, if its answer is right."""
        if not page.form_is_ours():
            return self.show_key(page, holder, error=STALE_FORM)
        answer = request.form.get("answer", "")
        if not answer:
            return self.show_key(page, holder, error=NO_ANSWER)
        try:
            codes, token = self._kit.services.factors.add_key(
                holder,
                name=request.form.get("name", ""),
                answer=answer,
                visit=page.visit,
                replaces=page.session_cookie,
            )
        except FactorRefused as error:
            return self.show_key(page, holder, error=_said(error))
        return self._added(page, codes, token)

    def _added(self, page: PageRequest, codes: tuple[str, ...], token: str) -> Response:
        """Go on with the stronger session, showing the recovery codes if there are any."""
        cookies = self._kit.services.cookies
        page.adopt_session(token)
        next_path = asked_next()
        if codes:
            response = show_codes(page, codes, next_path)
        else:
            response = see_other(with_next(MY_FACTORS, next_path))
        self._kit.set_cookie(response, cookies.session, token)
        self._kit.drop_cookie(response, cookies.stage)
        return response


MY_FACTORS = "/-/me/factors"
STALE_FORM = "This page was open for too long. Try again"
NO_ANSWER = "Your browser sent no answer of a security key. Try again"

_SAID = {
    "code-wrong": "That code is not right. Enter the one that your app shows now",
    "code-must-wait": "Too many wrong codes. Wait a while before you try again",
    "key-wrong": "That did not work. Try again with the same key",
    "key-known": "That key has been added already",
    "too-late": "This page was open for too long. Try again",
    "too-many": "You have as many as can be kept. Remove one first",
}


def _said(error: FactorRefused) -> str:
    return _SAID.get(error.code, "That did not work. Try again")


def _errors(field: str, error: str) -> list[dict[str, str]]:
    """Give the items of the error summary."""
    return [{"text": error, "href": f"#{field}"}] if error else []


def _typed_name(otherwise: str) -> str:
    return request.form.get("name", otherwise)[:NAME_CHARACTERS].replace("\0", "")


def show_codes(page: PageRequest, codes: tuple[str, ...], next_path: str) -> Response:
    """Show recovery codes; nobody can show them again."""
    return page.respond(
        "recovery_codes.html",
        codes=codes,
        next=next_path,
        goes_on=next_path != PORTAL,
        my_factors=MY_FACTORS,
    )

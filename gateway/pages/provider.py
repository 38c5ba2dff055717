"""Signing in at an organisation's own provider: there, back again, and what it says on its own.

`begin` is a link, not a form: a browser would follow a form only to hosts that our own pages name,
and a provider may send people on to others. A link can be put anywhere, so it is followed from our
own pages or from nowhere (a bookmark), and otherwise leads to the page with the button.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request

from gateway.errors import GatewayError, SecondFactorOwed
from gateway.pages.enrolment import with_next
from gateway.pages.form_token import FormTokens, is_cookie_value
from gateway.pages.local_path import local_path
from gateway.pages.page import PageKit, Route, see_other
from gateway.pages.sign_in import SIGN_IN, show_organisation
from gateway.pages.sign_in_trouble import NOT_NOW, trouble_of
from gateway.pages.step_up import SECOND_STEP

if TYPE_CHECKING:
    from gateway.pages.page import PageRequest

ROOT = "/-/oidc/<directory>"
BACK_CHANNEL = f"{ROOT}/back-channel"
FORM = "application/x-www-form-urlencoded"
_OWN_SITES = frozenset({None, "none", "same-origin"})


class ProviderPages:
    """The way to a provider and back."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses; all are open to everyone."""
        return (
            Route(
                rule=f"{ROOT}/begin", endpoint="provider_begin", view=self.begin, guarded_by=None
            ),
            Route(
                rule=f"{ROOT}/callback",
                endpoint="provider_callback",
                view=self.come_back,
                guarded_by=None,
            ),
            Route(
                rule=BACK_CHANNEL,
                endpoint="provider_back_channel",
                view=self.hear,
                methods=("POST",),
                guarded_by=None,
            ),
        )

    def begin(self, directory: str) -> Response:
        """Send the browser to the provider."""
        page = self._kit.open_request()
        services = self._kit.services
        organisation = services.provider_desk.organisation_of(directory)
        if organisation is None:
            return see_other(SIGN_IN)
        site = request.headers.get("Sec-Fetch-Site")
        if request.method != "GET" or site not in _OWN_SITES:
            return see_other(f"{SIGN_IN}/{organisation}")
        browser = request.cookies.get(services.cookies.provider.name, "")
        if not is_cookie_value(browser):
            browser = FormTokens.new_cookie()
        next_path = local_path(request.args.get("next"))
        try:
            url = services.provider_desk.begin(
                directory, browser=browser, next_path=next_path, visit=page.visit
            )
        except GatewayError as error:
            return self._refused(page, organisation, error, next_path)
        response = see_other(url)
        self._kit.set_cookie(response, services.cookies.provider, browser)
        return response

    def come_back(self, directory: str) -> Response:
        """Sign in whom the provider has sent back, and go on to where they were going."""
        page = self._kit.open_request()
        services = self._kit.services
        organisation = services.provider_desk.organisation_of(directory)
        if organisation is None or request.method != "GET":
            return see_other(SIGN_IN)
        try:
            token, next_path = services.provider_desk.finish(
                directory,
                {name: request.args.getlist(name) for name in request.args},
                browser=request.cookies.get(services.cookies.provider.name, ""),
                visit=page.visit,
                replaces=request.cookies.get(services.cookies.session.name),
            )
        except SecondFactorOwed as owed:
            response = see_other(with_next(SECOND_STEP, local_path(owed.next_path)))
            self._kit.set_cookie(response, services.cookies.stage, owed.token)
            self._kit.set_cookie(response, services.cookies.organisation, organisation)
            return response
        except GatewayError as error:
            return self._refused(page, organisation, error)
        response = see_other(local_path(next_path))
        self._kit.set_cookie(response, services.cookies.session, token)
        self._kit.set_cookie(response, services.cookies.organisation, organisation)
        self._kit.drop_cookie(response, services.cookies.provider)
        self._kit.drop_cookie(response, services.cookies.form)
        return response

    def hear(self, directory: str) -> Response:
        """Take a logout token from the provider's own server (Back-Channel Logout section 2.5)."""
        page = self._kit.open_request()
        tokens = request.form.getlist("logout_token")
        if request.mimetype != FORM or len(tokens) != 1:
            return _said(400, '{"error":"invalid_request"}')
        accepted = self._kit.services.provider_desk.back_channel(
            directory, tokens[0], visit=page.visit
        )
        return _said(200, "") if accepted else _said(400, '{"error":"invalid_request"}')

    def _refused(
        self, page: PageRequest, organisation: str, error: GatewayError, next_path: str = ""
    ) -> Response:
        choice = self._kit.services.organisation(organisation)
        if choice is None:
            return see_other(SIGN_IN)
        status, trouble = trouble_of(error, choice) or (503, NOT_NOW)
        return show_organisation(
            page, choice, status=status, trouble=trouble, next_path=local_path(next_path)
        )


def _said(status: int, body: str) -> Response:
    return Response(body, status=status, content_type="application/json")

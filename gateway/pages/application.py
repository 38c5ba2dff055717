"""The Flask application of the pages: routes, guard, headers, and what happens when a page fails.

The life of a request for a page:

1. The front has opened a visit and decided; it puts visit, session and Grant into the environ.
2. The guard: a page that is not open to everyone is shown only with the Grant for its function.
3. The view makes the answer, on a worker thread; it may block.
4. Every answer gets the same headers; nothing but static files may be kept by the browser.
5. Whatever goes wrong becomes a refusal page with the reference of the visit.

Flask's own session, its `g` and `current_app` are not used.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from gateway.cookies import cookies_sent
from gateway.errors import GatewayError
from gateway.pages import caller
from gateway.pages.audit import AuditPage
from gateway.pages.break_glass import BreakGlassPages
from gateway.pages.factor_officers import FactorOfficerPages
from gateway.pages.factors import FactorPages
from gateway.pages.form_token import FormTokens
from gateway.pages.kerberos import KerberosPages
from gateway.pages.me import MePages
from gateway.pages.notices import NoticePages
from gateway.pages.page import PageKit, Route
from gateway.pages.page_headers import NO_STORE, content_security_policy, page_headers
from gateway.pages.page_services import PageServices
from gateway.pages.policy import PolicyPages
from gateway.pages.policy_agreements import AgreementPages
from gateway.pages.policy_why import WhyPage
from gateway.pages.portal import PortalPage
from gateway.pages.provider import ProviderPages
from gateway.pages.purpose import PurposePages
from gateway.pages.refusal import RefusalPages
from gateway.pages.rendering import Renderer
from gateway.pages.sessions import SessionPages
from gateway.pages.sign_in import SignInPages
from gateway.pages.static_files import ONE_YEAR, STATIC_ROOT, StaticFiles
from gateway.pages.step_up import StepUpPages
from gateway.pages.vetting import VettingPages

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gateway.pages.page_services import LiveSession

__all__ = ["PageServices", "Pages"]

# Forms of ours hold a few short fields; a password of 10 kB must still be answered politely.
MAX_FORM_BYTES = 64 * 1024
MAX_FORM_PARTS = 50
# Shown when a fault happens before there was a visit to give its reference.
NO_REFERENCE = "0000000000"

_log = logging.getLogger("gateway.pages")


class Pages:
    """The pages of one worker: a WSGI application, and the refusals that the front renders itself.

    Attributes:
        wsgi: the WSGI application; threads may share it.
        refusals: renders refusals outside any request.
        routes: every address with the function that guards it, for the test of the structure.
    """

    def __init__(self, services: PageServices) -> None:
        """Read the static files, compile the templates, register the routes.

        Raises:
            AssetsMissingError: the style sheets have not been built.
        """
        self._services = services
        self._headers = page_headers(services.origins)
        self._static = StaticFiles()
        renderer = Renderer(brand=services.brand, static_path=self._static.path)
        self.refusals = RefusalPages(renderer, services.contacts(None))
        kit = PageKit(services=services, renderer=renderer, tokens=FormTokens(services.form_secret))
        self.routes: tuple[Route, ...] = (
            *SignInPages(kit).routes(),
            *ProviderPages(kit).routes(),
            *KerberosPages(kit).routes(),
            *PortalPage(kit).routes(),
            *MePages(kit).routes(),
            *SessionPages(kit).routes(),
            *AuditPage(kit).routes(),
            *PolicyPages(kit).routes(),
            *WhyPage(kit).routes(),
            *AgreementPages(kit).routes(),
            *VettingPages(kit).routes(),
            *BreakGlassPages(kit).routes(),
            *FactorPages(kit).routes(),
            *StepUpPages(kit).routes(),
            *PurposePages(kit).routes(),
            *FactorOfficerPages(kit).routes(),
            *NoticePages(kit).routes(),
            Route(
                rule=f"{STATIC_ROOT}/<digest>/<path:name>",
                endpoint="static_file",
                view=self._send_static,
                guarded_by=None,
            ),
        )
        self._tokens = kit.tokens
        self.wsgi = self._flask()

    def refusal_caller(self, session: LiveSession, cookies: bytes, at: datetime) -> caller.Caller:
        """Say what the frame of a refusal shows of whoever is signed in.

        Args:
            session: theirs.
            cookies: the Cookie field of the request, which found the session.
            at: the instant of the visit.
        """
        name = self._services.cookies.session.name.encode("ascii")
        value = next(iter(cookies_sent(cookies, name)), b"")
        token = self._tokens.token(value.decode("ascii", "replace"))
        return caller.caller_of_refusal(self._services, session, form_token=token, at=at)

    def _flask(self) -> Flask:
        flask = Flask("gateway.pages", static_folder=None)
        flask.config.update(
            MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
            MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
            MAX_FORM_PARTS=MAX_FORM_PARTS,
            PROPAGATE_EXCEPTIONS=False,
        )
        # A path with two readings was refused by the front; here nothing is redirected or merged.
        flask.url_map.strict_slashes = False
        flask.url_map.merge_slashes = False
        for route in self.routes:
            flask.add_url_rule(
                route.rule,
                endpoint=route.endpoint,
                view_func=_guarded(route),
                methods=list(route.methods),
                provide_automatic_options=False,
            )
        flask.after_request(self._add_headers)
        flask.register_error_handler(Exception, self._failed)
        return flask

    def _add_headers(self, response: Response) -> Response:
        for name, value in self._headers:
            response.headers[name] = value
        if form_action := request.environ.get(caller.FORM_ACTION_KEY):
            elsewhere = urlsplit(form_action)
            provider = f"{elsewhere.scheme}://{elsewhere.netloc}"
            policy = content_security_policy(provider, *self._services.origins)
            response.headers["Content-Security-Policy"] = policy
        response.headers.setdefault(*NO_STORE)
        return response

    def _failed(self, error: Exception) -> Response:
        visit = request.environ.get(caller.VISIT_KEY)
        reference = getattr(visit, "reference", NO_REFERENCE)
        match error:
            case HTTPException(code=int() as status):
                pass
            case caller.NotGuardedError():
                status = 500
                _log.error("page not guarded", extra={"reference": reference}, exc_info=error)
            case GatewayError():
                # A part that must be working is not: the record, the store, the bulletin.
                status = 503
                _log.warning("page refused", extra={"reference": reference}, exc_info=error)
            case _:
                status = 500
                _log.error("page failed", extra={"reference": reference}, exc_info=error)
        session = caller.session_of(request.environ)
        organisation = session.subject.organisation if session else None
        at = getattr(visit, "at", None)
        cookies = request.environ.get("HTTP_COOKIE", "").encode("latin-1", "replace")
        body = self.refusals.render(
            status,
            reference,
            contacts=self._services.contacts(organisation),
            at=at,
            caller=self.refusal_caller(session, cookies, at) if session and at else None,
        )
        response = Response(body, status=status, content_type="text/html; charset=utf-8")
        response.headers["Gateway-Reference"] = reference
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return response

    def _send_static(self, digest: str, name: str) -> Response:
        file = self._static.get(name)
        if file is None:
            return self._not_there()
        compressed = request.accept_encodings.quality("gzip") > 0
        response = Response(
            file.compressed if compressed else file.content, content_type=file.content_type
        )
        if compressed:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        # A page from before an upgrade asks by the old digest: it gets the new file, but not for
        # keeps, as the name promises another content.
        fresh = digest == self._static.digest
        response.headers["Cache-Control"] = ONE_YEAR if fresh else NO_STORE[1]
        return response

    def _not_there(self) -> Response:
        visit = request.environ.get(caller.VISIT_KEY)
        body = self.refusals.render(404, getattr(visit, "reference", NO_REFERENCE))
        return Response(body, status=404, content_type="text/html; charset=utf-8")


def _guarded(route: Route) -> Callable[..., Response]:
    function_id = route.guarded_by
    if function_id is None:
        return route.view

    def view(**values: str) -> Response:
        caller.demand_grant(request.environ, function_id)
        return route.view(**values)

    return view

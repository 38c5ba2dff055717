"""What every view works with: the request, who asks, and how an answer is made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from flask import Response, request

from gateway.pages import caller
from gateway.pages.form_token import FIELD, FormTokens, is_cookie_value

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gateway.cookies import Cookie
    from gateway.pages.page_services import LiveSession, OpenVisit, PageServices
    from gateway.pages.rendering import Renderer
    from policies.question import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address of the pages.

    Attributes:
        rule: as Flask writes it.
        endpoint: its name.
        view: makes the answer.
        methods: HEAD comes with GET.
        guarded_by: the function of the catalogue that the front decided on; None for the few
            addresses that are open to everyone.
    """

    rule: str
    endpoint: str
    view: Callable[..., Response]
    methods: tuple[str, ...] = ("GET",)
    guarded_by: str | None


class PageRequest:
    """One request for a page. Made by each view, within Flask's request context."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit
        self.visit: OpenVisit = caller.visit_of(request.environ)
        self.at: datetime = self.visit.at
        self.session: LiveSession | None = caller.session_of(request.environ)

    @property
    def subject(self) -> Subject:
        """Who asks, on a guarded page.

        Raises:
            NotGuardedError: nobody is signed in.
        """
        if self.session is None:
            message = "pages: nobody is signed in"
            raise caller.NotGuardedError(message)
        return self.session.subject

    @property
    def live_session(self) -> LiveSession:
        """The session, on a guarded page.

        Raises:
            NotGuardedError: nobody is signed in.
        """
        if self.session is None:
            message = "pages: nobody is signed in"
            raise caller.NotGuardedError(message)
        return self.session

    @property
    def session_cookie(self) -> str | None:
        """What the browser sent as session cookie, live or not."""
        return request.cookies.get(self._kit.services.cookies.session.name)

    def adopt_session(self, token: str) -> None:
        """Tie the forms of this page to the token that the session has just been given."""
        self.__dict__.pop("form_token", None)
        self.__dict__["_cookie_value"] = token

    @cached_property
    def _cookie_value(self) -> str:
        """The cookie that forms of this browser are tied to, or an empty text."""
        cookies = self._kit.services.cookies
        cookie = cookies.session if self.session is not None else cookies.form
        value = request.cookies.get(cookie.name, "")
        return value if is_cookie_value(value) else ""

    @cached_property
    def new_form_cookie(self) -> str | None:
        """A value to set as form cookie, when nobody is signed in and the browser has none."""
        return None if self._cookie_value else FormTokens.new_cookie()

    @cached_property
    def form_token(self) -> str:
        """The token for the forms of this page."""
        return self._kit.tokens.token(self._cookie_value or self.new_form_cookie or "")

    def form_is_ours(self) -> bool:
        """Tell whether the form that was sent is one that we showed to this browser."""
        return self._kit.tokens.is_good(request.form.get(FIELD, ""), self._cookie_value)

    def forget_session(self, *, form_action: str) -> None:
        """Answer as to somebody without a session, which has just been ended.

        Args:
            form_action: address, not ours, to which a form of this page goes.
        """
        self.session = None
        request.environ[caller.SESSION_KEY] = None
        request.environ[caller.FORM_ACTION_KEY] = form_action

    def respond(self, template: str, *, status: int = 200, **values: object) -> Response:
        """Fill a template within the frame of the pages."""
        services = self._kit.services
        organisation = self.session.subject.organisation if self.session else None
        body = self._kit.renderer.render(
            template,
            caller=caller.caller_of(
                services, request.environ, form_token=self.form_token, at=self.at
            ),
            contacts=services.contacts(organisation),
            help_contact=services.contacts(organisation)["own-organisation"],
            reference=self.visit.reference,
            at=self.at,
            **values,
        )
        response = Response(body, status=status, content_type="text/html; charset=utf-8")
        if self.session is None and self.new_form_cookie is not None and FIELD in body:
            self._kit.set_cookie(response, services.cookies.form, self.new_form_cookie)
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class PageKit:
    """What views share: the services, the templates, the form tokens."""

    services: PageServices
    renderer: Renderer
    tokens: FormTokens

    def open_request(self) -> PageRequest:
        """Read the request that Flask is handling."""
        return PageRequest(self)

    def set_cookie(self, response: Response, cookie: Cookie, value: str) -> None:
        """Set one of our cookies with the flags of the policy."""
        response.set_cookie(
            cookie.name,
            value,
            max_age=cookie.max_age_seconds,
            path="/",
            secure=self.services.cookies.secure,
            httponly=True,
            samesite=cookie.same_site,
        )

    def drop_cookie(self, response: Response, cookie: Cookie) -> None:
        """Have the browser forget one of our cookies."""
        response.delete_cookie(
            cookie.name,
            path="/",
            secure=self.services.cookies.secure,
            httponly=True,
            samesite=cookie.same_site,
        )


def see_other(path: str) -> Response:
    """Send the browser to a path of ours with GET; the caller has checked the path."""
    response = Response(status=303)
    # Written as given: a relative path cannot lead away from this host.
    response.headers["Location"] = path
    response.autocorrect_location_header = False
    return response


def small_number(text: str, *, digits: int = 5) -> int | None:
    """Read a number that an address of ours carries to be shown; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None

"""Who a page is shown to: what the front put into the WSGI environ, and what the frame shows of it.

Pages read identity from nowhere else. A header cannot set these keys, as a header's key in the
environ always begins with `HTTP_`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from gateway.errors import GatewayError
from policies.decision import Gate
from policies.question import Question

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.pages.page_services import LiveSession, OpenVisit, PageGrant, PageServices
    from policies.engine import Engine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

VISIT_KEY = "gateway.visit"
SESSION_KEY = "gateway.session"
GRANT_KEY = "gateway.grant"
HOST_KEY = "gateway.host"
"""The system at whose own host the page was asked for; empty for the gateway's."""
FORM_ACTION_KEY = "gateway.form_action"
"""Set by a page with a form that goes to a provider: its address, for the page's policy."""

# The gateway's own pages in the service navigation: function, words, address.
_NAVIGATION = (
    ("gate.portal", "Services", "/-/portal"),
    ("gate.audit", "Record", "/-/audit"),
    ("gate.policy", "Policy", "/-/policy"),
    ("gate.vetting", "Vetting register", "/-/vetting"),
    ("gate.breakglass", "Break-glass", "/-/break-glass-uses"),
    ("gate.sessions", "Sessions", "/-/sessions"),
    ("gate.factors", "Second factors", "/-/factors"),
    ("gate.me", "Your security", "/-/me/factors"),
)


class NotGuardedError(GatewayError):
    """A page was reached without the front's visit, or a guarded one without its Grant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What the frame of a page shows of the signed-in person.

    Attributes:
        name: their name.
        organisation_name: the name of their organisation.
        form_token: for the forms of the page, the sign-out button first of all.
        navigation: items of the service navigation, as its macro takes them.
        ends_at: when the session ends if nothing is opened any more; None where two pages must
            not differ by it.
        seconds: from now until then, for the script that warns.
        lasts: whether it will end then however much it is used.
    """

    name: str
    organisation_name: str
    form_token: str
    navigation: tuple[dict[str, object], ...]
    ends_at: datetime | None = None
    seconds: int = 0
    lasts: bool = False


def visit_of(environ: Mapping[str, Any]) -> OpenVisit:
    """Give the visit of a request.

    Raises:
        NotGuardedError: the request did not come through the front.
    """
    visit = environ.get(VISIT_KEY)
    if visit is None:
        message = "pages: a request without a visit"
        raise NotGuardedError(message)
    return cast("OpenVisit", visit)


def session_of(environ: Mapping[str, Any]) -> LiveSession | None:
    """Give the live session of a request, if it has one."""
    return cast("LiveSession | None", environ.get(SESSION_KEY))


def demand_grant(environ: Mapping[str, Any], function_id: str) -> None:
    """Check that the front was permitted to show this very page; nothing is decided here.

    Raises:
        NotGuardedError: no Grant came with the request, or one for another function.
    """
    grant = cast("PageGrant | None", environ.get(GRANT_KEY))
    if grant is None or session_of(environ) is None:
        message = f"pages: `{function_id}` was reached without a Grant"
        raise NotGuardedError(message)
    if not grant.decision.permitted or grant.decision.function_id != function_id:
        message = f"pages: `{function_id}` was reached with a Grant for something else"
        raise NotGuardedError(message)


def navigation(
    engine: Engine, session: LiveSession, *, path: str, at: datetime, zone: str | None = None
) -> tuple[dict[str, object], ...]:
    """List those of the gateway's own pages that this person may open, the present one marked.

    Fewer than two are no navigation: the name of the service leads to the portal already.
    """
    functions = engine.policy_set.catalogue.functions
    items: list[dict[str, object]] = []
    shown_us = session.session.second_factor_at_us
    age_us = None if shown_us is None else (at - _EPOCH) // _MICROSECOND - shown_us
    for function_id, text, url in _NAVIGATION:
        function = functions.get(function_id)
        if function is None:
            continue
        question = Question(
            subject=session.subject,
            function=function,
            action="read",
            at=at,
            factors=session.session.factors,
            zone=zone,
            second_factor_age_us=age_us,
        )
        decision = engine.decide(question)
        # Where only a second factor is missing, the link leads to where it is asked for.
        if decision.permitted or decision.gate is Gate.OBLIGATION:
            below = path == url or path.startswith(f"{url}/")
            items.append({"text": text, "href": url, "current": path == url, "active": below})
    return tuple(items) if len(items) > 1 else ()


def caller_of(
    services: PageServices, environ: Mapping[str, Any], *, form_token: str, at: datetime
) -> Caller | None:
    """Say what the frame shows of the signed-in person; None when nobody is."""
    session = session_of(environ)
    if session is None:
        return None
    subject = session.subject
    organisation = services.organisation(subject.organisation)
    path = str(environ.get("PATH_INFO", ""))
    visit = cast("OpenVisit | None", environ.get(VISIT_KEY))
    zone = None if visit is None else visit.zone
    ends_at = session.ends_unused_at(at)
    at_host = bool(environ.get(HOST_KEY))  # where the button that makes it last longer is not
    return Caller(
        name=subject.name,
        organisation_name=organisation.name if organisation else subject.organisation,
        form_token=form_token,
        navigation=navigation(services.engine(), session, path=path, at=at, zone=zone),
        ends_at=None if at_host else ends_at,
        seconds=int((ends_at - at).total_seconds()),
        lasts=ends_at - at < timedelta(microseconds=session.idle_us),
    )


def caller_of_refusal(
    services: PageServices, session: LiveSession, *, form_token: str, at: datetime
) -> Caller:
    """Say what the frame of a refusal shows: nothing that differs from one refusal to the next."""
    subject = session.subject
    organisation = services.organisation(subject.organisation)
    return Caller(
        name=subject.name,
        organisation_name=organisation.name if organisation else subject.organisation,
        form_token=form_token,
        navigation=navigation(services.engine(), session, path="", at=at),
    )

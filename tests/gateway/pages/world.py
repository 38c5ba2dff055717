"""Pages with everything around them, over the shipped policy set.

`Front` plays the gateway's front before the pages: it opens a visit, finds the session, asks the
real engine, and hands over a Grant or renders the refusal. `served` puts it on a loopback port.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from gateway.audit.search import AuditRow
from gateway.cookies import CookiePolicy
from gateway.front.open_routes import OPEN_PAGE_PREFIXES, OPEN_PAGES
from gateway.pages.application import Pages
from gateway.pages.page_headers import NO_STORE, PAGE_HEADERS
from gateway.pages.page_services import Brand, OrganisationChoice, PageServices
from gateway.store.schema import microseconds
from policies.decision import Gate
from policies.engine import Engine
from policies.policy_set import load_policy_set
from policies.question import Question, Subject
from tests.gateway.pages.doubles import (
    BreakGlassDesk,
    Grant,
    ProviderDesk,
    RecordDesk,
    RegisterDesk,
    SessionDesk,
    SignInDesk,
    StaffCountDesk,
    TicketDesk,
    Visit,
    policy_versions,
)
from tests.gateway.pages.factor_doubles import (
    FactorDesk,
    FactorOffice,
    NoticeDesk,
    PurposeDesk,
    staff_of,
)
from tests.gateway.pages.morning import morning
from tests.gateway.pages.people import AMBULANCE, AT, FIRE, POLICE, demo_staff

LIBRARY = (
    Path(__file__).resolve().parents[3] / "deploy" / "scenarios" / "cheshire-blue-light" / "policy"
)
FORM_SECRET = bytes(range(32))
REFERENCE = "7H3K9QZ2MA"

Reply = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Pages with everything around them."""

    pages: Pages
    services: PageServices
    engine: Engine
    staff: dict[str, Subject]
    desk: SignInDesk
    envelope: BreakGlassDesk
    providers: ProviderDesk
    tickets: TicketDesk
    sessions: SessionDesk
    record: RecordDesk
    register: RegisterDesk
    counts: StaffCountDesk
    factors: FactorDesk
    office: FactorOffice
    notices: NoticeDesk
    purposes: PurposeDesk
    front: Front


@cache
def shipped_engine() -> Engine:
    """Compile the shipped policy set once; an engine never changes."""
    return Engine.compile(load_policy_set(LIBRARY))


def new_world(
    *,
    origin: str = "http://localhost:8080",
    at: datetime = AT,
    organisations: tuple[OrganisationChoice, ...] = (POLICE, FIRE, AMBULANCE),
    rows: Iterable[AuditRow] | None = None,
    engine: Engine | None = None,
) -> World:
    """Put the pages together over the shipped policy set."""
    engine = engine or shipped_engine()
    policy_set = engine.policy_set
    staff = demo_staff(policy_set.levels)
    desk = SignInDesk(staff)
    envelope = BreakGlassDesk(desk)
    providers = ProviderDesk(desk)
    tickets = TicketDesk(desk)
    register = RegisterDesk(staff, policy_set.levels)
    counts = StaffCountDesk(staff)
    record = RecordDesk(morning(engine, staff) if rows is None else rows)
    sessions = SessionDesk(desk, at)
    factors = FactorDesk()
    office = FactorOffice(
        person=staff_of(staff["constable"]), proposed_by="cheshire-police/somebody"
    )
    notices, purposes = NoticeDesk(), PurposeDesk()
    services = PageServices(
        brand=Brand(
            service_name="Shared services gateway",
            host=POLICE,
            host_vetting_contact="Force vetting unit, 01606 362100",
        ),
        organisations=organisations,
        cookies=CookiePolicy.for_origin(origin),
        form_secret=FORM_SECRET,
        engine=lambda: engine,
        policy_versions=lambda: policy_versions(policy_set.digest),
        sign_in_desk=desk,
        break_glass=envelope,
        provider_desk=providers,
        ticket_desk=tickets,
        register=register,
        staff_counts=counts,
        search_record=record.search,
        session_limits=(30, 600),
        session_desk=sessions,
        at_most=5,
        directories={each.id: each.id for each in organisations},
        factors=factors,
        factor_office=office,
        notices=notices,
        purposes=purposes,
        why_over=lambda token: desk.ended.get(token, ""),
    )
    pages = Pages(services)
    return World(
        pages=pages,
        services=services,
        engine=engine,
        staff=staff,
        desk=desk,
        envelope=envelope,
        providers=providers,
        tickets=tickets,
        sessions=sessions,
        record=record,
        register=register,
        counts=counts,
        factors=factors,
        office=office,
        notices=notices,
        purposes=purposes,
        front=Front(pages, services, engine, desk, at),
    )


class Front:
    """Plays the front before the pages: visit, session, decision, Grant or refusal."""

    def __init__(
        self,
        pages: Pages,
        services: PageServices,
        engine: Engine,
        desk: SignInDesk,
        at: datetime,
    ) -> None:
        self._pages = pages
        self._services = services
        self._engine = engine
        self._desk = desk
        self.at = at
        self.reference = REFERENCE

    def __call__(self, environ: dict[str, Any], start_response: Reply) -> Iterable[bytes]:
        """Answer as the gateway would."""
        path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        environ["gateway.visit"] = Visit(reference=self.reference, at=self.at)
        session = self._desk.sessions.get(_cookie(environ, self._services.cookies.session.name))
        environ["gateway.session"] = session
        match = self._engine.policy_set.catalogue.match(
            environ["REQUEST_METHOD"], path, parse_qsl(query, keep_blank_values=True)
        )
        if match is None:
            opened = path in OPEN_PAGES or path.startswith(OPEN_PAGE_PREFIXES)
            if opened:
                return self._pages.wsgi(environ, start_response)
            return self._refuse(start_response, 404, (), who=(session, environ))
        if session is None:
            start_response("303 See Other", [("Location", f"/-/sign-in?next={quote(path)}")])
            return [b""]
        question = Question(
            subject=session.subject,
            function=match.function,
            action=match.action.value,
            at=self.at,
            record_person=match.record_person,
            factors=match.function.fresh_factors(
                session.session.factors,
                session.session.second_factor_at_us,
                microseconds(self.at),
            ),
        )
        decision = self._engine.decide(question)
        if decision.permitted and match.function.system == "gateway":
            environ["gateway.grant"] = Grant(decision=decision)
            return self._pages.wsgi(environ, start_response)
        if decision.permitted:
            return self._refuse(start_response, 502, (), who=(session, environ))
        if decision.gate in {Gate.FUNCTION, Gate.AGREEMENT}:
            return self._refuse(start_response, 404, (), who=(session, environ))
        reasons = self._engine.staff_reasons(question, decision)
        return self._refuse(
            start_response,
            403,
            reasons,
            who=(session, environ),
            asked_for=match.function.title,
            contacts=self._services.contacts(session.subject.organisation),
        )

    def _refuse(
        self, start_response: Reply, status: int, reasons: Any, *, who: Any, **more: Any
    ) -> list[bytes]:
        session, environ = who
        if session is not None:
            cookies = environ.get("HTTP_COOKIE", "").encode()
            more["caller"] = self._pages.refusal_caller(session, cookies, self.at)
        body = self._pages.refusals.render(status, self.reference, reasons, at=self.at, **more)
        headers = [("Content-Type", "text/html; charset=utf-8"), NO_STORE]
        headers += PAGE_HEADERS
        start_response(f"{status} Refused", headers)
        return [body]


def _cookie(environ: dict[str, Any], name: str) -> str:
    for pair in environ.get("HTTP_COOKIE", "").split("; "):
        key, _, value = pair.partition("=")
        if key == name:
            return str(value)
    return ""


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(application: Any) -> Iterator[str]:
    """Serve a WSGI application on a free loopback port; gives its origin."""

    class Server(WSGIServer):
        request_queue_size = 32

    server = make_server("127.0.0.1", 0, application, Server, _QuietHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

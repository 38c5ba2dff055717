"""The tour of the Cheshire demo, without a person: what each account sees, does and is refused.

What holds for every scenario is in `Walk`; here is what needs this one's people.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from typing_extensions import override

from deploy.demo.backoffice.report import REPORT_BYTES, report
from deploy.demo.expectations import (
    Unexpected,
    entries_of,
    expect,
    expect_in,
    expect_refusal,
    without_visit,
)
from deploy.demo.register import london_day
from deploy.demo.second_factor import second_factor
from deploy.demo.walk import POLL_SECONDS, SEALED_SECONDS, Walk
from gateway.cookies import CookiePolicy

OWN_PAYSLIP = "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"
SEARCH_ALL = "/OA_HTML/OA.jsp?OAFunc=XX_PERSEARCH"
LEAVE = "/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS"
BANK = "/OA_HTML/OA.jsp?OAFunc=XX_BANK"
PRICE_LIST = "/catalogue/frameworks/current/download"
UPLOAD = "/ict/tickets/ICT-10001/attachments"
EVENTS = "/ict/tickets/ICT-10001/events?events=3&every_ms=50"
POLICE_ROSTER = "/dms/me/roster"
UNKNOWN = "/OA_HTML/OAExport.jsp"
DISGUISED = (
    "/OA_HTML/../admin/console",
    "/OA_HTML/%2e%2e/admin/console",
    "/OA_HTML//OA.jsp?OAFunc=XX_PAYSLIP",
    "/OA_HTML/OA.jsp;a=b?OAFunc=XX_PAYSLIP",
    "/%4fA_HTML/OA.jsp?OAFunc=XX_PAYSLIP",
    "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&OAFunc=XX_PERSEARCH",
    "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&oafunc=XX_PERSEARCH",
    "/OA_HTML\\OA.jsp?OAFunc=XX_PAYSLIP",
)


@dataclass(slots=True, kw_only=True)
class Tour(Walk):
    """One walk through the running demo of the Cheshire Blue Light Collaboration."""

    @override
    def steps(self) -> Iterable[Callable[[], None]]:
        """Give the steps in order."""
        return (
            self.is_in_health,
            self.lets_nobody_in_without_a_session,
            self.refuses_wrong_credentials_alike,
            self.shows_each_account_its_tiles,
            self.changes_the_session_at_sign_in,
            self.opens_every_tile_of_the_firefighter,
            self.asks_for_a_second_proof_for_bank_details,
            self.stores_a_leave_request,
            self.streams_twenty_megabytes_down,
            self.streams_twenty_megabytes_up,
            self.passes_events_on_as_they_come,
            self.keeps_anothers_payslip_shut,
            self.tells_unknown_and_not_offered_alike,
            self.refuses_paths_in_disguise,
            self.believes_no_directory_about_vetting,
            self.tells_the_lapsed_what_ended,
            self.shows_the_auditor_what_happened,
            self.shows_officers_policy_and_register,
            self.answers_as_the_table_says,
            self.ends_a_session_at_once_everywhere,
            self.hears_when_somebody_signs_out_at_their_provider,
            self.publishes_its_keys,
            self.proves_its_record,
        )

    def lets_nobody_in_without_a_session(self) -> None:
        """Without a session a page leads to sign-in, and anything else is refused."""
        stranger = self.stranger()
        for path in ("/", "/-/portal", OWN_PAYSLIP, "/-/audit"):
            page = stranger.get(path)
            expect(page.status, HTTPStatus.SEE_OTHER, path)
            expect(page.headers.get("location", "")[:10], "/-/sign-in", f"where {path} leads")
        answered = stranger.post(LEAVE, {"kind": "Annual leave"})
        expect(answered.status, HTTPStatus.UNAUTHORIZED, "a form without a session")

    def refuses_wrong_credentials_alike(self) -> None:
        """Wrong names and passwords, odd ones and organisations nobody knows are refused."""
        tries = (
            ("cheshire-fire", "firefighter", "wrong"),
            ("cheshire-fire", "nobody-of-that-name", "demo"),
            ("cheshire-fire", "firefighter)(uid=*", "demo"),
            ("cheshire-police", "firefighter", "demo"),
            ("cheshire-fire", "firefighter", ""),
            ("no-such-service", "firefighter", "demo"),
            ("cheshire-fire", "firefighter", "x" * 10_240),
            ("cheshire-fire", "firefighter", "de\0mo"),
        )
        for organisation, username, password in tries:
            visitor = self.stranger()
            page = visitor.sign_in(organisation, username, password)
            if page.status not in range(400, 500):
                message = f"sign-in as {username[:30]!r} answered {page.status}"
                raise Unexpected(message)
            portal = visitor.get("/-/portal").status
            expect(portal, HTTPStatus.SEE_OTHER, f"the portal after {username[:30]!r}")

    def changes_the_session_at_sign_in(self) -> None:
        """The session's cookie is new at each sign-in, and no script can read it."""
        account = self.accounts["firefighter"]
        visitor, name = self.stranger(), CookiePolicy.for_origin(self.places.origin).session.name
        cookies = []
        for _ in range(2):
            visitor.cookies.pop(name, None)
            page = visitor.sign_in(account.organisation, account.username, self.accounts.password)
            cookies += [one for one in page.set_cookies if one.startswith(f"{name}=")]
        expect(len({one.partition(";")[0] for one in cookies}), 2, "different session cookies")
        for cookie in cookies:
            for attribute in ("HttpOnly", "SameSite=", "Path=/"):
                expect(attribute.lower() in cookie.lower(), True, f"{attribute} of the cookie")

    def opens_every_tile_of_the_firefighter(self) -> None:
        """Each tile opens the back office's page, which knows who is asking."""
        account = self.accounts["firefighter"]
        visitor = self.visitor(account.username)
        for tile in visitor.tiles():
            if tile.needs:
                continue
            page = visitor.open(tile.url or "/")
            expect(page.status, HTTPStatus.OK, f"tile {tile.function}")
            seen = page.seen.data
            expect(seen.get("data-function"), [tile.function], f"page of {tile.function}")
            expect(seen.get("data-asker"), [account.employee_number], "who is asking")
        style = visitor.get("/OA_MEDIA/shared-services.css")
        expect(style.status, HTTPStatus.OK, "the back office's style sheet")

    def asks_for_a_second_proof_for_bank_details(self) -> None:
        """Bank details lead to a second proof; with an authenticator app they open."""
        visitor = self.signed_in_anew("firefighter")
        page = visitor.get(BANK)
        expect(page.status, HTTPStatus.SEE_OTHER, "bank details without a second proof")
        expect(page.headers.get("location", "")[:11], "/-/step-up?", "where they lead")
        told = visitor.get(BANK, Accept="application/json")
        expect(told.status, HTTPStatus.FORBIDDEN, "bank details for a program")
        with second_factor(self.places, visitor, self.accounts["firefighter"]):
            opened = visitor.get(BANK)
            expect(opened.status, HTTPStatus.OK, "bank details with a second proof")
            expect(opened.seen.data.get("data-function"), ["pay.bank"], "the page")

    def stores_a_leave_request(self) -> None:
        """A leave request is stored and shown; another site cannot send one."""
        visitor = self.visitor("firefighter")
        sent = {"kind": "Annual leave", "first_day": "2027-03-01", "days": "2", "note": "a walk"}
        page = visitor.post(LEAVE, sent)
        expect(page.status, HTTPStatus.SEE_OTHER, "a leave request")
        shown = visitor.get(page.headers["location"])
        expect_in("2027-03-01", shown, "the stored request")
        foreign = visitor.post(LEAVE, sent, Origin="http://elsewhere.example")
        expect(foreign.status, HTTPStatus.FORBIDDEN, "a form from another site")

    def streams_twenty_megabytes_down(self) -> None:
        """A report of 20 MB arrives whole, and is the asker's own."""
        account = self.accounts["firefighter"]
        digest, size = hashlib.sha256(), 0
        for piece in self.visitor(account.username).pieces(PRICE_LIST):
            digest.update(piece)
            size += len(piece)
        expect(size, REPORT_BYTES, "size of the report")
        own = hashlib.sha256()
        for piece in report("Joint framework catalogue", account.employee_number):
            own.update(piece)
        expect(digest.hexdigest(), own.hexdigest(), "the report's content")

    def streams_twenty_megabytes_up(self) -> None:
        """A file of 20 MB is taken whole, with its length known and in chunks."""
        piece = bytes(range(256)) * 256
        pieces = 20 * 1024 * 1024 // len(piece)
        sha256 = hashlib.sha256(piece * pieces).hexdigest()
        visitor = self.visitor("firefighter")
        named = {
            "Content-Type": "application/octet-stream",
            "Accept": "application/json",
            "Origin": visitor.origin,
        }
        whole = visitor.ask("POST", UPLOAD, body=piece * pieces, headers=named)
        chunks: Iterator[bytes] = (b"%x\r\n%b\r\n" % (len(piece), piece) for _ in range(pieces))
        chunked = {**named, "Transfer-Encoding": "chunked"}
        parted = visitor.ask("POST", UPLOAD, body=_ended(chunks), headers=chunked)
        for page in (whole, parted):
            expect(page.status, HTTPStatus.CREATED, "an upload")
            told = json.loads(page.body)["files"][0]
            expect((told["size"], told["sha256"]), (len(piece) * pieces, sha256), "what arrived")

    def passes_events_on_as_they_come(self) -> None:
        """A stream of events is passed on event by event."""
        lines = self.visitor("firefighter").lines(EVENTS, Accept="text/event-stream")
        expect(sum(line.startswith("data: ") for line in lines), 3, "events")

    def keeps_anothers_payslip_shut(self) -> None:
        """Another's payslip is refused with a reference, and does not reach the back office."""
        other = self.accounts["watch-manager"].employee_number
        page = self.visitor("firefighter").get(f"{OWN_PAYSLIP}&person_id={other}")
        expect_refusal(page, HTTPStatus.FORBIDDEN, "another's payslip")
        reached = self.places.requests_seen.read_text("utf-8")
        expect(f"person_id={other}" in reached, False, "the refused request at the back office")

    def tells_unknown_and_not_offered_alike(self) -> None:
        """What is unknown and what is not offered get the same answer, to the byte."""
        visitor = self.visitor("firefighter")
        pages = [
            visitor.get(path) for path in (UNKNOWN, POLICE_ROSTER, "/admin/console", "/nothing")
        ]
        for page in pages:
            expect_refusal(page, HTTPStatus.NOT_FOUND, "an unknown page")
        expect(len({without_visit(page) for page in pages}), 1, "different answers of 404")

    def refuses_paths_in_disguise(self) -> None:
        """A path that can be read in two ways is refused before anything is forwarded."""
        visitor = self.visitor("firefighter")
        before = self.places.reached_back_office()
        for target in DISGUISED:
            page = visitor.get(target)
            if page.status not in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}:
                message = f"`{target}` answered {page.status}"
                raise Unexpected(message)
            expect(page.reference is not None, True, f"a reference for `{target}`")
        met = self.places.reached_back_office()[len(before) :]
        expect(met, [], "what reached the back office meanwhile")

    def believes_no_directory_about_vetting(self) -> None:
        """The fire directory claims that the firefighter holds NPPV3; nobody believes it."""
        expect(self.accounts["firefighter"].vetting_claim, "NPPV3", "the claim")
        page = self.visitor("firefighter").get(SEARCH_ALL)
        expect_refusal(page, HTTPStatus.FORBIDDEN, "the search of all persons")
        found = self.visitor("fire-hr").get(SEARCH_ALL).status
        expect(found, HTTPStatus.OK, "the same for one who holds it")

    def tells_the_lapsed_what_ended(self) -> None:
        """Whose vetting ended yesterday is told what ended and when."""
        now = datetime.now(UTC)  # noqa: TID251 - the tour is its own clock
        ended = london_day(now) - timedelta(days=1)
        visitor = self.visitor("fire-lapsed")
        refused = visitor.get(SEARCH_ALL)
        expect_refusal(refused, HTTPStatus.FORBIDDEN, "the search of all persons")
        for page in (visitor.get("/-/portal"), refused):
            expect_in(f"{ended.day} {ended:%B %Y}", page, "the day it ended")

    def shows_the_auditor_what_happened(self) -> None:
        """The auditor finds the refused visit by each way of searching."""
        auditor = self.visitor("auditor")
        other = self.accounts["watch-manager"].employee_number
        refused = self.visitor("firefighter").get(f"{OWN_PAYSLIP}&person_id={other}").reference
        queries = (
            f"reference={refused}",
            "person=40011&outcome=deny",
            "organisation=cheshire-fire&function=pay.slip",
            "since=2026-01-01&until=2099-12-31",
        )
        latest = time.monotonic() + SEALED_SECONDS
        while str(refused) not in entries_of(auditor.get(f"/-/audit?{queries[0]}")):
            if time.monotonic() > latest:
                message = f"`{refused}` is not in the record after {SEALED_SECONDS:.0f} s"
                raise Unexpected(message)
            time.sleep(POLL_SECONDS)
        for query in queries[1:]:
            page = auditor.get(f"/-/audit?{query}")
            expect(page.status, HTTPStatus.OK, query)
            expect(bool(entries_of(page)), True, f"entries for {query}")
        expect_refusal(
            self.visitor("firefighter").get("/-/audit"), HTTPStatus.FORBIDDEN, "the record"
        )

    def shows_officers_policy_and_register(self) -> None:
        """Security and vetting officers read the policy set in force and the register."""
        for username in ("security-officer", "second-officer", "vetting-officer"):
            for path in (
                "/-/policy",
                "/-/policy/agreements",
                "/-/vetting",
                "/-/vetting/cheshire-fire/40011",
            ):
                status = self.visitor(username).get(path).status
                expect(status, HTTPStatus.OK, f"{path} for {username}")
        for path in ("/-/policy", "/-/vetting"):
            page = self.visitor("constable").get(path)
            expect_refusal(page, HTTPStatus.FORBIDDEN, f"{path} for the constable")

    def ends_a_session_at_once_everywhere(self) -> None:
        """After sign-out no worker takes the old cookie any more."""
        visitor = self.signed_in_anew("paramedic")
        for _ in range(8):  # every worker has seen the session
            expect(visitor.get("/-/portal").status, HTTPStatus.OK, "the portal")
        old = dict(visitor.cookies)
        status = visitor.sign_out().status
        expect(status in {HTTPStatus.OK, HTTPStatus.SEE_OTHER}, True, f"sign-out ({status})")
        left = self.stranger()
        left.cookies = old
        for _ in range(16):
            expect(left.get("/estates/jobs").status, HTTPStatus.SEE_OTHER, "the old cookie")

    def hears_when_somebody_signs_out_at_their_provider(self) -> None:
        """Ambulance staff sign in at their own provider; signing out there ends it here."""
        for provider in self.places.providers:
            visitor = self.signed_in_anew("paramedic")
            expect(visitor.get("/-/portal").status, HTTPStatus.OK, "the portal")
            visitor.provider.sign_out(f"{provider.issuer}/session/end", {})
            # It says so to the gateway before it answers, so this is at once.
            expect(visitor.get("/-/portal").status, HTTPStatus.SEE_OTHER, "the portal afterwards")
            page = self.signed_in_anew("paramedic").sign_out()
            expect_in(f"Sign out of {provider.name}", page, "signing out here")


def _ended(chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield from chunks
    yield b"0\r\n\r\n"

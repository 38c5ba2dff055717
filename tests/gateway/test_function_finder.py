"""Tests of finding the function that a request asks for, with the form that comes with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from deploy.demo.scenario import load_scenario
from gateway.backoffice.canonical import TargetError
from gateway.backoffice.multipart_check import MultipartCheck
from gateway.function_finder import FunctionFinder, UnfitBody
from gateway.wire.incoming import Incoming
from gateway.wire.request_head import CHUNKED, UNSEEN, RequestHead
from policies.catalogue import (
    BodyKind,
    Catalogue,
    Classification,
    Function,
    Match,
    Matcher,
    Regime,
    Scope,
)
from policies.policy_set import load_policy_set
from tests.policies.people import cheshire
from vetting.levels import LevelOrder
from vetting.requirement import Requirement

FORM = b"application/x-www-form-urlencoded"
LEAVE = b"/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS"
JOBS = b"/estates/jobs"
UPLOADS = b"/ict/tickets/7/attachments"
TEAM = b"/webservices/rest/mss_leave/team"
JSON = b"application/json"
POST = frozenset({"POST"})


@dataclass(slots=True, kw_only=True)
class Sent:
    """A request with a body, as the finder uses it; an `Incoming` in all that matters here."""

    head: RequestHead
    body: bytes
    asked: list[int] = field(default_factory=list)
    given_back: bytes | None = None
    failed: bool = False
    failure: tuple[int, str] = (499, "client-gone")
    check: MultipartCheck | None = None

    async def read_body(self, limit_bytes: int) -> bytes | None:
        self.asked.append(limit_bytes)
        return self.body if len(self.body) <= limit_bytes else None

    def put_back(self, body: bytes) -> None:
        self.given_back = body

    def check_body(self, check: MultipartCheck) -> None:
        self.check = check
        try:
            check.piece(self.body)
        except TargetError as error:
            self.failed, self.failure = True, (400, error.code)


def sent(
    target: bytes,
    body: bytes,
    *,
    kind: bytes = FORM,
    method: str = "POST",
    length: int | None = None,
) -> Sent:
    head = RequestHead(
        method=method,
        target=target,
        headers={b"content-type": kind} if kind else {},
        body_length=len(body) if length is None else length,
        keep_alive=True,
        expects_continue=False,
        http_1_0=False,
    )
    return Sent(head=head, body=body)


def made(function_id: str, matcher: Matcher) -> Function:
    return Function(
        id=function_id,
        title="T",
        area="A",
        classification=Classification.OFFICIAL,
        regime=Regime.GP,
        floor=Requirement.parse("BASE", LevelOrder.shipped()),
        scope=Scope.OWN,
        system="ebs",
        matchers=(matcher,),
    )


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_policy_set(load_scenario().policy_set).catalogue


async def told(catalogue: Catalogue, one: Sent) -> tuple[Match | None, UnfitBody | None]:
    finder = FunctionFinder()
    target, match, _ = finder.find(catalogue, one.head.method, one.head.target)
    return await finder.with_body(catalogue, target, cast("Incoming", one), match)


async def found(catalogue: Catalogue, one: Sent) -> str | None:
    match, unfit = await told(catalogue, one)
    assert unfit is None, unfit
    return match.function.id if match else None


async def refused(catalogue: Catalogue, one: Sent) -> tuple[str | None, UnfitBody | None]:
    match, unfit = await told(catalogue, one)
    assert one.given_back is None
    return match.function.id if match else None, unfit


async def test_an_honest_form_is_read_and_given_back(catalogue: Catalogue) -> None:
    """It has still to be sent on."""
    one = sent(LEAVE, b"kind=Annual+leave")

    assert await found(catalogue, one) == "hr.absence"
    assert one.given_back == b"kind=Annual+leave"


@pytest.mark.parametrize(
    "body", [b"person_id=40012", b"OAFunc=XX_BANK", b"page=x", b"a=1&person_id=40012"]
)
async def test_a_form_names_nothing_that_the_address_does_not(
    catalogue: Catalogue, body: bytes
) -> None:
    """Nor where the address alone tells the function: the back office reads forms everywhere."""
    for target in (JOBS, b"/ict/tickets", b"/stores/orders"):
        if not body.startswith((b"OAFunc", b"page")):
            assert await found(catalogue, sent(target, body)) is None
    if b"person_id" not in body:
        assert await found(catalogue, sent(LEAVE, body)) is None


@pytest.mark.parametrize(
    "kind", [FORM.upper(), FORM + b"; charset=utf-8", FORM + b';charset="UTF-8"', b" " + FORM]
)
async def test_a_form_is_known_however_its_type_is_written(
    catalogue: Catalogue, kind: bytes
) -> None:
    """The back office folds letters and cuts parameters; what it reads as a form, so do we."""
    assert await found(catalogue, sent(JOBS, b"person_id=40012", kind=kind)) is None


async def test_a_disguised_name_in_a_form_is_refused(catalogue: Catalogue) -> None:
    for body in (b"Person_Id=40012", b"x=1;person_id=40012", b"person%5fid=40012"):
        with pytest.raises(TargetError):
            await found(catalogue, sent(JOBS, body))


@pytest.mark.parametrize(
    ("target", "kind", "unfit"),
    [
        (LEAVE, b"application/json", UnfitBody(415, "body-undeclared")),
        (LEAVE, b"multipart/form-data; boundary=B", UnfitBody(415, "body-undeclared")),
        (LEAVE, b"", UnfitBody(415, "body-undeclared")),
        (JOBS, b"text/plain", UnfitBody(415, "body-undeclared")),
        (JOBS, FORM + b" ;x", UnfitBody(415, "body-type")),
        (JOBS, FORM + b", a/b", UnfitBody(415, "body-type")),
        (JOBS, FORM + b"; charset=ibm037", UnfitBody(415, "body-type")),
        (JOBS, b"application/merge-patch+json", UnfitBody(415, "body-type")),
        (UPLOADS, b"application/json", UnfitBody(415, "body-undeclared")),
        (UPLOADS, FORM, UnfitBody(415, "body-undeclared")),
    ],
)
async def test_a_kind_of_body_that_is_not_declared_is_told_beside_the_function(
    catalogue: Catalogue, target: bytes, kind: bytes, unfit: UnfitBody
) -> None:
    """Beside it, so that only whoever may open the function learns that it takes no such body."""
    one = sent(target, b"{}", kind=kind)
    function, said = await refused(catalogue, one)

    assert (function is not None, said) == (True, unfit)
    assert one.asked == []


async def test_a_body_where_none_is_declared_is_refused(catalogue: Catalogue) -> None:
    """A back office may read the body of a GET, and that of a DELETE."""
    for method in ("GET", "HEAD", "OPTIONS"):
        for target in (JOBS, b"/nothing/here"):
            with pytest.raises(TargetError, match="body-unexpected"):
                await found(catalogue, sent(target, b"person_id=40012", method=method))
    one = sent(b"/fleet/bookings/9", b"person_id=40012", method="DELETE")

    assert await refused(catalogue, one) == ("fleet.book", UnfitBody(415, "body-undeclared"))


async def test_what_is_declared_as_other_streams(catalogue: Catalogue) -> None:
    """A file is never read here."""
    one = sent(UPLOADS, b"\x00", kind=b"application/octet-stream", length=5_000_000)

    assert await found(catalogue, one) == "ict.ticket"
    assert one.asked == []
    assert one.check is None


@pytest.mark.parametrize(
    ("kind", "may_pass"),
    [(b"application/octet-stream", True), (FORM, False), (b"", False)],
)
async def test_a_body_that_a_proxy_keeps_is_of_a_kind_nobody_reads(
    kind: bytes, *, may_pass: bool
) -> None:
    """A field in it could make the request mean something else, or somebody else."""
    bodies = frozenset({BodyKind.OTHER})
    files = made("rest.files", Matcher(methods=POST, path="/files", bodies=bodies))
    held = sent(b"/files", b"", kind=kind, length=UNSEEN)
    match, unfit = await told(Catalogue([files]), held)

    assert match is not None
    assert unfit == (None if may_pass else UnfitBody(403, "body-unseen"))


async def test_a_body_that_a_proxy_keeps_may_not_be_read_here(catalogue: Catalogue) -> None:
    one = sent(UPLOADS, b"", kind=b"application/octet-stream", length=UNSEEN)

    assert await refused(catalogue, one) == ("ict.ticket", UnfitBody(403, "body-unseen"))


async def test_an_upload_streams_and_is_watched(catalogue: Catalogue) -> None:
    kind = b"multipart/form-data; boundary=B"
    head = b'--B\r\nContent-Disposition: form-data; name="%b"\r\n\r\n'
    honest = sent(JOBS, head % b"place", kind=kind, length=5_000_000)
    hostile = sent(JOBS, head % b"Person_Id", kind=kind, length=5_000_000)

    assert await found(catalogue, honest) == "est.job"
    assert (honest.asked, honest.check is not None) == ([], True)
    assert await refused(catalogue, hostile) == ("est.job", UnfitBody(400, "parameter-disguised"))


async def test_json_is_read_and_given_back(catalogue: Catalogue) -> None:
    one = sent(JOBS, b'{"place": "HQ", "urgent": false}', kind=JSON)

    assert await found(catalogue, one) == "est.job"
    assert one.given_back == one.body


async def test_json_names_the_person_that_is_decided_about(catalogue: Catalogue) -> None:
    one = sent(TEAM, b'{"person_id": 40012, "days": 2}', kind=JSON)
    match, _ = await told(catalogue, one)

    assert match is not None
    assert (match.function.id, match.record_person) == ("hr.team.basic", "40012")


@pytest.mark.parametrize(
    "body", [b'{"person_id": "40012"}', b'{"a": {"person_id": "40012"}}', b'[{"person_id": 1}]']
)
async def test_json_names_no_person_where_none_is_declared(
    catalogue: Catalogue, body: bytes
) -> None:
    """Nor further inside, wherever the function declares that JSON names one."""
    assert await found(catalogue, sent(JOBS, body, kind=JSON)) is None
    if body[2:3] != b"p":
        assert await found(catalogue, sent(TEAM, body, kind=JSON)) is None


@pytest.mark.parametrize("body", [b'{"personId": 1}', b'{"a": 1, "a": 2}', b"{", b'{"a": NaN}'])
async def test_json_with_no_single_reading_is_refused(catalogue: Catalogue, body: bytes) -> None:
    with pytest.raises(TargetError):
        await found(catalogue, sent(JOBS, body, kind=JSON))


async def test_no_body_is_an_empty_form(catalogue: Catalogue) -> None:
    """A DELETE has none, and a POST may have none."""
    assert await found(catalogue, sent(LEAVE, b"", kind=b"")) == "hr.absence"
    assert await found(catalogue, sent(b"/fleet/bookings", b"", kind=b"", method="DELETE"))


async def test_what_is_too_large_to_read_is_refused(catalogue: Catalogue) -> None:
    """What cannot be read cannot be known to be harmless."""
    form = sent(JOBS, b"a=" + b"b" * 300_000, length=CHUNKED)
    json = sent(JOBS, b'"' + b"b" * 300_000 + b'"', kind=JSON, length=CHUNKED)

    assert await refused(catalogue, form) == ("est.job", UnfitBody(413, "form-too-large"))
    assert await refused(catalogue, json) == ("est.job", UnfitBody(413, "json-too-large"))


async def test_a_function_takes_its_own_kinds_where_the_body_tells_it() -> None:
    """Until it is read, what any of them takes is read; then only what this one takes passes."""
    bodies = frozenset({BodyKind.JSON})
    catalogue = Catalogue(
        [
            made("rest.one", Matcher(methods=POST, path="/rest", json={"act": "1"}, bodies=bodies)),
            made("rest.two", Matcher(methods=POST, path="/rest")),
        ]
    )
    one, two = (sent(b"/rest", body, kind=JSON) for body in (b'{"act": "1"}', b'{"a": "1"}'))

    assert await found(catalogue, one) == "rest.one"
    match, unfit = await told(catalogue, two)
    assert (match and match.function.id, unfit) == ("rest.two", UnfitBody(415, "body-undeclared"))


async def test_a_strangers_form_is_not_read_for_nothing(catalogue: Catalogue) -> None:
    one = sent(b"/nothing/here", b"a=1")

    assert await found(catalogue, one) is None
    assert one.asked == []


def test_what_is_asked_for_again_is_known_and_what_came_once_is_not_kept(
    catalogue: Catalogue,
) -> None:
    """A number that is never seen twice, in every address, neither fills memory nor drives out."""
    finder = FunctionFinder()
    known = [finder.find(catalogue, "GET", LEAVE) for _ in range(3)]
    for number in range(5_000):
        finder.find(catalogue, "GET", b"%b&_ti=%d" % (LEAVE, number))

    assert known[1] is not known[0]
    assert known[2] is known[1]
    assert finder.find(catalogue, "GET", LEAVE) is known[1]
    assert len(finder._known) == 1


def test_what_is_known_of_targets_is_bounded(catalogue: Catalogue) -> None:
    finder = FunctionFinder()
    for number in range(4_100):
        for _ in range(2):
            finder.find(catalogue, "GET", b"%b&page=%d" % (LEAVE, number))

    assert len(finder._known) == 4


def test_a_long_target_is_found_anew_each_time() -> None:
    catalogue = cheshire().catalogue
    finder = FunctionFinder()
    for _ in range(3):
        finder.find(catalogue, "GET", b"/nobody?" + b"&".join(b"a%d=" % i for i in range(400)))
    assert finder._known == {}

"""Tests of finding the function that a request asks for, with the form that comes with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from deploy.demo.places import POLICY_SET
from gateway.backoffice.canonical import TargetError
from gateway.function_finder import FormUnreadError, FunctionFinder
from gateway.wire.incoming import Incoming
from gateway.wire.request_head import CHUNKED, RequestHead
from policies.catalogue import Catalogue
from policies.policy_set import load_policy_set

FORM = b"application/x-www-form-urlencoded"
LEAVE = b"/OA_HTML/OA.jsp?OAFunc=HR_LOA_SS"
JOBS = b"/estates/jobs"


@dataclass(slots=True, kw_only=True)
class Sent:
    """A request with a body, as the finder uses it; an `Incoming` in all that matters here."""

    head: RequestHead
    body: bytes
    asked: list[int] = field(default_factory=list)
    given_back: bytes | None = None
    failed: bool = False

    async def read_body(self, limit_bytes: int) -> bytes | None:
        self.asked.append(limit_bytes)
        return self.body if len(self.body) <= limit_bytes else None

    def put_back(self, body: bytes) -> None:
        self.given_back = body


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


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_policy_set(POLICY_SET).catalogue


async def found(catalogue: Catalogue, one: Sent) -> str | None:
    finder = FunctionFinder()
    target, match = finder.find(catalogue, one.head.method, one.head.target)
    match = await finder.with_form(catalogue, target, cast("Incoming", one), match)
    return match.function.id if match else None


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
    "kind", [FORM.upper(), FORM + b"; charset=utf-8", FORM + b" ;x", b" " + FORM, FORM + b", a/b"]
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


async def test_what_is_no_form_streams_where_the_address_tells_the_function(
    catalogue: Catalogue,
) -> None:
    """An upload is never read here."""
    one = sent(JOBS, b"--B\r\n", kind=b"multipart/form-data; boundary=B", length=5_000_000)

    assert await found(catalogue, one) == "est.job"
    assert one.asked == []


async def test_what_is_no_form_means_nothing_where_the_form_could_tell(
    catalogue: Catalogue,
) -> None:
    assert await found(catalogue, sent(LEAVE, b"{}", kind=b"application/json")) is None
    assert await found(catalogue, sent(LEAVE, b"OAFunc=XX_BANK", kind=b"")) is None


async def test_no_body_is_an_empty_form(catalogue: Catalogue) -> None:
    """A DELETE has none, and a POST may have none."""
    assert await found(catalogue, sent(LEAVE, b"", kind=b"")) == "hr.absence"
    assert await found(catalogue, sent(b"/fleet/bookings", b"", kind=b"", method="DELETE"))


async def test_a_form_that_is_too_large_to_read_is_refused(catalogue: Catalogue) -> None:
    """What cannot be read cannot be known to be harmless."""
    with pytest.raises(FormUnreadError):
        await found(catalogue, sent(JOBS, b"a=" + b"b" * 300_000, length=CHUNKED))


async def test_a_strangers_form_is_not_read_for_nothing(catalogue: Catalogue) -> None:
    one = sent(b"/nothing/here", b"a=1")

    assert await found(catalogue, one) is None
    assert one.asked == []

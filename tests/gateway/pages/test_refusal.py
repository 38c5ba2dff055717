"""Refusal pages: what they say, what they never say, and that two of them cannot be told apart."""

from __future__ import annotations

import html as markup
import re

import pytest

from gateway.pages.refusal import RefusalPages
from policies.reasons import Reason
from policies.telling import StaffReason
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.people import AT
from tests.gateway.pages.strict_html import faults
from tests.gateway.pages.world import REFERENCE, World

STATUSES = (400, 401, 403, 404, 405, 413, 429, 431, 500, 502, 503, 504, 599)
NEEDS_VETTING = StaffReason(
    code=Reason.CLEARANCE_TOO_LOW,
    sentence="This needs vetting that you do not hold.",
    remedy="Ask your manager.",
    whom="host-vetting",
)


@pytest.fixture
def refusals(world: World) -> RefusalPages:
    return world.pages.refusals


@pytest.mark.parametrize("status", STATUSES)
def test_every_refusal_is_a_whole_page_with_its_reference(
    refusals: RefusalPages, status: int
) -> None:
    """The reference is what finds the entry; a test reads it from the attribute."""
    page = refusals.render(status, REFERENCE, at=AT).decode()

    assert faults(page) == []
    assert re.findall(r'data-reference="([^"]+)"', page) == [REFERENCE]
    assert "<span>7H3K9</span><span>QZ2MA</span>" in page
    assert not re.search(r"[@#]{5}", page)


@pytest.mark.parametrize("status", STATUSES)
def test_refusal_is_in_plain_words(refusals: RefusalPages, status: int) -> None:
    """No status code, no jargon, nothing in red (Design System, problem pages)."""
    page = refusals.render(status, REFERENCE, at=AT).decode()
    text = markup.unescape(re.sub(r"<[^>]+>", " ", page[page.index("<main") :])).lower()

    for word in (str(status), "forbidden", "bad request", "unauthor", "permission", "invalid"):
        assert word not in text
    assert "govuk-error" not in page


def test_unknown_and_not_offered_differ_by_the_reference_alone(world: World) -> None:
    """Otherwise the page tells what the host has."""
    refusals = world.pages.refusals
    unknown = refusals.render(404, "0000000001")
    hidden = refusals.render(
        404, "ZZZZZZZZZZ", [NEEDS_VETTING], asked_for="Covert vehicles", at=AT, contacts={}
    )

    assert hidden == (
        unknown.replace(b"0000000001", b"ZZZZZZZZZZ").replace(
            b"<span>00000</span><span>00001</span>", b"<span>ZZZZZ</span><span>ZZZZZ</span>"
        )
    )


def test_reasons_that_may_be_told_are_told_with_whom_to_ask(
    world: World, refusals: RefusalPages
) -> None:
    """A person who knows why can do something about it."""
    page = refusals.render(
        403,
        REFERENCE,
        [NEEDS_VETTING],
        asked_for="Search all persons",
        contacts=world.services.contacts("cheshire-fire"),
        at=AT,
    ).decode()

    assert "Search all persons" in page
    assert "This needs vetting that you do not hold." in page
    assert 'data-reason="clearance-too-low"' in page
    assert "Force vetting unit, 01606 362100" in page
    assert "21 November 2026 at 09:30" in page


def test_reasons_are_told_on_no_other_page_than_the_one_for_what_is_known(
    refusals: RefusalPages,
) -> None:
    """A reason or a title on any other page would tell that something exists."""
    for status in set(STATUSES) - {403}:
        page = refusals.render(status, REFERENCE, [NEEDS_VETTING], asked_for="Covert", at=AT)
        assert b"vetting that you" not in page
        assert b"Covert" not in page


def test_refusal_without_a_reason_still_says_whom_to_ask(
    world: World, refusals: RefusalPages
) -> None:
    """Some reasons may not be told; the way to help is the same."""
    contacts = world.services.contacts("nwas")
    page = refusals.render(403, REFERENCE, (), contacts=contacts, at=AT).decode()

    main = page[page.index("<main") : page.index("</main")]
    assert "NWAS ICT service desk" in main


def test_reason_is_shown_as_text(refusals: RefusalPages) -> None:
    """Titles and sentences come from files that people edit."""
    page = refusals.render(403, REFERENCE, (), asked_for="<b>x</b>", at=AT)

    assert b"<b>x</b>" not in page


@pytest.mark.parametrize("reference", ["", "short", "7H3K9QZ2M<", "7H3K9QZ2MÄ", "7" * 11])
def test_what_is_no_reference_is_not_put_into_a_page(
    refusals: RefusalPages, reference: str
) -> None:
    """It is spliced into prepared bytes unescaped."""
    with pytest.raises(ValueError, match="not ten characters"):
        refusals.render(404, reference)


def test_second_proof_of_who_one_is_is_asked_for_in_words(browser_of: SignIn) -> None:
    """Until the second factor exists the tile answers so."""
    response = browser_of("firefighter").get("/OA_HTML/OA.jsp?OAFunc=XX_BANK")

    assert response.status_code == 403
    assert 'data-reason="second-factor-needed"' in response.text
    assert "My bank details" in response.text

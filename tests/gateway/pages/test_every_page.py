"""What holds for every page: its markup, its headers, its inline script, what it never contains."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from gateway.pages.page_headers import INLINE_SCRIPT_HASH
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.page_list import PAGES
from tests.gateway.pages.strict_html import faults

every_page = pytest.mark.parametrize(("who", "path", "status"), PAGES)
# Pages that show another thing, not the same thing narrowed down.
DIFFERENT = (
    ("", "/-/sign-in"),
    ("", "/-/sign-out"),
    ("firefighter", "/-/portal"),
    ("firefighter", "/-/sign-out"),
    ("firefighter", "/nothing"),
    ("auditor", "/-/audit"),
    ("auditor", "/-/audit?entry=3"),
    ("security-officer", "/-/policy"),
    ("security-officer", "/-/policy/table"),
    ("security-officer", "/-/policy/sentences"),
    ("security-officer", "/-/policy/functions"),
    ("security-officer", "/-/policy/versions"),
    ("security-officer", "/-/policy/agreements"),
    ("security-officer", "/-/policy/agreement?id=host-own-staff"),
    ("security-officer", "/-/policy/function?id=pay.slip"),
    ("security-officer", "/-/policy/why?function=pay.slip&organisation=nwas"),
    ("vetting-officer", "/-/vetting"),
    ("vetting-officer", "/-/vetting/cheshire-fire/40230"),
    ("vetting-officer", "/-/vetting/cheshire-fire/40230?at=2026-05-03"),
    ("vetting-officer", "/-/vetting/ending"),
    ("firefighter", "/-/me/factors"),
    ("firefighter", "/-/me/factors/app"),
    ("firefighter", "/-/me/factors/key"),
    ("firefighter", "/-/me/factors/remove/phone"),
    ("firefighter", "/-/step-up"),
    ("firefighter", "/-/step-up/continue"),
    ("security-officer", "/-/factors"),
    ("", "/-/cookies"),
    ("", "/-/accessibility"),
)


@every_page
def test_page_is_valid_html(browser_of: SignIn, who: str, path: str, status: int) -> None:
    """A browser that has to guess may guess differently from the one we tested with."""
    response = browser_of(who).get(path)

    assert response.status_code == status
    assert faults(response.text) == []


@every_page
def test_page_has_every_security_header(
    browser_of: SignIn, who: str, path: str, status: int
) -> None:
    """Refusals and errors included: an attacker chooses which page is shown."""
    headers = browser_of(who).get(path).headers

    del status
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


@every_page
def test_only_inline_script_is_the_hashed_one(
    browser_of: SignIn, who: str, path: str, status: int
) -> None:
    """The hash is recomputed from the page, so an upgrade of the template shows here."""
    del status
    html = browser_of(who).get(path).text

    inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", html, re.DOTALL)
    hashes = {
        f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"
        for script in inline
    }
    assert hashes == {INLINE_SCRIPT_HASH}


@every_page
def test_every_file_that_a_page_loads_is_there(
    browser_of: SignIn, who: str, path: str, status: int
) -> None:
    """A style sheet that is not found is noticed by eye only."""
    del status
    browser = browser_of(who)
    html = browser.get(path).text

    loaded = re.findall(r'(?:src|href)="(/-/static/[^"]+)"', html)
    assert len(loaded) >= 4
    assert {browser.get(file).status_code for file in set(loaded)} == {200}


@every_page
def test_page_names_no_status_code_and_no_brand_of_govuk(
    browser_of: SignIn, who: str, path: str, status: int
) -> None:
    """Neither crown nor brand may be used here, and a status code helps nobody."""
    html = browser_of(who).get(path).text

    assert "crown" not in html.lower()
    assert "gov.uk" not in html.lower()
    if status in {403, 404, 502} and "entry=" not in path:
        text = re.sub(r"<[^>]+>", " ", html[html.index("<main") :])
        assert str(status) not in text


def test_titles_are_unique(browser_of: SignIn) -> None:
    """Tabs and history show nothing else (WCAG 2.4.2)."""
    titles = set()
    for who, path in DIFFERENT:
        found = re.search(r"<title>([^<]+)</title>", browser_of(who).get(path).text)
        assert found
        titles.add(found[1])

    assert len(titles) == len(DIFFERENT)

"""Take pictures of every page with believable people, for those who work on the pages.

Run it by hand: `python -m tests.gateway.pages.screenshots [folder]`. It is no test and nothing
depends on its output.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.gateway.pages.factor_doubles import NEWS
from tests.gateway.pages.world import World, new_world, served

CHROMIUM = "/usr/bin/chromium"
WIDTHS = (1280, 320)

_WHY = "/-/policy/why?organisation=cheshire-fire"

# File name, who looks (empty for nobody), what they open.
PICTURES = (
    ("sign-in", "", "/-/sign-in?next=/-/portal"),
    ("sign-in-fire", "", "/-/sign-in/cheshire-fire"),
    ("signed-out", "", "/-/sign-out"),
    ("sign-out", "firefighter", "/-/sign-out"),
    ("portal", "firefighter", "/-/portal"),
    ("sessions", "security-officer", "/-/sessions"),
    ("me", "firefighter", "/-/me"),
    ("factors", "firefighter", "/-/me/factors"),
    ("factor-app", "firefighter", "/-/me/factors/app"),
    ("factor-key", "firefighter", "/-/me/factors/key"),
    ("factor-officers", "security-officer", "/-/factors"),
    ("portal-search", "firefighter", "/-/portal?q=my%20p"),
    ("portal-none", "firefighter", "/-/portal?q=zebra"),
    ("portal-lapsed", "fire-lapsed", "/-/portal"),
    ("portal-empty", "fire-new", "/-/portal"),
    ("portal-watch-manager", "watch-manager", "/-/portal"),
    ("portal-police", "constable", "/-/portal"),
    ("refusal-step-up", "firefighter", "/OA_HTML/OA.jsp?OAFunc=XX_BANK"),
    ("refusal-record", "firefighter", "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP&person_id=40012"),
    ("refusal-clearance", "fire-lapsed", "/OA_HTML/OA.jsp?OAFunc=XX_PERSEARCH"),
    ("refusal-unknown", "firefighter", "/nothing/here"),
    ("refusal-upstream", "firefighter", "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"),
    ("audit", "auditor", "/-/audit"),
    ("audit-filtered", "auditor", "/-/audit?organisation=cheshire-fire&outcome=deny"),
    ("audit-error", "auditor", "/-/audit?since=yesterday&reference=XYZ"),
    ("audit-none", "auditor", "/-/audit?person=nobody"),
    ("audit-entry", "auditor", "/-/audit?entry=3"),
    ("policy-grid", "security-officer", "/-/policy"),
    ("policy-grid-one", "security-officer", "/-/policy?organisation=cheshire-fire"),
    ("policy-why-some", "security-officer", f"{_WHY}&function=hr.search&holds=N2F"),
    ("policy-why-vetting", "security-officer", f"{_WHY}&function=hr.search&holds=DBSB"),
    ("policy-why-yes", "security-officer", f"{_WHY}&function=pay.bank&holds=DBSB"),
    ("policy-why-agreement", "security-officer", f"{_WHY}&function=pay.run&holds=N2F"),
    ("policy-table", "security-officer", "/-/policy/table"),
    ("policy-sentences", "security-officer", "/-/policy/sentences"),
    ("policy-functions", "security-officer", "/-/policy/functions"),
    ("policy-function", "security-officer", "/-/policy/function?id=hr.search"),
    ("policy-agreements", "security-officer", "/-/policy/agreements"),
    (
        "policy-agreement",
        "security-officer",
        "/-/policy/agreement?id=cheshire-blue-light-2018",
    ),
    ("policy-versions", "security-officer", "/-/policy/versions"),
    ("vetting", "vetting-officer", "/-/vetting"),
    ("vetting-person", "vetting-officer", "/-/vetting/cheshire-fire/40230"),
    (
        "vetting-as-of",
        "vetting-officer",
        "/-/vetting/cheshire-fire/40230?at=2026-05-03+09:00",
    ),
    ("vetting-error", "vetting-officer", "/-/vetting/cheshire-fire/40230?at=soon"),
    ("vetting-ending", "vetting-officer", "/-/vetting/ending"),
    ("purpose", "firefighter", "/-/purpose?for=hr.me&codes=assurance,casework,complaint&text=1"),
    ("break-glass", "", "/-/break-glass"),
    ("break-glass-uses", "security-officer", "/-/break-glass-uses"),
    ("accessibility", "", "/-/accessibility"),
    ("cookies", "", "/-/cookies"),
)


def main() -> None:
    """Take the pictures, all of them or those whose names are given after the folder."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "var/screens")
    wanted = set(sys.argv[2:])
    folder.mkdir(parents=True, exist_ok=True)
    world = new_world()
    world.notices.waiting = NEWS
    with served(world.front) as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, who, path in PICTURES:
            if not wanted or name in wanted:
                _take(browser, world, origin + path, who, folder / name)
        if not wanted or "sign-in-errors" in wanted:
            _take_failed_sign_in(browser, origin, folder)
        browser.close()


def _take(browser: Browser, world: World, url: str, who: str, file: Path) -> None:
    for width in WIDTHS:
        context = browser.new_context(viewport={"width": width, "height": 900})
        if who:
            token = world.desk.open(world.staff[who])
            name = world.services.cookies.session.name
            context.add_cookies([{"name": name, "value": token, "url": url}])
        page = context.new_page()
        page.on("console", lambda message: _tell(file.name, message.text))
        page.goto(url)
        page.screenshot(path=f"{file}-{width}.png", full_page=True)
        context.close()


def _tell(name: str, text: str) -> None:
    sys.stdout.write(f"{name}: {text}\n")


def _take_failed_sign_in(browser: Browser, origin: str, folder: Path) -> None:
    for width in WIDTHS:
        page = browser.new_page(viewport={"width": width, "height": 900})
        for name, username, password in (("errors", "", ""), ("away", "away", "x")):
            page.goto(f"{origin}/-/sign-in/cheshire-fire")
            page.get_by_label("Username").fill(username)
            page.get_by_label("Password", exact=True).fill(password)
            page.get_by_role("button", name="Sign in").click()
            page.screenshot(path=f"{folder}/sign-in-{name}-{width}.png", full_page=True)
        page.close()


if __name__ == "__main__":
    main()

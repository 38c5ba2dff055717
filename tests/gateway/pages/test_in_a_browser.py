"""The pages in Chromium: accessibility rules, keyboard, reflow, policy violations, no script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    sync_playwright,
)

from tests.gateway.pages.factor_doubles import NEWS
from tests.gateway.pages.page_list import PAGES
from tests.gateway.pages.world import World, new_world, served

CHROMIUM = Path("/usr/bin/chromium")
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# What is right needs no description of each of its elements.
AXE = {"runOnly": {"type": "tag", "values": AXE_TAGS}, "resultTypes": ["violations"]}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed"),
]

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[World, str]]:
    """Pages on a loopback port, for all tests of this file."""
    world = new_world()
    world.notices.waiting = NEWS
    with served(world.front) as origin:
        yield world, origin


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this file."""
    with sync_playwright() as playwright:
        # Chromium refuses to run as root in its sandbox; the pages are our own.
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    """One tab that goes from page to page: a browser starts a process for each new one."""
    with browser.new_context() as context:
        yield context.new_page()


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What the browser says about a page; nothing else may be there at the end of a test."""
    told: list[str] = []
    yield told
    # Chromium notes the status of a refusal, and what a sign-out clears; both were asked for.
    noted = ("the server responded with a status", "Clear-Site-Data header on")
    assert [text for text in told if not any(note in text for note in noted)] == []


@pytest.fixture
def open_page(
    stage: tuple[World, str], browser: Browser, complaints: list[str]
) -> Iterator[OpenPage]:
    """Open a page as somebody in a browser of their own."""
    contexts: list[BrowserContext] = []

    def open_page(who: str, path: str, *, width: int = 1280, **options: object) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)  # type: ignore[arg-type]  # passed on
        contexts.append(context)
        page = context.new_page()
        listen(page, complaints.append)
        visit(stage, page, who, path)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def read_page(stage: tuple[World, str], tab: Page, complaints: list[str]) -> Iterator[OpenPage]:
    """Open a page as somebody in the one tab, of which nothing is left to the next test."""

    def read_page(who: str, path: str) -> Page:
        tab.set_viewport_size({"width": 1280, "height": 900})
        visit(stage, tab, who, path)
        return tab

    stop = listen(tab, complaints.append)
    yield read_page
    stop()
    tab.evaluate("localStorage.clear(); sessionStorage.clear()")
    tab.context.clear_cookies()


def listen(page: Page, heard: Callable[[str], None]) -> Callable[[], None]:
    """Hand on what the browser complains about; gives what ends this."""

    def from_console(message: ConsoleMessage) -> None:
        heard(message.text)

    def from_script(error: Error) -> None:
        heard(str(error))

    def stop() -> None:
        page.remove_listener("console", from_console)
        page.remove_listener("pageerror", from_script)

    page.on("console", from_console)
    page.on("pageerror", from_script)
    return stop


def visit(stage: tuple[World, str], page: Page, who: str, path: str) -> None:
    world, origin = stage
    if who:
        name = world.services.cookies.session.name
        token = world.desk.open(world.staff[who])
        page.context.add_cookies([{"name": name, "value": token, "url": origin}])
    page.goto(f"{origin}{path}")


@pytest.mark.parametrize(("who", "path", "status"), PAGES)
def test_page_can_be_read_by_everyone(
    read_page: OpenPage, who: str, path: str, status: int
) -> None:
    """One look at each page, as opening it is what takes the time.

    WCAG 2.2 AA as far as axe can tell, its script running under policy and Trusted Types without
    a complaint; no scrolling sideways at 320 pixels, which is 400 per cent of 1280 (1.4.10);
    controls of 24 pixels, but for links within a sentence (2.5.8).
    """
    del status
    page = read_page(who, path)
    # axe is put in by the test's own hand, past the policy of the page.
    found = Axe().run(page, options=AXE)
    page.set_viewport_size({"width": 320, "height": 900})
    # The menu folds by script once the new width has been drawn.
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    width = page.evaluate("document.documentElement.scrollWidth")
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, select, summary, .gate-tile__link, ' +
             'input:not([type=hidden]):not([type=radio]), .gate-footer a, nav a')]
           .filter(item => item.checkVisibility())
           .map(item => [item.textContent.trim() || item.name, item.getBoundingClientRect().height,
                         getComputedStyle(item, '::before').position])
           .filter(([, height, before]) => height < 24 && before !== 'absolute')"""
    )

    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.body.classList.contains('govuk-frontend-supported')")
    assert width <= 320
    assert small == []


def focused(page: Page) -> str:
    return str(
        page.evaluate(
            "document.activeElement.id || document.activeElement.textContent.trim().slice(0, 40)"
        )
    )


def tab_to(page: Page, wanted: str) -> None:
    """Go on by the tab key until a control has the focus; a trap would end this."""
    for _ in range(10):
        page.keyboard.press("Tab")
        if focused(page) == wanted:
            return
    message = f"`{wanted}` is not reached by the tab key"
    raise AssertionError(message)


def test_sign_in_by_keyboard_alone(open_page: OpenPage) -> None:
    """Skip link, choice, name, password, enter: in this order and without a trap."""
    page = open_page("", "/-/sign-in")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to main content"
    tab_to(page, "organisation")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/-/sign-in/cheshire-fire")
    tab_to(page, "username")
    page.keyboard.type("firefighter")
    page.keyboard.press("Tab")
    page.keyboard.type("demo")
    page.keyboard.press("Enter")
    page.wait_for_url("**/-/portal")

    assert page.locator("[data-function]").count() == 19


def test_every_control_is_reached_by_tab_and_shows_it(open_page: OpenPage) -> None:
    """A control that does not show its focus cannot be found (WCAG 2.4.7)."""
    page = open_page("auditor", "/-/audit?organisation=nwas")
    wanted = page.evaluate(
        """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select')]
           .filter(item => item.checkVisibility()).length"""
    )
    looks: list[str] = []
    for _ in range(wanted):
        page.keyboard.press("Tab")
        looks.append(
            page.evaluate(
                """() => { const look = getComputedStyle(document.activeElement)
                   return look.boxShadow + look.outlineStyle + look.backgroundColor }"""
            )
        )

    assert len(looks) == wanted
    assert not [look for look in looks if look.startswith("nonenone")]


def test_error_summary_takes_the_focus_and_leads_to_the_field(open_page: OpenPage) -> None:
    """Whoever cannot see the page hears at once what is wrong."""
    page = open_page("", "/-/sign-in/cheshire-fire")
    page.get_by_role("button", name="Sign in").click()

    assert page.title().startswith("Error: ")
    assert "There is a problem" in page.locator(":focus").inner_text()
    page.get_by_role("link", name="Enter your username").click()
    assert focused(page) == "username"


def test_tiles_narrow_down_while_one_types(open_page: OpenPage) -> None:
    """And say how many are left, for those who do not see it."""
    page = open_page("firefighter", "/-/portal")
    page.get_by_label("Search your services").type("VEHÍCLE")

    assert page.locator("[data-function]:visible").count() == 2
    assert page.locator(".gate-area:visible").count() == 1
    assert "2 of 19 services match" in page.get_by_role("status").inner_text()
    page.get_by_label("Search your services").fill("zebra")
    assert page.get_by_text("No service matches").is_visible()
    page.get_by_role("link", name="Show all services").click()
    assert page.locator("[data-function]:visible").count() == 19
    assert focused(page) == "q"


def test_search_finds_the_same_with_and_without_script(open_page: OpenPage) -> None:
    """The page must not depend on who is reading it."""
    plain = open_page(
        "security-officer", "/-/policy/functions?q=own+off", java_script_enabled=False
    )
    live = open_page("security-officer", "/-/policy/functions")
    live.get_by_label("Search functions").fill("own off")

    rows = "[data-filter-text]:visible th a"
    assert plain.locator(rows).all_inner_texts() == live.locator(rows).all_inner_texts()


def test_whole_journey_without_script(open_page: OpenPage) -> None:
    """Sign in, search, open, be refused, sign out: with JavaScript switched off."""
    page = open_page("", "/-/sign-in", java_script_enabled=False, width=375)
    page.get_by_label("Cheshire Fire and Rescue Service").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Username").fill("firefighter")
    page.get_by_role("textbox", name="Password").fill("demo")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Search your services").fill("bank")
    page.get_by_role("button", name="Search").click()
    assert page.locator("[data-function]").count() == 1
    page.get_by_role("link", name="My bank details").click()
    assert page.locator("[data-reference]").count() == 1
    page.get_by_role("link", name="Go to your services").click()
    page.get_by_role("button", name="Sign out").click()

    assert page.get_by_role("heading", name="You have signed out").is_visible()


def test_record_is_searched_without_script(open_page: OpenPage) -> None:
    """A plain form, and links to leaf."""
    page = open_page("auditor", "/-/audit", java_script_enabled=False)
    page.get_by_label("Outcome").select_option("Refused")
    page.get_by_label("Person").fill("fire-lapsed")
    page.get_by_role("button", name="Search").click()
    page.locator("[data-entry] a").first.click()

    assert page.get_by_role("heading", name="Search all persons").is_visible()


def test_password_can_be_shown_and_pasted(open_page: OpenPage) -> None:
    """Nobody is made to remember or retype (WCAG 3.3.8)."""
    page = open_page("", "/-/sign-in/cheshire-fire")
    field = page.get_by_label("Password", exact=True)
    field.fill("correct horse")
    page.get_by_role("button", name="Show password").click()

    assert field.get_attribute("type") == "text"
    assert field.input_value() == "correct horse"
    assert field.get_attribute("autocomplete") == "current-password"


def test_tiles_can_be_told_apart_in_forced_colours(open_page: OpenPage) -> None:
    """With a person's own colours backgrounds vanish; borders must stay."""
    page = open_page("firefighter", "/-/portal", forced_colors="active")
    style = page.locator("[data-function]").first.evaluate(
        "tile => getComputedStyle(tile).borderTopStyle"
    )

    assert style == "solid"


def test_on_a_phone_the_menu_folds_and_opens(open_page: OpenPage) -> None:
    """And holds the way out."""
    page = open_page("auditor", "/-/portal", width=375)
    assert not page.get_by_role("button", name="Sign out").is_visible()
    page.get_by_role("button", name="Menu").click()

    assert page.get_by_role("button", name="Sign out").is_visible()
    assert page.get_by_role("link", name="Record").is_visible()


def test_a_warning_comes_in_time_and_what_was_typed_stays(open_page: OpenPage) -> None:
    """Five minutes before the end; one press, and the page is as it was (WCAG 2.2.1)."""
    page = open_page("firefighter", "/-/portal")
    page.clock.install()
    page.reload()
    page.get_by_label("Search your services").fill("typed before")
    dialog = page.get_by_role("dialog")
    page.clock.run_for(24 * 60_000)
    before = dialog.is_visible()
    page.clock.run_for(90_000)
    assert (before, dialog.is_visible()) == (False, True)
    assert "in 5 minutes" in dialog.inner_text()
    assert focused(page) == "Stay signed in"
    page.keyboard.press("Enter")
    dialog.wait_for(state="hidden")
    assert page.get_by_label("Search your services").input_value() == "typed before"
    page.clock.run_for(24 * 60_000)
    assert not dialog.is_visible()
    page.clock.run_for(7 * 60_000)

    assert "Your session has ended" in dialog.inner_text()
    assert dialog.get_by_role("link", name="Sign in again").is_visible()
    assert page.get_by_label("Search your services").input_value() == "typed before"


def test_a_change_of_person_leaves_nothing_of_the_last_one(
    open_page: OpenPage, stage: tuple[World, str]
) -> None:
    """On a computer that several people share: no page behind the back button, nothing stored."""
    world, _ = stage
    page = open_page("", "/-/sign-in/cheshire-fire")
    page.get_by_label("Username").fill("firefighter")
    page.get_by_role("textbox", name="Password").fill("demo")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/-/portal")
    page.evaluate("localStorage.setItem('left', 'behind'); sessionStorage.setItem('a', 'b')")
    page.get_by_role("button", name="Change person").click()
    page.wait_for_url("**/-/sign-in**")

    assert page.get_by_text("Cheshire Fire and Rescue Service").first.is_visible()
    assert page.get_by_label("Username").input_value() == ""
    stored = page.evaluate("[localStorage.length, sessionStorage.length]")
    assert stored == [0, 0]
    kept = {cookie["name"] for cookie in page.context.cookies()}
    ours = world.services.cookies
    assert kept == {ours.organisation.name, ours.form.name}  # the form's is of the new page
    page.go_back()
    page.wait_for_url("**/-/sign-in**")
    assert "Sam Okafor" not in page.content()

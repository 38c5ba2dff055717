"""What the tour expects of pages, and how it says that it met something else."""

from __future__ import annotations

import re
from http import HTTPStatus

from deploy.demo.visitor import Page

REFERENCE = re.compile(r"[0-9A-HJKMNP-TV-Z]{10}")  # Crockford's base 32


class Unexpected(Exception):  # noqa: N818 - it is what it is called
    """The gateway did something else than the tour says."""


def expect(actual: object, expected: object, what: str) -> None:
    """Compare; raise with both where they differ."""
    if actual != expected:
        message = f"{what}: expected {expected!r}, met {str(actual)[:300]!r}"
        raise Unexpected(message)


def expect_in(part: str, page: Page, what: str) -> None:
    """Look for a text on a page."""
    if part not in page.text:
        message = f"{what}: `{part}` is not on the page ({page.status})"
        raise Unexpected(message)


def expect_refusal(page: Page, status: HTTPStatus, what: str) -> None:
    """Expect a refusal page with its reference."""
    expect(page.status, status, what)
    expect(REFERENCE.fullmatch(page.reference or "") is not None, True, f"a reference for {what}")


def entries_of(page: Page) -> str:
    """Give the table of the record's page; empty where nothing matched."""
    return page.text.partition("<tbody")[2].partition("</tbody>")[0]


def without_visit(page: Page) -> bytes:
    """Give a refusal without what differs from visit to visit: reference and time."""
    reference = page.reference or ""
    text = page.text
    for part in (reference, reference[:5], reference[5:]):  # people read it in two halves
        text = text.replace(part, "PART") if part else text
    text = re.sub(r"<time[^>]*>[^<]*</time>", "TIME", text)
    return re.sub(r'name="csrf_token" value="[^"]*"', "TOKEN", text).encode()

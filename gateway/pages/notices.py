"""The two notices that the law asks for: accessibility (SI 2018/952) and cookies.

Both are open to everyone and written from what the program does, not from what was once intended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.pages.page import PageKit, Route

if TYPE_CHECKING:
    from flask import Response

ACCESSIBILITY = "/-/accessibility"
COOKIES = "/-/cookies"


class NoticePages:
    """Accessibility statement and cookies page."""

    def __init__(self, kit: PageKit) -> None:
        self._kit = kit

    def routes(self) -> tuple[Route, ...]:
        """List the addresses; both are open to everyone."""
        return (
            Route(
                rule=ACCESSIBILITY,
                endpoint="accessibility",
                view=self.accessibility,
                guarded_by=None,
            ),
            Route(rule=COOKIES, endpoint="cookies", view=self.cookies, guarded_by=None),
        )

    def accessibility(self) -> Response:
        """Say what works for whom, what does not yet, and whom to tell."""
        page = self._kit.open_request()
        idle_minutes, absolute_minutes = self._kit.services.session_limits
        return page.respond(
            "accessibility.html",
            idle_minutes=idle_minutes,
            absolute_hours=absolute_minutes // 60,
        )

    def cookies(self) -> Response:
        """List every cookie the gateway sets."""
        page = self._kit.open_request()
        return page.respond("cookies.html", cookies=self._kit.services.cookies.all())

"""A person recognises their computer, and a stranger's text never reaches the page."""

from __future__ import annotations

import pytest

from gateway.pages.browser_words import browser_words


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537 Edg/140", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140) Gecko/2010 Firefox/140", "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18) Version/18 Safari/604", "Safari on iPhone"),
        ("curl/8 <script>", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_browser_and_device_are_named(agent: str, words: str) -> None:
    assert browser_words(agent) == words

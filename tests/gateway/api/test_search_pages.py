"""A token goes on with the very search it was made for, and shows nobody where that is."""

from __future__ import annotations

import base64

import pytest

from gateway.api.search_pages import PageTokenError, SearchPages

WHERE = "cheshire-fire/id-alice"


def test_a_token_leads_on_in_every_worker() -> None:
    token = SearchPages(bytes(32)).seal(WHERE, b"rota asks")

    assert SearchPages(bytes(32)).open(token, b"rota asks") == WHERE


def test_a_token_names_nobody() -> None:
    pages = SearchPages(bytes(32))
    token = pages.seal(WHERE, b"rota asks")

    assert WHERE.encode() not in base64.urlsafe_b64decode(token)
    assert token != pages.seal(WHERE, b"rota asks")


@pytest.mark.parametrize("shown", ["{0}AAAA", "A{0}", "é{0}", "{0}\n", "AAAA", "", "{0[1]}"])
def test_what_is_no_token_of_ours_leads_nowhere(shown: str) -> None:
    pages = SearchPages(bytes(32))

    with pytest.raises(PageTokenError):
        pages.open(shown.format(pages.seal(WHERE, b"rota asks")), b"rota asks")


def test_a_token_of_another_search_or_of_another_gate_leads_nowhere() -> None:
    token = SearchPages(bytes(32)).seal(WHERE, b"rota asks")

    for pages, search in ((bytes(32), b"stores asks"), (bytes([1] * 32), b"rota asks")):
        with pytest.raises(PageTokenError):
            SearchPages(pages).open(token, search)

"""A page of the back office, opened under a number, is sent by whom and as what it was opened."""

from __future__ import annotations

import json
import re
from html import unescape

from tests.journeys.demo_fixture import Demo

PAGE = "/OA_HTML/OA.jsp"
SIT = f"{PAGE}?OAFunc=XX_SIT"
PERSONAL = f"{PAGE}?OAFunc=XX_PERINFO"


def test_a_page_is_sent_by_its_number_and_under_no_other_function(demo: Demo) -> None:
    """The back office believes whoever names a number; the gateway knows whose it is."""
    visitor, colleague = demo.visitor("firefighter"), demo.visitor("watch-manager")
    page = visitor.open(SIT)
    found = re.search(r'<form method="post" action="([^"]+)"', page.text)
    assert found is not None
    address = unescape(found[1])
    sent = {"kind": "Second job", "detail": "a choir"}

    assert re.fullmatch(r"/OA_HTML/OA\.jsp\?_ti=[0-9]+", address)
    stored = visitor.post(address, sent)
    assert (stored.status, "stored=" in stored.headers["location"]) == (303, True)
    assert "a choir" in visitor.open(stored.headers["location"]).text

    before = len(demo.reached_back_office())
    json_only = {"Accept": "application/json"}
    answers = [
        colleague.post(address, sent, **json_only),
        visitor.post(SIT, sent, **json_only),
        visitor.post(f"{PAGE}?_ti=1", sent, **json_only),
    ]
    assert [answer.status for answer in answers] == [403] * 3
    codes = {json.loads(answer.body)["reasons"][0]["code"] for answer in answers}
    assert codes == {"page-unknown"}
    assert len(demo.reached_back_office()) == before

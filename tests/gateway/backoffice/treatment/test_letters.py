"""What readers take for the same text is written in one way."""

from __future__ import annotations

import pytest

from gateway.backoffice.treatment.letters import bare_lines, folded, seen, unpacked


def test_what_is_not_seen_is_left_out_and_letters_have_their_common_forms() -> None:
    assert seen("S\xado\u200brt \uff43ode") == "Sort code"
    assert folded("ŴYN") == "ŵyn"


def test_lines_are_bare_without_case_blanks_and_signs() -> None:
    assert bare_lines(["Sort_code: 1", "", "\u201cŴ\u201d\xa0x"]) == "sortcode1\n\nŵx"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("eyJzb3J0X2NvZGUiOjF9", '{"sort_code":1}'),
        ("YTw-YTw_Y8Ok77-_YWI", "a<>a<?cä\uffffab"),
        ("aninteresting", None),  # too short to hold a name and a value
        ("AAAAAAAAAAAAAAAA/////w==", None),
        ("this is no base64 at all", None),
    ],
)
def test_a_text_may_be_the_base64_of_another(text: str, plain: str | None) -> None:
    assert unpacked(text) == plain

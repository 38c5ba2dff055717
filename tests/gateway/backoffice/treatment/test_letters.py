"""What readers take for the same text is written in one way."""

from __future__ import annotations

from gateway.backoffice.treatment.letters import bare_lines, folded, seen


def test_what_is_not_seen_is_left_out_and_letters_have_their_common_forms() -> None:
    assert seen("S\xado\u200brt \uff43ode") == "Sort code"
    assert folded("ŴYN") == "ŵyn"


def test_lines_are_bare_without_case_blanks_and_signs() -> None:
    assert bare_lines(["Sort_code: 1", "", "\u201cŴ\u201d\xa0x"]) == "sortcode1\n\nŵx"

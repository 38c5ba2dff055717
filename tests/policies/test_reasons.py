"""Reasons: a closed list in pairs, and what people may be told."""

from __future__ import annotations

import re

import pytest

from policies.criteria import VOCABULARY, Criterion, InPeriod
from policies.reasons import REASON_PAIRS, Reason


def test_every_reason_stands_in_exactly_one_pair() -> None:
    assert sorted(reason for pair in REASON_PAIRS for reason in pair) == sorted(Reason)
    for good, bad in REASON_PAIRS:
        assert good.opposite is bad
        assert bad.opposite is good
        assert (good.good, bad.good) == (True, False)


def test_every_criterion_has_a_pair_of_its_own() -> None:
    kinds: list[type[Criterion]] = [InPeriod, *VOCABULARY]
    pairs = [kind.reasons for kind in kinds]

    assert set(pairs) <= set(REASON_PAIRS)
    assert len(set(pairs)) == len(pairs)


@pytest.mark.parametrize("reason", list(Reason))
def test_codes_are_kebab_case_and_tellings_are_whole_sentences(reason: Reason) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", reason)
    assert reason.telling.sentence.endswith(".")
    assert reason.telling.remedy.endswith(".")
    assert reason.telling.whom in {"own-organisation", "host-vetting", "host-help", ""}


@pytest.mark.parametrize(
    "reason",
    [
        Reason.RULE_DENIES,
        Reason.RULE_IN_ERROR,
        Reason.ORGANISATION_NOT_NAMED,
        Reason.NO_AGREEMENT,
        Reason.FUNCTION_UNKNOWN,
    ],
)
def test_what_would_tell_of_others_is_not_tellable(reason: Reason) -> None:
    assert not reason.tellable
    assert reason.telling == Reason.NO_RULE_PERMITS.telling

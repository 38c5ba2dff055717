"""Obligations as files write them: read exactly, and refused with line and remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from policies.casbin_export import export_text, import_text
from policies.errors import PolicyFileError
from policies.obligations import NO_OBLIGATIONS, Obligations, PurposeAsked, Rate
from policies.obligations_file import obligations_from_value, obligations_value
from policies.policy_set import load_policy_set
from tests.policies.people import copied_set, rule_text, with_rules
from tests.policies.test_obligations import EVERYTHING, some_obligations

if TYPE_CHECKING:
    from pathlib import Path

WRITTEN = """obligations = { step_up = true, purpose = ["audit", "complaint"], read_only = true,
 mask = ["bank-details", "health"], watermark = true, rate = { most = 20, minutes = 60 } }"""
WRITTEN = WRITTEN.replace("\n", "")
WORDS = """
[[purpose]]
code = "audit"
title = "An audit"

[[field_set]]
id = "bank-details"
title = "Bank details"
fields = ["sort_code", "account_number"]
"""


def of_rule(tmp_path: Path, more: str) -> Obligations:
    policy_set = with_rules(tmp_path, rule_text("own_record = true", more=more))
    return policy_set.rules[0].obligations


def test_everything_that_can_be_written_is_read(tmp_path: Path) -> None:
    assert of_rule(tmp_path, WRITTEN) == EVERYTHING
    assert of_rule(tmp_path, "") == NO_OBLIGATIONS
    with_text = of_rule(tmp_path, 'obligations = { purpose = ["audit"], purpose_text = true }')
    assert with_text.purpose == PurposeAsked(codes=frozenset({"audit"}), text=True)
    rate = of_rule(tmp_path, "obligations = { rate = { most = 3, minutes = 1440 } }")
    assert rate.rates == (Rate(3, 1440),)


@pytest.mark.parametrize(
    ("written", "message", "remedy"),
    [
        ("{ step_up = false }", "`False` is not true", "leave it out"),
        ('{ read_only = "yes" }', "`yes` is not true", "read_only = true"),
        ('{ purpose = ["audi"] }', "`audi` is not a purpose", "did you mean `audit`"),
        ("{ purpose = [] }", "is empty", "leave the key out"),
        ('{ mask = ["bank"] }', "`bank` is not a set of fields", "declared"),
        ("{ purpose_text = true }", "none is asked for", "name the purposes"),
        ("{ rate = { most = 20 } }", "`minutes` is missing", "minutes = 60"),
        ("{ rate = { most = 0, minutes = 60 } }", "not of the right kind", "from 1 to"),
        ("{ rate = { most = 1, minutes = 1441 } }", "not of the right kind", "from 1 to 1440"),
        ("{ rate = 20 }", "not of the right kind", "a table"),
        ("{ watermrk = true }", "unknown key `watermrk`", "did you mean `watermark`"),
        ("true", "not of the right kind", "a table"),
    ],
)
def test_what_is_not_understood_is_told_with_its_line(
    tmp_path: Path, written: str, message: str, remedy: str
) -> None:
    with pytest.raises(PolicyFileError) as refused:
        of_rule(tmp_path, f"obligations = {written}")

    (fault,) = refused.value.faults
    assert message in fault.message
    assert remedy in fault.remedy
    assert fault.line == 10


def test_a_deny_rule_binds_nobody(tmp_path: Path) -> None:
    text = rule_text("own_record = true", effect="deny", more="obligations = { watermark = true }")
    with pytest.raises(PolicyFileError, match="deny rule binds nobody"):
        with_rules(tmp_path, text)


def test_a_set_says_what_is_none_of_it_and_what_has_to_be_found(tmp_path: Path) -> None:
    more = """elements = ["#iban"]
other_fields = ["sort_code_hint"]
required = ["sort_code", "#iban"]
"""
    place = copied_set(tmp_path)
    catalogue = place / "catalogue.toml"
    catalogue.write_text(catalogue.read_text("utf-8") + WORDS + more, "utf-8")

    read = load_policy_set(place).catalogue.field_sets["bank-details"]

    assert read.other_fields == {"sort_code_hint"}
    assert read.required == {"sort_code", "#iban"}


def test_the_words_of_a_catalogue_count_for_every_set_that_stands_on_it(tmp_path: Path) -> None:
    place = copied_set(tmp_path)
    catalogue = place / "catalogue.toml"
    catalogue.write_text(catalogue.read_text("utf-8") + WORDS, "utf-8")
    before = load_policy_set(place).digest

    policy_set = load_policy_set(place)

    assert policy_set.catalogue.purposes["audit"].title == "An audit"
    assert policy_set.catalogue.field_sets["bank-details"].fields == {
        "sort_code",
        "account_number",
    }
    assert policy_set.terms.purposes == frozenset(policy_set.catalogue.purposes)
    changed = catalogue.read_text("utf-8").replace("sort_code", "sortcode")
    catalogue.write_text(changed, "utf-8")
    assert load_policy_set(place).digest != before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('code = "audit"', 'code = "An audit"', "not of the right form"),
        ('title = "An audit"', "", "`title` is missing"),
        ("[[purpose]]", WORDS + "[[purpose]]", "stands twice"),
        ('fields = ["sort_code", "account_number"]', "fields = []", "is empty"),
        ('"sort_code"', '"--"', "no letter and no digit"),
        ("fields =", 'elements = ["a:hover"]\nfields =', "not of the right form"),
        ("fields =", 'elements = ["a, b"]\nfields =', "not of the right form"),
        ("fields =", 'needs = "N9"\nfields =', "N9"),
        ("fields =", "shown_as = 1\nfields =", "shown_as"),
        ("fields =", 'other_fields = ["sort_code"]\nfields =', "is one of the fields"),
        ("fields =", 'other_fields = ["-"]\nfields =', "no letter and no digit"),
        ("fields =", 'required = ["sortcode"]\nfields =', "is not a field and not an element"),
    ],
)
def test_a_word_of_a_catalogue_that_is_not_whole_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    place = copied_set(tmp_path)
    catalogue = place / "catalogue.toml"
    catalogue.write_text(catalogue.read_text("utf-8") + WORDS.replace(old, new, 1), "utf-8")

    with pytest.raises(PolicyFileError, match=message):
        load_policy_set(place)


@settings(max_examples=50, deadline=None)
@given(some_obligations)
def test_the_written_value_reads_back_and_nothing_else_does(obligations: Obligations) -> None:
    value = obligations_value(obligations)
    if obligations.bits:
        assert obligations_from_value(value) == obligations
    for wrong in ({}, {**value, "more": True}, {**value, "watermark": 1}, {**value, "rates": "x"}):
        with pytest.raises((ValueError, TypeError)):
            obligations_from_value(wrong)


def test_rules_with_obligations_go_through_casbin_text_and_back(tmp_path: Path) -> None:
    policy_set = with_rules(
        tmp_path, rule_text("own_record = true", actions='["read", "write"]', more=WRITTEN)
    )
    text = export_text(policy_set)

    assert import_text(text, policy_set) == policy_set
    assert sum("owed" in line for line in text.splitlines()) == 2


@pytest.mark.parametrize(
    ("more", "elements", "shown_as", "needs"),
    [
        ("", (), "[not shown]", None),
        ('shown_as = ""', (), "", None),
        ('shown_as = "***"\nneeds = "RV or N2F"', (), "***", "RV or N2F"),
        (
            """elements = ["#a-b", "td.iban", "[data-x]", 'dl > dd[class="x y"]', "table td"]""",
            ("#a-b", "td.iban", "[data-x]", 'dl > dd[class="x y"]', "table td"),
            "[not shown]",
            None,
        ),
    ],
)
def test_a_set_of_fields_says_where_they_are_and_who_sees_them(
    tmp_path: Path, more: str, elements: tuple[str, ...], shown_as: str, needs: str | None
) -> None:
    place = copied_set(tmp_path)
    catalogue = place / "catalogue.toml"
    words = WORDS.replace("fields =", f"{more}\nfields =", 1)
    catalogue.write_text(catalogue.read_text("utf-8") + words, "utf-8")

    read = load_policy_set(place).catalogue.field_sets["bank-details"]

    assert (read.elements, read.shown_as) == (elements, shown_as)
    assert (read.needs.text if read.needs else None) == needs

"""Transactions: how a request names its page, and which function it means by that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from policies.catalogue_file import load_catalogue
from policies.errors import PolicyFileError
from policies.request_body import JsonBody
from policies.transactions import LearntFrom, TransactionRule
from vetting.levels import LevelOrder

if TYPE_CHECKING:
    from policies.catalogue import Catalogue

RULE = TransactionRule(system="ebs", parameter="_ti")
PAGE = "/OA_HTML/OA.jsp"
FUNCTION = """
[[function]]
id = "{id}"
title = "T"
area = "A"
classification = "OFFICIAL"
regime = "GP"
floor = "BASE"
scope = "own"
system = "ebs"
{more}
match = [{match}]
"""
TRANSACTION = """
[[transaction]]
system = "ebs"
parameter = "_ti"
"""


def function(name: str, *matches: str, more: str = "transaction = true") -> str:
    return FUNCTION.format(id=name, match=", ".join(matches), more=more)


def match_of(value: str, methods: str = '"GET", "POST"', path: str = PAGE) -> str:
    return f'{{ methods = [{methods}], path = "{path}", query = {{ OAFunc = "{value}" }} }}'


def load(tmp_path: Path, text: str) -> Catalogue:
    path = tmp_path / "catalogue.toml"
    path.write_text(text, encoding="utf-8")
    return load_catalogue(path, LevelOrder.shipped())


@pytest.mark.parametrize(
    ("query", "form", "named"),
    [
        ((), (), ""),
        ((("OAFunc", "X"),), (("note", "_ti"),), ""),
        ((("_ti", "640290175"),), (), "640290175"),
        ((), (("_ti", "7"),), "7"),
        ((("_ti", "7"),), (("_ti", "7"),), "7"),
        ((("_ti", "7"),), (("_ti", "8"),), None),
        ((("_ti", "7"), ("_ti", "7")), (), None),
        ((("_TI", "7"),), (), None),
        ((("_ti", ""),), (), None),
        ((("_ti", "7 or 8"),), (), None),
        ((("_ti", "7" * 65),), (), None),
    ],
)
def test_a_request_names_one_transaction_or_is_not_understood(
    query: tuple[tuple[str, str], ...], form: tuple[tuple[str, str], ...], named: str | None
) -> None:
    assert RULE.named_in(query, form) == named


def test_a_transaction_deep_in_json_is_not_understood() -> None:
    """The back office might find it there; the gate does not look so far."""
    outermost = JsonBody(members=(("_ti", "7"),), inner=frozenset())
    inside = JsonBody(members=(), inner=frozenset({"_ti"}))

    assert RULE.named_in((), (), outermost) == "7"
    assert RULE.named_in((), (), inside) is None


def test_the_match_says_which_transaction_a_request_names(tmp_path: Path) -> None:
    catalogue = load(
        tmp_path,
        TRANSACTION
        + function("a.one", match_of("ONE"))
        + function("a.two", match_of("TWO"), more=""),
    )
    found = catalogue.match("GET", PAGE, (("OAFunc", "ONE"), ("_ti", "7")))
    other = catalogue.match("GET", PAGE, (("OAFunc", "TWO"), ("_ti", "7")))
    twice = catalogue.match("POST", PAGE, (("OAFunc", "ONE"), ("_ti", "7")), (("_ti", "8"),))

    assert found is not None
    assert (found.function.id, found.transaction) == ("a.one", "7")
    assert found.function.transaction == RULE
    assert other is not None
    assert (other.transaction, other.function.transaction) == ("7", None)
    assert twice is None
    assert "_ti" in catalogue.declared_parameters
    assert "_ti" in catalogue.watched(PAGE)


def test_a_transaction_stands_for_its_function_only_where_none_is_named(tmp_path: Path) -> None:
    text = TRANSACTION + function("a.one", match_of("ONE")) + function("a.two", match_of("TWO"))
    catalogue = load(tmp_path, text)

    assert catalogue.of_transaction(PAGE, (("_ti", "7"), ("x", "y"))) == (RULE, "7")
    assert catalogue.of_transaction(PAGE, (("_ti", "7"), ("OAFunc", "ONE"))) is None
    assert catalogue.of_transaction(PAGE, (("_ti", "7"), ("oafunc", "ONE"))) is None
    assert catalogue.of_transaction(PAGE, (("x", "y"),)) is None
    assert catalogue.of_transaction("/elsewhere", (("_ti", "7"),)) is None
    assert catalogue.meant_by_transaction("HEAD", PAGE, "a.one") == (("OAFunc", "ONE"),)
    assert catalogue.meant_by_transaction("DELETE", PAGE, "a.one") is None
    assert catalogue.meant_by_transaction("GET", PAGE, "a.none") is None
    assert catalogue.meant_by_transaction("GET", "/elsewhere", "a.one") is None


def test_a_transaction_of_two_requests_of_a_function_stands_for_neither(tmp_path: Path) -> None:
    """Which of them it goes on with would be a guess."""
    text = TRANSACTION + function("a.one", match_of("ONE"), match_of("MORE", '"GET"'))
    catalogue = load(tmp_path, text)

    assert catalogue.meant_by_transaction("GET", PAGE, "a.one") is None
    assert catalogue.meant_by_transaction("POST", PAGE, "a.one") == (("OAFunc", "ONE"),)


def test_requests_teach_only_where_it_is_declared(tmp_path: Path) -> None:
    text = TRANSACTION + 'learnt_from = ["redirect", "request"]\n'
    silent = load(tmp_path, TRANSACTION + function("a.one", match_of("ONE")))
    told = load(tmp_path, text + function("a.one", match_of("ONE")))

    assert silent.transactions["ebs"].learnt_from == {LearntFrom.REDIRECT}
    assert told.transactions["ebs"].learnt_from == {LearntFrom.REDIRECT, LearntFrom.REQUEST}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (function("a.one", match_of("ONE")), "how `ebs` names its transactions"),
        (TRANSACTION * 2 + function("a.one", match_of("ONE")), "stands twice"),
        (
            TRANSACTION.replace("_ti", "OAFunc") + function("a.one", match_of("ONE")),
            "says something else too",
        ),
        (TRANSACTION.replace("_ti", "t i") + function("a.one", match_of("ONE")), "t i"),
        (
            TRANSACTION + 'learnt_from = ["page"]\n' + function("a.one", match_of("ONE")),
            "page",
        ),
    ],
)
def test_what_cannot_be_kept_to_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(PolicyFileError, match=fault):
        load(tmp_path, text)


def test_a_catalogue_based_on_another_keeps_its_transactions(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "catalogue.toml").write_text(
        TRANSACTION + function("a.one", match_of("ONE")), encoding="utf-8"
    )
    further = 'based_on = "base/catalogue.toml"\n' + function(
        "a.two", match_of("TWO", path="/OA_HTML/RF.jsp")
    )
    catalogue = load(tmp_path, further)

    assert catalogue.functions["a.two"].transaction == RULE

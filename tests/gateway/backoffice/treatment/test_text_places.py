"""Where in a text values stand that do not follow their name."""

from __future__ import annotations

import time

import pytest

from gateway.backoffice.treatment.text_places import around_names, below_names
from tests.gateway.backoffice.treatment.bank import mask


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("12-34-56 (sort code)", ["12-34-56"]),
        ("12 34 56 sort code", ["12 34 56"]),
        ("Kim, 12-34-56 \u2013 sort code", ["12-34-56"]),
        ("Uses 12-34-56 as her new sort code since May", ["12-34-56"]),
        ("Changed from 12-34-56 to x: sort code", ["12-34-56"]),
        ("Pay 1234 (sort code 12-34-56)", []),
        ("12-34-56 sort code, 8877 pay", ["12-34-56"]),
        ("sort code\u219212-34-56", ["12-34-56"]),
        ("sort_code in ('12-34-56')", ["12-34-56')"]),
        ("Sort code [UK only] 12-34-56", ["12-34-56"]),
        ("On 22 May 2026 the clerk asked for a sort code", []),
        ("We have 12 sort codes", []),
        ("The sort code is kept. Ring 1234", []),
        ("sort code", []),
    ],
)
def test_a_value_stands_before_or_after_a_name(text: str, values: list[str]) -> None:
    assert [text[place.begin : place.end] for place in around_names(text, mask())] == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Name   Sort code  Town\nKim 1  12-34-56   W 7", ["12-34-56"]),
        ("Name   Sort code  Town\nKim 1     12-34-56 W 7", ["12-34-56 W 7"]),
        ("Name Sort code\n-----\nKim 12-34-56", ["Kim 12-34-56"]),
        ("Name\tSort code\nKim 1\t12-34-56\n\nAsh\tx", ["12-34-56", "x"]),
        ("| Name | Sort code |\n|--|--|\n| Kim 1 | 12 |", [" 12 "]),
        ("Name,Sort code\nKim 1,12\nAsh, Jr,13", ["12", "Ash, Jr,13"]),
        ("Sort code\n  of Kim 12-34-56", ["of Kim 12-34-56"]),
        ("Name   Sort code: 12\nKim 1  12-34-56", []),  # told in its line
        ("Name   Sort code", []),
        ("Name   Sort code\nKim    12\n\nName   Sort code\nAsh    13", ["12", "13"]),
        ("We say, if asked, what the sort code of all of the others is\n12, 13, 14", []),
    ],
)
def test_a_value_stands_below_a_name_in_columns(text: str, values: list[str]) -> None:
    found = below_names(text, mask(), plain=True)

    assert [text[place.begin : place.end] for place in found] == values


def test_where_lines_may_go_on_a_head_of_one_column_is_none() -> None:
    assert list(below_names("her sort code\nof Kim 12-34-56", mask(), plain=False)) == []


@pytest.mark.parametrize(
    "text",
    [
        "1234 sort code is " * 3_000,
        "sort code (12) " * 3_000,
        "1234 " * 10_000 + "sort code",
        "Sort code  x\n" * 3_000,
        "\n".join("a," * (number % 200) + "Sort code,x" for number in range(1_000)),
    ],
)
def test_values_are_looked_for_in_time_by_the_length_of_the_text(text: str) -> None:
    began = time.process_time()

    list(around_names(text, mask()))
    list(below_names(text, mask(), plain=True))

    assert time.process_time() - began < 1.5

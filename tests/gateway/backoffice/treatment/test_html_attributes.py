"""Attributes that name or tell a field."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.backoffice.treatment.field_mask import MaskedField
from gateway.backoffice.treatment.found import Found
from gateway.backoffice.treatment.html_attributes import Attributes, names_field
from gateway.backoffice.treatment.html_outline import Outline
from gateway.backoffice.treatment.html_page import Page
from tests.gateway.backoffice.treatment.bank import BANK, HIDDEN, mask


def attributes(text: str) -> Attributes:
    return Attributes(Outline(Page(f"<body>{text}")), mask())


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("<p class='a x-sort-code'>", True),
        ("<p id=p_sort_code>", True),
        ("<p itemprop=sortCode>", True),
        ("<p-sort-code>", True),
        ("<input aria-label='Her sort code'>", True),
        ("<p title='Sort code'>x", True),
        ("<p title='Sort code'>Sort code", False),
        ("<p title='Her sort code'>x", False),
        ("<input type=radio title='By sort code'>", False),
        ("<form class=sort-code-form>", False),
        ("<form id=sort_code>", True),
        ("<p class=code-sort>", False),
        ("<p data-key=sort_code>12-34-56", True),
        ("<table data-key=sort_code><tr><td>some name", False),  # sorted by it, most likely
        ("<label for=sort_code>", False),
    ],
)
def test_an_element_is_called_as_a_field_is(text: str, is_named: bool) -> None:
    assert bool(list(attributes(text).named())) is is_named


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<p data-p-sort-code=12>", "data-p-sort-code"),
        ("<p title='Sort code: 12'>", "title"),
        ("<a href='/sort-code/12-34-56'>", "href"),
        ('<p data-a=\'{"b":"sort_code"}\'>', "data-a"),
        ("<p data-a='[\"s\\x6frt_code\"]'>", "data-a"),
        ("<p data-a='sort%255Fcode=1'>", "data-a"),
        ("<option value=sort_code>", ""),
        ("<p data-a='sort_code'>", ""),
        ("<p data-key='Sort code' data-value='12-34-56' data-kind=text>", "data-value"),
        ("<x-item data-key=sort_code value=123456>", "value"),
        ("<p class='sort-code: 12'>", ""),  # an element of that name
    ],
)
def test_an_attribute_tells_a_field(text: str, told: str) -> None:
    assert "".join(name for _, name, _, _ in attributes(text).telling()) == told


def test_addresses_with_a_field_among_their_parameters_are_found() -> None:
    page = "<a href='/x?P_SORT_CODE=1'></a><a href='/x?a=1'></a><form action='/x#sort_code=1'>"

    assert [name for _, name in attributes(page).leading()] == ["href", "action"]


def test_attributes_that_hold_what_was_masked_are_found() -> None:
    found = Found()
    found.take(MaskedField("bank.x", HIDDEN), ["12-34-56"])
    page = "<a href='/x?c=12%2D34%2D56' class=x></a><p 12-34-56=x title='b 12-34-56'>"

    assert sorted(name for _, name in attributes(page).holding(found)) == [
        "12-34-56", "href", "title",
    ]  # fmt: skip


def test_an_address_is_asked_whether_it_names_a_field() -> None:
    but = mask(replace(BANK, other_fields=frozenset({"sort_code_hint"})))

    assert names_field("/x?b=1&pSortCode=2", mask())
    assert names_field("http://[", mask())  # cannot be read
    assert not names_field("/x?b=sort_code", mask())
    assert not names_field("/x?sort_code_hint=1", but)

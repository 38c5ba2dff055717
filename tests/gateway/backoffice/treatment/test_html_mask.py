"""Fields of a page: found wherever they stand, and their values nowhere."""

from __future__ import annotations

import html
import time
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.backoffice.treatment.found import Found
from gateway.backoffice.treatment.html_attributes import names_field
from gateway.backoffice.treatment.html_mask import mask_page, shows_field
from gateway.backoffice.treatment.html_page import Page
from gateway.backoffice.treatment.unfit import UnfitAnswerError
from tests.gateway.backoffice.treatment.bank import BANK, HIDDEN, mask
from tests.gateway.backoffice.treatment.shapes import FOUND, LEFT_OUT

SECRET = "12-34-56"


def masked(text: str, found: Found | None = None) -> str:
    page = Page(f"<!doctype html><body>{text}")
    mask_page(page, mask(), Found() if found is None else found)
    return page.write().decode().partition("<body>")[2].removesuffix("</body></html>")


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("<p id=sort_code title=12-34-56>x</p>", f'<p id="sort_code">{HIDDEN}</p>'),
        ("<p class='big sort-code'>x</p>", f'<p class="big sort-code">{HIDDEN}</p>'),
        ("<b data-field=sortCode>x</b>", f"<b>{HIDDEN}</b>"),
        ("<p id=iban>x</p>", f'<p id="iban">{HIDDEN}</p>'),
        (
            "<input name=sort_code value=12-34-56>",
            f'<input name="sort_code" disabled="" value="{HIDDEN}">',
        ),
        ("<textarea name=sort_code>x</textarea>", f">{HIDDEN}</textarea>"),
        ("<select name=sort_code><option>x</select>", '<select name="sort_code" disabled=""></'),
        ("<p>Sort code: <b>99</b> and more<br>N", f"<p>Sort code: <b>{HIDDEN}</b>{HIDDEN}<br>N"),
        ("<p>Sort code: 99-88 of A</p>", f"<p>Sort code: {HIDDEN}</p>"),
        ("<dl><dt>Sort code<dd>9</dl>", f"<dd>{HIDDEN}</dd>"),
    ],
)
def test_what_stands_in_the_place_of_a_field_says_so(page: str, shown: str) -> None:
    assert shown in masked(page)


@pytest.mark.parametrize(
    "elsewhere",
    [
        SECRET,
        f"<p>was {SECRET} before</p>",
        "<p>12&#45;34&#x2d;56</p>",
        f"<p title='{SECRET}'>x</p>",
        "<a href='/x?c=12%2D34%2D56'>x</a>",
        f"<option value={SECRET}>x",
        f"<title>{SECRET}</title>",
        f"<svg><text>{SECRET}</text></svg>",
        f"<textarea>{SECRET}</textarea>",
        f"<style>a::after{{content:'{SECRET}'}}</style>",
        f"<script>var a='{SECRET}'</script>",
        f"<!--{SECRET}-->",
        f"<meta name=x content={SECRET}>",
    ],
)
def test_what_was_masked_stands_nowhere_else(elsewhere: str) -> None:
    shown = masked(f"<p class=sort-code>{SECRET}</p>{elsewhere}<p>after</p>")

    assert SECRET not in html.unescape(shown)
    assert "12%2D" not in shown
    assert "after" in shown


@pytest.mark.parametrize(
    "page",
    [
        "<p data-sort-code={}>x</p>",
        "<p sort_code={}>x</p>",
        "<p title='Sort code: {}'>x</p>",
        "<img alt='Account number {}'>",
        '<div data-all=\'{{"sort_code":"{}"}}\'>x</div>',
        "<a data-to='/x?sort_code={}'>x</a>",
        "<a href='/x#a;sort%5Fcode={}'>x</a>",
        "<meta http-equiv=refresh content='0;url=/x?sort_code={}'>",
        '<pre>{{"sort_code": "{}"}}</pre>',
        "<p>The sort code is {}.</p>",
        "<p>Sort code {} of A</p>",
        "<input aria-label='Sort code' value={}>",
        "<input placeholder='Sort code (6 digits)' value={}>",
        "<input name='bank[sort_code]' value={}>",
        "<input name=bank.sort_code value={}>",
        "<p class=bank__sort-code>{}</p>",
        "<table><tr><td data-label='Sort code'>{}</table>",
        "<label for=a>Sort code <i>(6 digits)</i></label><hr><input id=a value={}>",
        "<p id=l>Sort code</p><hr><input aria-labelledby='k l' value={}>",
        "<sort-code>{}</sort-code>",
        "<table><caption>Sort code</caption><tr><td>{}</table>",
        "<table><tr><td>Bank<tr><td>Name<td>Sort code<tr><td>A<td>{}</table>",
    ],
)
def test_what_names_a_field_in_any_way_of_a_page_shows_it_in_none(page: str) -> None:
    shown = masked(f"{page.format('99-88-77')}<br><div>was 99-88-77</div><div>after</div>")

    assert "99-88-77" not in shown
    assert "after" in shown


def test_a_heading_that_says_its_own_name_twice_stays() -> None:
    shown = masked(f"<table><tr><th title='Sort code'>Sort code<tr><td>{SECRET}</table>")

    assert ">Sort code</th>" in shown
    assert SECRET not in shown


def test_an_address_that_names_a_field_goes() -> None:
    assert masked("<a href='/x?sort_code=1&b=2'>x</a>") == "<a>x</a>"
    assert names_field("/x?b=1&sortCode=2", mask())
    assert not names_field("/x?b=sort_code", mask())


def test_a_field_that_is_left_out_is_gone_but_where_others_would_move() -> None:
    page = Page("<body><p id=iban>x</p><table><tr><td class=secret>y<td>z</table>")
    mask_page(page, mask(replace(BANK, shown_as="")), Found())

    assert (
        page.write()
        .decode()
        .endswith(
            '<body><table><tbody><tr><td class="secret"></td><td>z</td></tr></tbody></table>'
            "</body></html>"
        )
    )


def test_it_is_told_which_fields_were_masked() -> None:
    found = Found()
    masked("<p id=iban>x</p><p>Sort code: 1</p>", found)

    assert found.fields == {"bank.#iban", "bank.sort_code"}
    found = Found()
    masked("<p>nothing of it</p>", found)
    assert found.fields == set()


def test_a_page_that_is_nothing_but_the_field_is_refused() -> None:
    page = Page("<html id=iban><p>x")
    with pytest.raises(UnfitAnswerError):
        mask_page(page, mask(), Found())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<td class=secret>x</td>", True),
        ("<p>Sort code: 1", True),
        ("<p>x</p>", False),
        ("a < b", False),
        ("<div>" * 2_000, True),  # what cannot be read is taken for it
    ],
)
def test_a_piece_of_a_page_is_asked_whether_it_shows_a_field(text: str, shown: bool) -> None:
    assert (shows_field(text, mask()) is not None) is shown


@pytest.mark.parametrize("shape", [*FOUND, *LEFT_OUT])
def test_a_field_is_masked_in_every_shape(shape: str) -> None:
    shown = html.unescape(masked(f"{shape.format('QX-9876-A')}<hr><h3>End</h3>"))

    assert "9876" not in shown
    assert "End" in shown


@pytest.mark.parametrize(
    "page",
    [
        "<p>A sort code has six digits.</p><p>12 of them</p>",
        "<ul><li><a href=/a>Sort codes</a></li><li><a href=/b>Telephone</a></li></ul>",
        "<select><option>Sort code</option><option>Name</option></select>",
        "<label for=r>By sort code</label><input type=radio id=r value=kept>",
        "<table><tr><th>Name<th>Town<tr><td>Robin<td>Winsford 1</table>",
        "<form class=sort-code-form><p>kept 1</p></form>",
    ],
)
def test_what_is_no_value_of_a_field_stays(page: str) -> None:
    assert HIDDEN not in masked(page)


@pytest.mark.parametrize(
    "piece",
    [
        "<i>Sort</i> <i>code</i> x ",
        "<b>Sort code</b> 1 ",
        "Sort code<br>x<br>",
        "Sort code: x ",
        "<div>Sort code</div>",
        "<div><span>Sort code</span><span>Name</span></div>",
    ],
)
def test_a_page_of_nothing_but_names_takes_time_by_its_length(piece: str) -> None:
    """Once it took minutes: each looked at all that came after it."""
    began = time.process_time()

    masked(f"<div>{piece * 1_500}")

    assert time.process_time() - began < 2


def test_what_is_beside_a_field_stays() -> None:
    shown = masked(
        "<table><thead><tr><th>Name<th>Sort code<th>Town</thead><tr><td>N1<td>S<td>T1</table>"
        "<p><b>Sort code:</b> S <b>Name:</b> N2</p><div>Sort code: S</div><div>N3</div>"
        "<dl><dt>Sort code<dd>S<dt>Name<dd>N4</dl>"
    )

    assert [name in shown for name in ("N1", "T1", "N2", "N3", "N4", ">S<")] == [True] * 5 + [False]


SECRETS = st.from_regex(r"[0-9]{3}[a-zéŵ<>&'\"]{4}[0-9]", fullmatch=True)
AROUND = (
    "{}", "<div><div>{}</div></div>", "<ul><li>{}</li></ul>", "<b><span>{}</span></b>",
    "<form><fieldset>{}</fieldset></form>", "<article><h2>Bank</h2>{}</article>", "x<hr>{}<hr>y",
    "<table><tr><td>{}</td></tr></table>",
)  # fmt: skip
ELSEWHERE = (
    "<p>{}</p>", "<p title='{}'>x</p>", "<option value='{}'>x", "<pre>a {} b</pre>",
    "<a href='/x?y={}'>x</a>", "<h1><span>{}</span></h1>", "<svg><text>{}</text></svg>",
)  # fmt: skip


def encoded(secret: str, chance: Random) -> str:
    """Write a text with characters as entities at random; always those that HTML asks for."""
    ways = (html.escape, lambda c: f"&#{ord(c)};", lambda c: f"&#x{ord(c):X};")
    return "".join(
        chance.choice(ways)(letter) if letter in "<>&'\"" or chance.random() < 0.5 else letter
        for letter in secret
    )


@settings(max_examples=100, deadline=None)
@given(
    SECRETS,
    st.sampled_from([shape for shape in FOUND if "%25" not in shape]),
    st.sampled_from(AROUND),
    st.lists(st.sampled_from(ELSEWHERE), max_size=3),
    st.randoms(),
)
def test_no_masked_value_survives_wherever_it_stands_and_however_it_is_written(
    secret: str, place: str, around: str, elsewhere: list[str], chance: Random
) -> None:
    whole = "<hr>".join([around.format(place), *elsewhere])

    shown = masked(whole.replace("{}", encoded(secret, chance)).replace("{{", "{"))

    assert secret not in html.unescape(shown)
    assert html.escape(secret) not in shown

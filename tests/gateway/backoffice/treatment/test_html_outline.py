"""A page as its elements and texts."""

from __future__ import annotations

import gc
import weakref

from gateway.backoffice.treatment.html_outline import Outline
from gateway.backoffice.treatment.html_page import Page


def outline(text: str) -> tuple[Outline, Page]:
    page = Page(f"<body>{text}")
    return Outline(page), page


def test_a_line_goes_through_markup_and_ends_with_its_block() -> None:
    read, _ = outline("<p>a<b>b</b> c<br>d<span><i>e</i></span></p>f<div><p>g</p></div>h")

    assert [[part.text for part in line] for line in read.lines] == [
        ["a", "b", " c"], ["d", "e"], ["f"], ["g"], ["h"],
    ]  # fmt: skip


def test_parts_know_what_is_around_beside_and_inside_them() -> None:
    read, _ = outline("<div><p>a<b>b</b></p> <i>c</i></div>")
    (bold,) = read.find("b")

    assert [part.tag for part in bold.around()] == ["p", "div", "body", "html"]
    assert [part.tag for part in read.find("p")[0].after()] == ["", "i"]
    assert [part.tag or part.text for part in read.find("div")[0].within()] == [
        "div", "p", "a", "b", "b", " ", "i", "c",
    ]  # fmt: skip
    assert read.find("div")[0].says() == "a\x1fb\x1f \x1fc"
    read.find("p")[0].lose()
    assert [part.gone for part in (bold, read.find("i")[0])] == [True, False]


def test_what_is_run_or_cannot_be_read_is_left_out_of_the_page() -> None:
    read, page = outline(
        "<!--c--><?pi?><script>s</script><script src=/x>t</script><noscript><p>n</p></noscript>"
        "<p onclick=a() style=b href='javascript:c' title=d>e</p><style>f{content:'\\41'}</style>"
    )

    assert page.write().decode().partition("<body>")[2] == (
        '<script src="/x"></script><p title="d">e</p></body></html>'
    )
    assert [part.tag for part in read.parts if part.tag] == ["html", "head", "body", "script", "p"]
    assert read.find("p")[0].attributes == {"title": "d"}


def test_a_page_is_let_go_of_without_the_collector() -> None:
    """Or thousands of pieces of each page would wait for it."""
    read, page = outline("<p>a<b>b</b></p>")
    known = weakref.ref(page)
    gc.disable()
    try:
        read.forget()
        del read, page
        assert known() is None
    finally:
        gc.enable()


def test_a_text_can_be_written_anew_and_found_again() -> None:
    read, page = outline("<p>a<b>b</b>c</p>")
    texts = [part for part in read.parts if not part.tag]
    for part in texts:
        part.rewrite(part.text + "1")
    for part in texts[1:]:
        part.rewrite(part.text + "2")

    assert (page.body.html or "").startswith("<body><p>a1<b>b12</b>c12</p>")
    texts[2].rewrite("")
    assert texts[2].gone
    assert (page.body.html or "").startswith("<body><p>a1<b>b12</b></p>")


def test_a_text_is_read_as_what_it_stands_for() -> None:
    read, page = outline("<p>SC<b>:</b></p>")
    assert read.find("p")[0].says() == "SC\x1f:"
    read.find("p")[0].inside[0].speak("Sort code")

    assert read.find("p")[0].says() == "Sort code\x1f:"
    assert "Sort" not in (page.body.html or "")

"""A page is written anew from what was read of it."""

from __future__ import annotations

import pytest

from gateway.backoffice.treatment.html_page import MAX_DEPTH, Page, drop, outermost
from gateway.backoffice.treatment.unfit import UnfitAnswerError


def written(text: str) -> str:
    return Page(text).write().decode()


def test_a_page_keeps_what_it_shows_and_says_how_it_is_written() -> None:
    page = '<!doctype html><html><head><meta charset="iso-8859-1"></head><body>é</body></html>'

    assert written(page) == (
        '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>é</body></html>'
    )
    assert 'content="text/html; charset=utf-8"' in written(
        "<meta http-equiv=Content-Type content='text/html; charset=latin1'>"
    )


def test_a_page_without_doctype_is_given_none() -> None:
    assert written("<p>x") == "<html><head></head><body><p>x</p></body></html>"


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>SECRET</script>",
        '<script type="application/json">{"a":"SECRET"}</script>',
        "<script src=/a.js>SECRET</script>",
        "<!-- SECRET -->",
        "<template><b>SECRET</b></template>",
        "<noscript>SECRET</noscript>",
        "<iframe srcdoc='SECRET'></iframe>",
        "<b onclick=\"x('SECRET')\">b</b>",
        "<b style='content:\"SECRET\"'>b</b>",
        "<a href=' javascript:SECRET'>a</a>",
        "<img src='data:text/plain,SECRET'>",
        "<object><p>SECRET</object>",
        "<style>a{content:'\\53 SECRET'}</style>",
        "<xmp>SECRET</xmp>",
    ],
)
def test_what_a_browser_runs_or_shows_and_we_cannot_read_is_left_out(hidden: str) -> None:
    page = Page(f"<!doctype html><p>before{hidden}<p>after")
    page.drop_unreadable()

    assert "SECRET" not in page.write().decode()
    assert "after" in page.write().decode()


def test_what_stands_outside_the_page_is_left_out() -> None:
    assert "SECRET" not in written("<!--SECRET--><!doctype html><p>x</html><!--SECRET-->")


def test_what_a_page_loads_from_addresses_stays() -> None:
    page = Page("<link rel=stylesheet href=/a.css><script src=/a.js></script><img src=/a.svg>")
    page.drop_unreadable()

    assert all(name in page.write() for name in (b"/a.css", b"/a.js", b"/a.svg"))


def test_a_page_nested_deeper_than_any_is_refused_before_it_is_read() -> None:
    with pytest.raises(UnfitAnswerError):
        Page("<div>" * 500_000)
    assert Page("<div>" * (MAX_DEPTH - 1)).body is not None
    assert Page("<tr><td>x<p>y<br>" * 5_000).body is not None


def test_a_set_of_frames_is_no_page() -> None:
    with pytest.raises(UnfitAnswerError):
        Page("<frameset><frame src=a></frameset>")


def test_what_stands_inside_another_goes_with_it() -> None:
    page = Page("<div id=a><p id=b><b id=c>x</b></p></div><i id=d>y</i>")
    nodes = [page.find(f"#{name}")[0] for name in ("c", "a", "b", "d")]

    assert [node.id for node in outermost(nodes)] == ["a", "d"]
    drop(nodes)
    assert page.body.html == "<body></body>"

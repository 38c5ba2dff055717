"""Places that an answer names beside `Location`: on the gateway, or not told."""

import pytest

from gateway.backoffice.answer_places import (
    LeadsElsewhere,
    local_links,
    local_refresh,
    place_fields,
)

OWN = ("https://ebs.internal:8443", "https://ebs1.internal:8443", "https://gate")
ORIGINS = {**dict.fromkeys(OWN, b""), "https://fleet.gate:443": b"https://fleet.gate"}


@pytest.mark.parametrize(
    ("said", "told", "leads_to"),
    [
        (b"5", b"5", None),
        (b" 0 ", b"0", None),
        (b"0; url=/a?b=c", b"0; url=/a?b=c", b"/a?b=c"),
        (b"5;URL='https://ebs.internal:8443/a'", b"5; url=/a", b"/a"),
        (b'5, url="https://gate/a"', b"5; url=/a", b"/a"),
        (b"5 ; Url = next.jsp", b"5; url=next.jsp", b"next.jsp"),
        (b"0; url=https://evil.example/", None, None),
        (b"0; url=//evil.example/", None, None),
        (b"0; url=/\\evil.example", None, None),
        (b"0; url=javascript:alert(1)", None, None),
        (b"0; url=data:text/html,x", None, None),
        (b"0; /elsewhere", None, None),
        (b"0; url='/a' url=//evil.example", None, None),
        (b"0; url=/a;url=//evil.example", None, None),
        (b'0; url="/a;url=//evil.example"', None, None),
        (b"0; url='/a //evil.example'", None, None),
        (b"url=/a", None, None),
        (b"-1; url=/a", None, None),
        (b'0; url="/a\'//evil.example"', None, None),
        (b"", None, None),
    ],
)
def test_a_refresh_leads_to_the_gateway_or_is_refused(
    said: bytes, told: bytes | None, leads_to: bytes | None
) -> None:
    """Browsers read this field loosely, so there is one way of writing it here."""
    if told is None:
        with pytest.raises(LeadsElsewhere):
            local_refresh(said, ORIGINS)
    else:
        assert local_refresh(said, ORIGINS) == (told, leads_to)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"</a.css>; rel=preload; as=style", b"</a.css>; rel=preload; as=style"),
        (b"<https://ebs1.internal:8443/p?n=2>; rel=\"next\"", b"</p?n=2>; rel=\"next\""),
        (b"<https://cdn.example/x.js>; rel=preload, </b>; rel=prev", b"</b>; rel=prev"),
        (b"<//cdn.example/x.js>; rel=preload", b""),
        (b"</a>; title=\"a, <b>; c\", </d>;rel=last", b"</a>; title=\"a, <b>; c\", </d>;rel=last"),
        (b"</a>; rel=next; anchor=\"https://evil.example/\"", b""),
        (b"</a>; rel=next </b>", b""),
        (b"</a>; rel=\"un\\\"quoted", b""),
        (b"/a; rel=next", b""),
        (b"</a>; rel=next\r\nSet-Cookie: x=1", b""),
        (b"</a>," * 60, b""),
    ],
)  # fmt: skip
def test_links_are_on_the_gateway_or_left_out(said: bytes, told: bytes) -> None:
    assert local_links(said, ORIGINS) == told


def test_all_of_an_answer_are_written_and_where_it_leads_is_told() -> None:
    fields = [
        (b"content-location", b"https://ebs.internal:8443/doc.en.html"),
        (b"content-type", b"text/html"),
        (b"link", b"</a.css>; rel=stylesheet"),
        (b"link", b"<https://elsewhere.example>; rel=next"),
        (b"refresh", b"3; url=https://ebs.internal:8443/wait"),
    ]

    written, leads_to = place_fields(fields, ORIGINS)

    assert written.split(b"\r\n") == [
        b"Content-Location: /doc.en.html",
        b"Link: </a.css>; rel=stylesheet",
        b"Refresh: 3; url=/wait",
        b"",
    ]
    assert leads_to == b"/wait"


def test_content_found_elsewhere_too_is_not_told_where() -> None:
    assert place_fields([(b"content-location", b"https://inside.example/x")], ORIGINS) == (
        b"",
        None,
    )


def test_two_refreshes_are_refused() -> None:
    """Browsers differ in which of them they follow."""
    with pytest.raises(LeadsElsewhere):
        place_fields([(b"refresh", b"1"), (b"refresh", b"1")], ORIGINS)

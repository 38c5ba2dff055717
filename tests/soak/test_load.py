"""An answer that names somebody else, or nobody, ends the soak; a line reads what HTTP allows."""

from __future__ import annotations

import asyncio

import pytest

from tests.soak.due import CrossTalkError, Person, demand_own, named_in, told_number
from tests.soak.line import Answered, BrokenAnswerError, Line

ASKER = Person(organisation="cheshire-fire", username="firefighter", number="40011", name="F")
OWN = b'<body data-function="pay.slip" data-asker="40011">'


def answered(body: bytes) -> Answered:
    return Answered(status=200, headers={}, body=body)


@pytest.mark.parametrize(
    "body",
    [
        OWN,
        b'{"asker": "40011", "rows": []}',
        b'data: {"asker": "40011"}\n\ndata: {"asker": "40011"}\n\n',
        b"# Joint framework catalogue, made for 40011, part 00000\n",
    ],
)
def test_every_kind_of_answer_names_who_asked(body: bytes) -> None:
    assert named_in(body) == {"40011"}
    demand_own(ASKER, answered(body), "a page")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (OWN.replace(b"40011", b"20011"), "asked by 40011, and the answer names `20011`"),
        (OWN + b'{"asker": "20011"}', "asked by 40011, and the answer names `20011`"),
        (b"<body>", "asked by 40011, and the answer names nobody"),
    ],
    ids=["another's page", "another's part in one's own page", "nobody's"],
)
def test_an_answer_for_somebody_else_is_cross_talk(body: bytes, told: str) -> None:
    with pytest.raises(CrossTalkError, match=told):
        demand_own(ASKER, answered(body), "a page")


@pytest.mark.parametrize(
    ("assertion", "number"),
    [("e30.eyJlbXBsb3llZV9udW1iZXIiOiAiNDAwMTEifQ.c2ln", "40011"), ("e30.e30.c2ln", ""), ("", "")],
)
def test_what_a_proxy_is_told_names_who_asked(assertion: str, number: str) -> None:
    assert told_number(assertion) == number


async def test_a_line_reads_lengths_and_chunks_and_opens_again_after_a_close() -> None:
    says = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n2\r\n!!\r\n0\r\n\r\n",
        b"",
        b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
    ]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while says:
            await reader.readuntil(b"\r\n\r\n")
            said = says.pop(0)
            writer.write(said)
            if not said or b"close" in said or not says:
                break
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        line = Line(port=server.sockets[0].getsockname()[1], cookie="session=a")
        seen = [await line.ask("GET", "/") for _ in range(3)]
        assert [(each.status, each.body) for each in seen] == [
            (200, b"one"),
            (200, b"two!!"),
            (404, b""),
        ]
        assert line.opened == 2
        with pytest.raises(BrokenAnswerError, match="ended 4 bytes early"):
            await line.ask("GET", "/")

"""Sessions: new at each sign-in, gone at sign-out, in every worker at once."""

from __future__ import annotations

import http.client

from deploy.demo.visitor import Visitor
from tests.journeys.demo_fixture import Demo

COOKIE = "gateway-localhost"
JOBS = "/estates/jobs"
FRESH_CONNECTIONS = 24  # enough that each of two workers gets some


def answers(demo: Demo, cookies: dict[str, str], target: str = JOBS) -> set[int]:
    """Ask on many connections of their own, as different workers take them."""
    visitor = Visitor(port=demo.places.port, cookies=dict(cookies))
    return {visitor.get(target).status for _ in range(FRESH_CONNECTIONS)}


def test_sign_out_ends_the_session_in_every_worker(demo: Demo) -> None:
    visitor = demo.signed_in("paramedic")
    old = dict(visitor.cookies)
    before = answers(demo, old)
    page = visitor.sign_out()

    assert before == {200}
    assert page.status == 303
    assert COOKIE not in visitor.cookies
    assert answers(demo, old) == {303}
    assert answers(demo, old, "/-/portal") == {303}


def test_an_open_connection_does_not_outlive_the_session(demo: Demo) -> None:
    """A worker that has a connection open, and the session in memory, knows it as soon."""
    visitor = demo.signed_in("paramedic")
    host = f"localhost:{demo.places.port}"
    head = {"Host": host, "Cookie": f"{COOKIE}={visitor.cookies[COOKIE]}", "Accept": "text/html"}
    connections = [http.client.HTTPConnection("127.0.0.1", demo.places.port) for _ in range(12)]

    def ask_all() -> list[int]:
        statuses = []
        for connection in connections:
            connection.request("GET", JOBS, headers=head)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        return statuses

    before = ask_all()
    visitor.sign_out()
    after = ask_all()
    for connection in connections:
        connection.close()

    assert set(before) == {200}
    assert set(after) == {303}


def test_a_new_sign_in_ends_nobody_elses_session(demo: Demo) -> None:
    first, second = demo.signed_in("paramedic"), demo.signed_in("paramedic")
    ids = {first.cookies[COOKIE], second.cookies[COOKIE]}
    first.sign_out()
    still = second.get(JOBS).status
    second.sign_out()

    assert len(ids) == 2
    assert still == 200


def test_the_back_offices_session_ends_with_ours(demo: Demo) -> None:
    """Its cookie is kept here and dropped at sign-out; the next session begins anew there."""
    visitor = demo.signed_in("paramedic")
    first = visitor.get(JOBS)
    second = visitor.get(JOBS)
    visitor.sign_out()
    again = demo.signed_in("paramedic")
    third = again.get(JOBS)
    again.sign_out()
    counts = [page.seen.data.get("data-pages") for page in (first, second, third)]

    assert [page.set_cookies for page in (first, second, third)] == [(), (), ()]
    if counts[0] is not None:
        assert counts == [["1"], ["2"], ["1"]]

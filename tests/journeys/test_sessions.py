"""Sessions: new at each sign-in, gone at sign-out, in every worker at once."""

from __future__ import annotations

from tests.doubles.waiting import wait_until
from tests.journeys.demo_fixture import Demo
from tests.journeys.worker_finder import Connections

COOKIE = "gateway-localhost"
JOBS = "/estates/jobs"


def test_sign_out_ends_the_session_in_every_worker(demo: Demo) -> None:
    """A worker that has the session in memory knows at once, on connections old and new."""
    visitor = demo.signed_in("paramedic")
    old = dict(visitor.cookies)
    connections = Connections(demo, old)
    before = connections.ask(JOBS)
    page = visitor.sign_out()
    after = connections.ask(JOBS) | connections.ask("/-/portal")
    connections.close()
    fresh = Connections(demo, old)
    anew = fresh.ask(JOBS)
    fresh.close()

    assert before == {200}
    assert page.status == 200  # with the button to sign out at the provider too
    assert COOKIE not in visitor.cookies
    assert after == {303}
    assert anew == {303}


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


def test_a_sign_out_reaches_the_back_office_without_being_waited_for(demo: Demo) -> None:
    visitor = demo.signed_in("paramedic")
    visitor.get(JOBS)
    before = demo.signed_out_at_back_office()
    visitor.sign_out()

    wait_until(lambda: demo.signed_out_at_back_office() > before, every=0.05)

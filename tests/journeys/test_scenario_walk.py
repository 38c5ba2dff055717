"""Another scenario than Cheshire's over HTTP, days of its history included.

One of the five, with few people besides its accounts; `make test-faults` walks all of them whole.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from deploy.demo.expectations import Unexpected
from deploy.demo.places import Places
from deploy.demo.spot_checks import Check
from deploy.demo.stack import Stack
from deploy.demo.walk import Walk
from tests.doubles.few_staff import few_staff


@pytest.fixture(scope="module")
def walk() -> Iterator[Walk]:
    """Start Cleveland Police and Steria: a domain and a provider, a contract that ends."""
    folder = Path(tempfile.mkdtemp(prefix="journeys-"))
    places = Places.choose(folder, None, scenario=few_staff("cleveland-steria"))
    stack = Stack(places=places, say=print, workers=1)
    try:
        stack.start()
        yield Walk(stack=stack)
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_each_account_sees_its_tiles_and_officers_their_desks(walk: Walk) -> None:
    walk.shows_each_account_its_tiles()
    walk.opens_the_page_of_every_tile()
    walk.shows_officers_their_desks()


def test_each_line_of_its_table_comes_out_on_its_day(walk: Walk) -> None:
    walk.answers_as_the_table_says()


def test_a_line_that_is_not_so_is_told(walk: Walk) -> None:
    """A table that passes whatever is answered would prove nothing."""
    wrong = Check(
        why="the control room after the contract",
        on=date(2019, 5, 1),
        account="call-handler",
        url="/contact/incidents/current",
        function="pc.incident",
        status=404,
    )
    with pytest.raises(Unexpected, match=r"after the contract .*call-handler.*expected 404, met"):
        walk.hold(wrong)


def test_an_account_that_was_left_open_lets_nobody_in(walk: Walk) -> None:
    """X1: the register says that the employment ended yesterday, whatever the directory says."""
    account = walk.accounts["steria-left"]
    assert account.left_days == -1
    with pytest.raises(Unexpected, match="sign-in of steria-left"):
        walk.signed_in_anew("steria-left")

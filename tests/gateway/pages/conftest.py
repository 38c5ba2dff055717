"""What the tests of the pages share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from werkzeug.test import Client

from tests.gateway.pages.world import World, new_world

SignIn = Callable[..., Client]


@pytest.fixture(scope="session")
def one_world() -> World:
    """The pages with everything around them; compiling the templates takes a third of a second."""
    return new_world()


@pytest.fixture
def world(one_world: World) -> World:
    """Pages of which nobody has asked anything yet; nobody is signed in."""
    one_world.desk.forget()
    one_world.envelope.forget()
    one_world.providers.forget()
    one_world.tickets.forget()
    one_world.record.asked.clear()
    one_world.factors.forget()
    one_world.office.forget()
    return one_world


@pytest.fixture
def browser_of(world: World) -> SignIn:
    """Give a browser in which somebody is signed in, or nobody."""
    return sign_in_to(world)


def sign_in_to(world: World) -> SignIn:
    """Make browsers of one world."""

    def browser_of(username: str = "") -> Client:
        client = Client(world.front)
        if username:
            token = world.desk.open(world.staff[username])
            client.set_cookie(world.services.cookies.session.name, token)
        return client

    return browser_of

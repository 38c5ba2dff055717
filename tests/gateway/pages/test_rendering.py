"""Templates."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from jinja2.runtime import Context

from gateway.pages import rendering
from gateway.pages.rendering import Renderer
from tests.gateway.pages.world import World

TEMPLATES = Path(rendering.__file__).parent / "templates"


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_every_template_compiles_and_trusts_nothing(world: World, path: Path) -> None:
    """`safe` is how an escaped page becomes an open one."""
    renderer = Renderer(brand=world.services.brand, static_path="/x")

    assert renderer.template(path.name).name == path.name
    assert "|safe" not in path.read_text(encoding="utf-8").replace(" ", "")


def test_what_is_put_in_is_escaped(world: World) -> None:
    """Names of services come from a settings file, and people write `&` there."""
    renderer = Renderer(brand=world.services.brand, static_path="/x")
    html = renderer.render("cookies.html", cookies=[{"name": "<x>", "purpose": "&", "lasts": '"'}])

    assert "&lt;x&gt;" in html
    assert "<x>" not in html


def test_a_page_that_was_made_leaves_nothing_to_the_collector(world: World) -> None:
    """With it went who it was for; a few a second are megabytes until a collection."""
    renderer = Renderer(brand=world.services.brand, static_path="/x")
    renderer.render("cookies.html", cookies=[])
    gc.collect()
    gc.disable()
    try:
        before = sum(isinstance(each, Context) for each in gc.get_objects())  # of pieces
        for _ in range(3):
            renderer.render("cookies.html", cookies=[])
        after = sum(isinstance(each, Context) for each in gc.get_objects())
    finally:
        gc.enable()

    assert after == before


def test_what_is_wrong_in_a_template_is_told_with_its_line(world: World) -> None:
    renderer = Renderer(brand=world.services.brand, static_path="/x")
    with pytest.raises(TypeError) as told:
        renderer.render("cookies.html", cookies=1)

    assert "cookies.html" in "".join(map(str, told.traceback))

"""Templates."""

from __future__ import annotations

from pathlib import Path

import pytest

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

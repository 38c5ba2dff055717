"""The fixture `place`: settings, policy set, keys and database of a gateway, in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
import trustme

from gateway.cli.main import run
from gateway.keys import KeyRing
from gateway.settings import load_settings
from gateway.store.engine import open_store
from gateway.store.migration import migrate
from tests.gateway.cli.place import LIBRARY, TEXT, Place, Told
from vetting.levels import LevelOrder
from vetting.register import Register


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Place]:
    """Set a gateway up."""
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    config = tmp_path / "gateway.toml"
    config.write_text(TEXT.format(policy=LIBRARY))
    settings = load_settings(config)
    settings.gateway.state_directory.mkdir()
    store = open_store(settings.store_url)
    migrate(store)

    def told(*words: str) -> Told:
        group = [*words, "--config", str(config)]
        code = run(group)
        captured = capsys.readouterr()
        return Told(code=code, out=captured.out, err=captured.err)

    yield Place(
        config=config,
        settings=settings,
        store=store,
        register=Register(LevelOrder.shipped(), accepted=frozenset({"cheshire-police"})),
        ring=KeyRing.init(settings.keys.directory),
        run=told,
    )
    store.dispose()
    structlog.reset_defaults()

"""A gateway that has been set up and never served: settings, keys and a migrated store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from gateway.keys import KeyRing
from gateway.settings import Settings, load_settings
from tests.doubles.stores import lay_store
from tests.gateway.cli.place import LIBRARY, TEXT
from tests.gateway.identity.parts import Parts, new_parts

SettingsMaker = Callable[..., Settings]


@pytest.fixture
def make_settings(tmp_path: Path) -> SettingsMaker:
    """Give the function that sets a gateway up, with texts of its settings replaced."""

    def make(*changes: tuple[str, str], keys: bool = True, store: bool = True) -> Settings:
        trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
        text = TEXT.format(policy=LIBRARY)
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        config = tmp_path / "gateway.toml"
        config.write_text(text)
        settings = load_settings(config)
        settings.gateway.state_directory.mkdir(exist_ok=True)
        if keys:
            KeyRing.init(settings.keys.directory)
        if store:
            lay_store(settings.gateway.state_directory)
        return settings

    return make


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    """A store, a bulletin, a register and a worker's sessions."""
    with new_parts(tmp_path) as made:
        yield made

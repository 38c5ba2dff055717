"""The fixture `place`: settings, policy set, keys and database of a gateway, in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import trustme

from gateway.audit.entry import Kind, Outcome, new_draft
from gateway.audit.recorder import Recorder
from gateway.audit.recorder_limits import RecorderLimits
from gateway.cli.main import run
from gateway.keys import KeyRing
from gateway.settings import load_settings
from gateway.store.engine import open_store
from tests.doubles.stores import lay_store
from tests.gateway.cli.place import LIBRARY, TEXT, Place, Told
from vetting.levels import LevelOrder
from vetting.register import Register
from vetting.toml_source import TomlSource

BLUE_LIGHT = "cheshire-blue-light-2018"


@pytest.fixture(scope="module", autouse=True)
def each_text_once() -> Iterator[None]:
    """Parse the same text once a file of tests: commands read the shipped set again and again."""
    parse = TomlSource.from_text

    @cache
    def parsed(text: str, file: str) -> TomlSource:
        return parse(text, file=file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TomlSource, "from_text", lambda text, *, file: parsed(text, file))
        yield


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Place]:
    """Set a gateway up."""
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    config = tmp_path / "gateway.toml"
    config.write_text(TEXT.format(policy=LIBRARY))
    settings = load_settings(config)
    settings.gateway.state_directory.mkdir()
    lay_store(settings.gateway.state_directory)
    store = open_store(settings.store_url)

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


@pytest.fixture
def visited(place: Place) -> Place:
    """A record with two visits to functions, by two people, and three to what is no function."""
    directory = place.settings.record.directory
    directory.mkdir()
    recorder = Recorder(
        directory=directory,
        key_ring=place.ring,
        writer="w",
        limits=RecorderLimits(segment_bytes=256 << 10, reserve_bytes=64 << 10),
    )
    recorder.start()
    for number, (function, code, target, staff, agreement) in enumerate(
        (
            ("pay.slip", "rule-permits", "/OA_HTML/OA.jsp?OAFunc", "cheshire-fire/a", BLUE_LIGHT),
            ("pay.slip", "rule-permits", "/OA_HTML/OA.jsp?OAFunc", "cheshire-fire/b", BLUE_LIGHT),
            ("", "function-unknown", "/kit/7/loans?sort", "cheshire-fire/a", ""),
            ("", "function-unknown", "/kit/7/loans?sort", "cheshire-fire/a", ""),
            ("", "function-unknown", "//ebs.localhost:8080/vans/3", "cheshire-fire/a", ""),
        )
    ):
        draft = new_draft(
            Kind.ACCESS,
            Outcome.PERMIT if function else Outcome.DENY,
            at_us=1_790_000_000_000_000 + number * 1_000_000,
        )
        draft.function, draft.code, draft.method, draft.target = function, code, "GET", target
        draft.organisation, draft.staff_id, draft.agreement = "cheshire-fire", staff, agreement
        recorder.record_and_wait(draft)
    recorder.close()
    place.sequence()
    return place

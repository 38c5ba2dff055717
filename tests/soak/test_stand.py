"""What the soak leaves behind when it fails."""

from __future__ import annotations

from pathlib import Path

from deploy.demo.places import Places
from tests.soak.stand import kept_logs


def test_the_logs_outlive_their_folder(tmp_path: Path) -> None:
    places = Places.choose(tmp_path / "soak-1", None, with_providers=False)
    assert kept_logs(places) is None  # it had not begun
    places.logs.mkdir(parents=True)
    (places.logs / "gateway.log").write_text("refused")

    kept = kept_logs(places)

    assert kept == tmp_path / "soak-1-logs"
    assert (kept / "gateway.log").read_text() == "refused"
    assert not places.logs.exists()

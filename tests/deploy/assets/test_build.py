"""What the style sheet is built from, and that building twice does nothing twice."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_lock_file_pins_everything_and_names_no_address() -> None:
    """Where a package is fetched from is each site's own business; what it is, is not."""
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]
    wanted = {name: entry for name, entry in packages.items() if name}

    assert "resolved" not in text
    assert "://" not in text.replace("https://opencollective.com", "").replace(
        "https://github.com/sponsors", ""
    ).replace("https://paulmillr.com/funding/", "")
    assert [name for name, entry in wanted.items() if "integrity" not in entry] == []


def test_versions_are_exact() -> None:
    """A range would build other bytes tomorrow."""
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))

    for version in (package["dependencies"] | package["devDependencies"]).values():
        assert version[0].isdigit()
    # Later ones need a newer node than Debian 12 has.
    assert package["devDependencies"]["sass"] == "1.99.0"


def test_building_again_says_nothing_and_takes_no_time() -> None:
    """`make` runs it each time."""
    build = [sys.executable, str(ROOT / "deploy" / "assets" / "build.py")]
    subprocess.run(build, check=True, capture_output=True)
    started = time.monotonic()
    again = subprocess.run(build, check=True, capture_output=True)

    assert again.stdout == again.stderr == b""
    assert time.monotonic() - started < 5

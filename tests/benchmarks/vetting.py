"""How long a whole vetting unit's export takes to import (`make bench BENCH=vetting`).

vetting.import_50000_s   a first signed export of 50,000 grants, CSV, the command as it is typed:
                         reading, sealing references, comparing, history, one transaction
vetting.reimport_50000_s the next one, in which one grant in a hundred differs
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.cli.main import run
from gateway.keys import KeyRing
from gateway.settings import load_settings
from gateway.store.engine import open_store
from gateway.store.migration import migrate
from tests.benchmarks.results import Figure, merge, table
from tests.gateway.cli.place import LIBRARY, TEXT
from tests.vetting.exports import row, to_csv

ROWS = 50_000
REPETITIONS = 3
TARGETS = {"vetting.import_50000_s": "< 10", "vetting.reimport_50000_s": "< 10"}
FEED = """
[[vetting.feed]]
id = "unit"
title = "Vetting unit"
granting_bodies = ["cheshire-police"]
public_key_file = "unit.pub.pem"
"""


def main() -> int:
    """Measure, write the figures down and show them."""
    first, second = list[float](), list[float]()
    for _ in range(REPETITIONS):
        with tempfile.TemporaryDirectory() as folder:
            for kept, seconds in zip((first, second), _measured(Path(folder)), strict=True):
                kept.append(seconds)
    figures = [
        Figure(key="vetting.import_50000_s", values=tuple(first)),
        Figure(key="vetting.reimport_50000_s", values=tuple(second)),
    ]
    merge(figures)
    sys.stdout.write(table(figures, TARGETS) + "\n")
    return 0


def _measured(folder: Path) -> tuple[float, float]:
    """Import twice into a gateway of its own; gives the seconds of each."""
    key = Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "unit.pub.pem").write_bytes(pem)
    trustme.CA().cert_pem.write_to_path(folder / "ca.pem")
    config = folder / "gateway.toml"
    text = TEXT.format(policy=LIBRARY).replace("[[organisation]]", f"{FEED}\n[[organisation]]", 1)
    config.write_text(text)
    settings = load_settings(config)
    settings.gateway.state_directory.mkdir()
    KeyRing.init(settings.keys.directory)
    store = open_store(settings.store_url)
    migrate(store)
    store.dispose()
    file = folder / "export.csv"

    def imported(content: str) -> float:
        file.write_text(content)
        file.with_name("export.csv.sig").write_bytes(key.sign(file.read_bytes()))
        begun = time.perf_counter()
        with redirect_stdout(io.StringIO()):
            code = run(["vetting", "import", str(file), "--config", str(config)])
        if code:
            message = "benchmark: the import was refused"
            raise RuntimeError(message)
        return time.perf_counter() - begun

    rows = [row(number, reference=f"CP/{number}") for number in range(ROWS)]
    changed = [
        each | ({"expires_on": "2029-12-31"} if number % 100 == 0 else {})
        for number, each in enumerate(rows)
    ]
    return imported(to_csv(*rows)), imported(to_csv(*changed, at="2026-11-21T06:00:00+00:00"))


if __name__ == "__main__":
    sys.exit(main())

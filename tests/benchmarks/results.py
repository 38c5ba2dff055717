"""The file that every benchmark writes its figures to: `var/bench/results.json`.

    {"date": "2026-11-21T12:00:00+00:00", "cores": 2,
     "figures": {"decision.p50_us": 3.2, ...},
     "spread": {"decision.p50_us": {"min": 3.1, "max": 3.4, "repetitions": 5}, ...}}

A figure is the median of its repetitions. Groups are measured one by one, so a group replaces its
own figures and leaves those of the others.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DEFAULT_FILE = Path("var/bench/results.json")

FEWEST_REPETITIONS = 3
"""With fewer a median says nothing about spread."""

COMPARED_REPETITIONS = 5
"""Of what is compared with other servers on a machine that others share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured figure.

    Attributes:
        key: Its name, `group.what_unit`.
        values: What each repetition gave.
        once: Whether it comes of one run that takes so long that it is not repeated.
    """

    key: str
    values: tuple[float, ...]
    once: bool = False

    def __post_init__(self) -> None:
        """Refuse a figure that was not measured often enough."""
        if len(self.values) < (1 if self.once else FEWEST_REPETITIONS):
            raise ValueError(f"benchmark: `{self.key}` was measured {len(self.values)} times")

    @property
    def median(self) -> float:
        """The figure."""
        return _shortened(median(self.values))

    @property
    def spread(self) -> dict[str, float]:
        """The least and the greatest of the repetitions."""
        return {
            "min": _shortened(min(self.values)),
            "max": _shortened(max(self.values)),
            "repetitions": len(self.values),
        }


def merge(figures: Iterable[Figure], file: Path = DEFAULT_FILE) -> dict[str, Any]:
    """Write figures into the file, beside those of other groups.

    Args:
        figures: What was measured.
        file: The file; it and its directory are made if they do not exist.

    Returns:
        What the file holds now.
    """
    content = _read(file)
    for figure in figures:
        content["figures"][figure.key] = figure.median
        content["spread"][figure.key] = figure.spread
    content["date"] = datetime.now(UTC).isoformat(timespec="seconds")  # noqa: TID251 - a benchmark has a clock
    content["cores"] = os.cpu_count()
    ordered = {
        "date": content["date"],
        "cores": content["cores"],
        "figures": dict(sorted(content["figures"].items())),
        "spread": dict(sorted(content["spread"].items())),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    # Written beside and moved over, so that a benchmark that is interrupted leaves a whole file.
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as written:
        json.dump(ordered, written, indent=2)
        written.write("\n")
    Path(written.name).chmod(0o644)
    Path(written.name).replace(file)
    return ordered


def table(figures: Sequence[Figure], targets: Mapping[str, str]) -> str:
    """Write figures as a table for people.

    Args:
        figures: What was measured.
        targets: What is aimed at, by key; shown as it is written.
    """
    width = max(len(figure.key) for figure in figures)
    lines = [f"{'figure':<{width}}  {'median':>10}  {'min':>10}  {'max':>10}  target"]
    for figure in figures:
        spread = figure.spread
        lines.append(
            f"{figure.key:<{width}}  {figure.median:>10}  {spread['min']:>10}"
            f"  {spread['max']:>10}  {targets.get(figure.key, '')}".rstrip()
        )
    return "\n".join(lines)


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if file.exists():
        content = json.loads(file.read_text(encoding="utf-8"))
    for part in ("figures", "spread"):
        content.setdefault(part, {})
    return content


def _shortened(value: float) -> float:
    """Four significant digits: more would be noise."""
    return float(f"{value:.4g}")

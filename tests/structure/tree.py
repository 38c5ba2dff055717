"""The tree of the project as the structure tests see it: what git tracks, and what it holds."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "policies", "vetting")


@cache
def tracked() -> tuple[str, ...]:
    """Give the paths of all tracked files that are there."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, check=True
        ).stdout.decode()
        names = [name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        # An archive of the project has no history; then it has nothing else in it either.
        names = [str(path.relative_to(PROJECT)) for path in PROJECT.rglob("*") if _is_source(path)]
    return tuple(sorted(name for name in names if (PROJECT / name).is_file()))


def _is_source(path: Path) -> bool:
    parts = set(path.relative_to(PROJECT).parts)
    hidden = {".venv", "var", "node_modules", "__pycache__", "vendor", ".git", ".hypothesis"}
    return path.is_file() and not parts & hidden and not any(p.endswith("_cache") for p in parts)


@cache
def modules() -> tuple[str, ...]:
    """Give the paths of the modules of the three packages."""
    return tuple(
        name for name in tracked() if name.endswith(".py") and name.split("/")[0] in PACKAGES
    )


@cache
def read(name: str) -> str:
    """Give the text of a tracked file."""
    return (PROJECT / name).read_text("utf-8")


def calls_of(source: str, called: str) -> int:
    """Count where a name is called, directly or as an attribute."""
    return sum(
        1
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id == called)
            or (isinstance(node.func, ast.Attribute) and node.func.attr == called)
        )
    )


@cache
def imported_by(source: str) -> frozenset[str]:
    """Give the top packages that a module imports."""
    found = set[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return frozenset(found)

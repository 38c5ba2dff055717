"""Odd pages and answers, by kind, and what a treatment leaves of them."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

SECRETS: Final = ("QX-9876-A", "12-34-56")
_FOLDER: Final = Path(__file__).parent


class Odd(NamedTuple):
    """A page or an answer, with `SECRET` where a value stands, and what has to stay of it."""

    text: str
    kept: list[str]

    def holding(self, secret: str) -> str:
        """Give it with a value in its place."""
        packed = b64encode(f'{{"sort_code":"{secret}"}}'.encode()).decode()
        return self.text.replace("SECRET", secret).replace("BASE64", packed)


def odd(name: str) -> dict[str, list[Odd]]:
    """Read a file of them."""
    kinds: dict[str, list[Odd]] = {}
    own: list[Odd] = []
    for line in (_FOLDER / name).read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if line.endswith(":"):
            kinds[line[:-1]] = own = []
            continue
        text, *kept = line.split(" ║ ")
        own.append(Odd(text, kept))
    return kinds


def faults(shapes: list[Odd], treated: Callable[[str], str]) -> list[str]:
    """Give those that show what they must not, or lose what they must not."""
    found = []
    for shape in shapes:
        for secret in SECRETS:
            shown = treated(shape.holding(secret))
            if secret in shown or any(each not in shown for each in shape.kept):
                found.append(f"{shape.text}\n  became {shown}")
                break
    return found

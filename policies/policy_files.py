"""The files of a policy set as one value: kept in a database and written back byte for byte.

Files and database are two views of one thing. The names are relative to the folder of the set; what
a file is based on lies outside of it (`../shared-services/rules.toml`) and is taken along, so that
the value is whole by itself. Written to another place, the same names lead to the same files.
"""

from __future__ import annotations

import json
import os.path
import tempfile
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING

from policies.base_file import base_of
from policies.errors import PolicyError
from policies.findings import Findings
from policies.policy_set import FILES, load_policy_set
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.policy_set import PolicySet

LARGEST = 10_000_000
"""Characters of all files together; the largest set measured, 20,000 rules, has six million."""

_DEEPEST = 8
"""How many folders above its own a set may reach for what it is based on."""


@dataclass(frozen=True, slots=True)
class PolicyFiles:
    """The text of every file, by its name from the folder of the set."""

    texts: Mapping[str, str]

    @classmethod
    def read(cls, directory: Path) -> PolicyFiles:
        """Read the files of a set and what they are based on.

        Raises:
            PolicyFileError: a file cannot be read, or is not TOML.
            PolicyError: what a file is based on is too far away, or all of it is too large.
        """
        texts = {}
        for name in FILES:
            findings = Findings.read(directory / name)
            texts[name] = _text(directory / name)
            base = base_of(findings.document(), directory / name)
            if base is not None:
                texts[os.path.relpath(base, directory)] = _text(base)
        return cls(MappingProxyType(texts))

    @classmethod
    def from_json(cls, text: str) -> PolicyFiles:
        """Read what `to_json` wrote.

        Raises:
            PolicyError: it is not that.
        """
        try:
            texts = json.loads(text)
        except ValueError as error:
            raise PolicyError("policy files: what is stored cannot be read") from error
        if not isinstance(texts, dict) or not all(isinstance(each, str) for each in texts.values()):
            raise PolicyError("policy files: what is stored is not of their form")
        return cls(MappingProxyType(texts))

    def to_json(self) -> str:
        """Write all of it as one text."""
        return json.dumps(dict(self.texts), ensure_ascii=False, sort_keys=True)

    def write(self, directory: Path) -> Path:
        """Write the files below a folder that exists and is empty.

        Returns:
            The folder of the set.
        """
        ups = max(PurePosixPath(name).parts.count("..") for name in self.texts)
        named = {part for name in self.texts for part in PurePosixPath(name).parts}
        # A name from outside must not lead back in here, and replace a file of the set.
        folders = (each for each in map("policy{}".format, count()) if each not in named)
        place = directory.joinpath(*islice(folders, ups + 1))
        for name, text in self.texts.items():
            path = Path(os.path.normpath(place / name))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        return place

    def load(self) -> PolicySet:
        """Read the policy set that the files hold.

        Raises:
            PolicyFileError: with every fault of every file.
        """
        with tempfile.TemporaryDirectory(prefix="policy-") as folder:
            return load_policy_set(self.write(Path(folder)))

    def __post_init__(self) -> None:
        """Refuse what is not whole, too large, or would be written outside.

        Raises:
            PolicyError: one of these.
        """
        missing = [name for name in FILES if name not in self.texts]
        if missing:
            raise PolicyError(f"policy files: {', '.join(missing)} is missing")
        if sum(map(len, self.texts.values())) > LARGEST:
            raise PolicyError(f"policy files: together they are longer than {LARGEST} characters")
        for name in self.texts:
            path = PurePosixPath(name)
            ups = path.parts.count("..")
            if path.is_absolute() or ups > _DEEPEST or ".." in path.parts[ups:] or "\\" in name:
                raise PolicyError(
                    f"policy files: {quoted(name)} is not a name from the folder of the set; "
                    "move the file nearer to it"
                )


def _text(path: Path) -> str:
    # not `read_text`, which would make one kind of line end of all
    return path.read_bytes().decode("utf-8")

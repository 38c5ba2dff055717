"""Policy files that stand on another: partnerships share a catalogue and most of their rules.

    based_on = "../../library/shared-services/rules.toml"   # from the folder of the file

What is in the other file counts as if it stood here. A file that is stood on stands on none itself,
so that a reader has two files to look at and no more.
"""

from __future__ import annotations

import os.path
from pathlib import Path
from typing import TYPE_CHECKING

from policies.errors import PolicyFileError
from policies.findings import Findings
from vetting.errors import quoted

if TYPE_CHECKING:
    from policies.findings import TableReader

BASED_ON = "based_on"


def base_of(document: TableReader, path: Path) -> Path | None:
    """Give the file that a policy file stands on; None where it stands by itself, or with a fault.

    Args:
        document: the outermost table of the file.
        path: where the file is.
    """
    written = document.text(BASED_ON, required=False)
    if not written:
        return None
    base = Path(os.path.normpath(path.parent / written))
    if not base.is_file():
        document.fault(
            BASED_ON,
            message=f"there is no file {quoted(str(base))}",
            remedy="write the path of the other file, from the folder of this one",
        )
        return None
    try:
        data = Findings.read(base).source.data
    except PolicyFileError as error:
        document.fault(
            BASED_ON, message=f"cannot be read: {error.faults[0]}", remedy="correct that file"
        )
        return None
    if BASED_ON in data:
        document.fault(
            BASED_ON,
            message=f"{quoted(str(base))} is based on another file itself",
            remedy="name a file that is based on none",
        )
        return None
    return base

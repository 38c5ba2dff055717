"""The family of errors of `policies`."""

from __future__ import annotations

import pytest

from policies.errors import PatternError, PolicyError, PolicyFileError
from vetting.errors import Fault


@pytest.mark.parametrize("error", [PatternError, PolicyFileError])
def test_every_error_is_of_the_family(error: type[Exception]) -> None:
    """Whoever calls `policies` catches one error and has them all."""
    assert issubclass(error, PolicyError)


def test_a_refused_file_tells_every_fault_on_a_line_of_its_own() -> None:
    """Whoever mends a file wants all of its faults at once."""
    faults = tuple(
        Fault(file="rules.toml", line=line, where="rule[1]", message="is wrong", remedy="mend it")
        for line in (3, 9)
    )

    assert str(PolicyFileError(faults)).splitlines() == [
        "rules.toml:3: rule[1]: is wrong; mend it",
        "rules.toml:9: rule[1]: is wrong; mend it",
    ]

"""The compiled policy set that one worker decides by, swapped whole when another comes into force.

The host's register is read by it too: which bodies' vetting is accepted is part of the set.


The swap happens on the bulletin's thread, before the worker counts as current again: a request that
came after the announcement is decided by the new set or not at all. If the new set cannot be read
or compiled, the worker stays behind the bulletin and permits nothing. A function that is in doubt
(`gateway.front.oracle_watch`) is withheld by the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from gateway.bulletin import EVERYTHING, POLICY
from gateway.errors import StoreError
from policies.engine import Engine
from vetting.register import Register

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from gateway.policy_versions import PolicyVersion, PolicyVersions
    from policies.policy_files import PolicyFiles
    from vetting.person import PersonKey
    from vetting.register_reading import RegisteredPerson

_log = structlog.get_logger("policy")


class PolicyInForce:
    """Gives the engine in force; one a worker."""

    def __init__(self, versions: PolicyVersions) -> None:
        """Read and compile the set in force (blocks).

        Raises:
            StoreError: there is none, or it is not what was stored.
            PolicyError: it cannot be read.
        """
        self._versions = versions
        version, files = self._stored()
        self._compiled, self._register = _compiled(version, files)
        self._number = version.number
        self._withheld = versions.doubted(version.number)
        self._engine = self._compiled.withholding(self._withheld)

    def read(self, connection: Connection, person: PersonKey) -> RegisteredPerson:
        """Read what the register has of a person, as the set in force reads it."""
        return self._register.read(connection, person)

    def engine(self) -> Engine:
        """Give the engine; asked for anew by every request."""
        return self._engine

    def register(self) -> Register:
        """Give the host's register, as the set in force reads it; asked for anew each time."""
        return self._register

    @property
    def withheld(self) -> frozenset[str]:
        """The functions that are withheld here."""
        return self._withheld

    def doubt(self, engine: Engine, function: str, *, at: datetime) -> bool:
        """Withhold a function everywhere, unless another set is in force by now (blocks).

        Args:
            engine: the one whose answer is in doubt.
            function: what it was asked about.
            at: now.

        Returns:
            Whether it is withheld by this call.
        """
        number = self._number  # before the engine, so that it is never the number of a later one
        if engine is not self._engine:
            return False
        return self._versions.doubt(number, function, at=at)

    @property
    def number(self) -> int:
        """The number of the version in force here."""
        return self._number

    def apply(self, subjects: frozenset[str]) -> None:
        """Take over what came into force; a listener of the bulletin, on its thread."""
        if not subjects & {POLICY, EVERYTHING}:
            return
        version, files = self._stored()
        withheld = self._versions.doubted(version.number)
        if version.number != self._number:
            # The engine after the register: until the bulletin is read whole, nobody is decided on
            # here anyway.
            self._compiled, self._register = _compiled(version, files)
            _log.info("policy set in force", version=version.number, digest=self._compiled.digest)
        elif withheld == self._withheld:
            return
        self._withheld, self._engine = withheld, self._compiled.withholding(withheld)
        # Last: whoever doubts the engine reads it after the number, see `doubt`.
        self._number = version.number

    def _stored(self) -> tuple[PolicyVersion, PolicyFiles]:
        stored = self._versions.in_force()
        if stored is None:
            raise StoreError("policy: no set is in force; start the service with `gateway serve`")
        return stored


def _compiled(version: PolicyVersion, files: PolicyFiles) -> tuple[Engine, Register]:
    policy_set = files.load()
    if policy_set.digest != version.digest:
        raise StoreError(
            f"policy: version {version.number} means something else to this program; "
            "write it out with `gateway policy export`, look at it and apply it again"
        )
    register = Register(policy_set.levels, accepted=policy_set.accepted_bodies)
    return Engine.compile(policy_set), register

"""Puts the parts of second factors together: what is made before sign-in, and what needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway.front.factor_desk import FactorDesk
from gateway.front.factor_office import FactorOffice
from gateway.front.factor_record import FactorRecord
from gateway.given_purposes import GivenPurposes
from gateway.identity.factors.factor_reset import FactorResets
from gateway.identity.factors.factor_seal import FactorSeal
from gateway.identity.factors.factors import SecondFactors
from gateway.identity.factors.kept_forms import KeptForms
from gateway.identity.factors.security_key import RelyingParty
from gateway.identity.signing_in.stages import SignInStages
from gateway.step_up import StepUp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine

    from gateway.audit.recorder import Recorder
    from gateway.bulletin import Bulletin
    from gateway.identity.sessions.sessions import Sessions
    from gateway.identity.signing_in.sign_in import SignIn
    from gateway.keys import KeyRing
    from gateway.settings_sections import GatewaySection
    from gateway.throttle import RefusalThrottle


class State(Protocol):
    """What a worker keeps of the store."""

    @property
    def store(self) -> Engine:
        """The store."""

    @property
    def bulletin(self) -> Bulletin:
        """Rung when something has changed."""

    @property
    def sessions(self) -> Sessions:
        """The sessions."""


class FactorParts:
    """The parts of one worker.

    Attributes:
        seal: for what is secret.
        stages: sign-ins that owe a factor.
        forms: what waits for one.
        step_up: leads browsers to where one is shown.
        purposes: what people said they need functions for.
    """

    def __init__(
        self,
        gateway: GatewaySection,
        keys: KeyRing,
        state: State,
        recorder: Recorder,
        throttle: RefusalThrottle,
    ) -> None:
        """Make what needs no sign-in."""
        store = state.store
        self.seal = seal = FactorSeal(keys.second_factor_keys)
        self.stages = SignInStages(store, seal)
        self.forms = KeptForms(store, seal)
        self.step_up = StepUp(self.forms)
        self.purposes = GivenPurposes(store, seal)
        self._party = RelyingParty(origin=gateway.origin, name=gateway.service_name)
        self._factors = SecondFactors(store, seal, self._party)
        self._store, self._bulletin, self._sessions = store, state.bulletin, state.sessions
        self._record = FactorRecord(engine=store, recorder=recorder, throttle=throttle)

    def desk(self, sign_in: SignIn, clock: Callable[[], datetime]) -> FactorDesk:
        """Make the desk of people's own factors."""
        return FactorDesk(
            engine=self._store,
            bulletin=self._bulletin,
            factors=self._factors,
            forms=self.forms,
            stages=self.stages,
            sessions=self._sessions,
            sign_in=sign_in,
            record=self._record,
            service_name=self._party.name,
            clock=clock,
        )

    def office(self) -> FactorOffice:
        """Make the desk of security officers."""
        return FactorOffice(
            engine=self._store,
            factors=self._factors,
            resets=FactorResets(self._store),
            sessions=self._sessions,
            record=self._record,
        )

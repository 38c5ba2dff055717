"""The section about programs that ask for decisions (OpenID AuthZEN), each with its token."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, Strict, model_validator

from gateway.settings_sections import Identifier, Section


class DecisionClientSection(Section):
    """A program that may ask what the gate would decide."""

    id: Identifier
    """Write a short name for it, such as `rota-system`; it stands in the record."""
    token_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Write the SHA-256 of its token, as `openssl rand -hex 32 | tee token | tr -d '\\n' | sha256sum` does."""  # noqa: E501
    organisations: Annotated[tuple[Identifier, ...], Strict(strict=False), Field(min_length=1)]
    """Write the ids of the organisations about whose staff it may ask."""
    per_minute: int = Field(default=600, ge=1, le=600_000)
    """How many decisions it may ask of one worker in a minute; more is refused with 429. Of a search each function, action or person that is tried counts."""  # noqa: E501


class DecisionsSection(Section):
    """Decisions that other programs ask for, at `/-/access/v1/`."""

    clients: Annotated[
        tuple[DecisionClientSection, ...], Strict(strict=False), Field(alias="client")
    ] = ()
    """The programs that may ask, each as `[[decisions.client]]`; without one nothing is there."""

    @model_validator(mode="after")
    def _tell_apart(self) -> Self:
        """Refuse two with one name or one token: the record could not say who asked."""
        for values in zip(*((each.id, each.token_sha256) for each in self.clients), strict=True):
            if len(set(values)) != len(values):
                raise ValueError("gives two clients one id or one token; give each its own")
        return self

"""The step of `gateway check` that looks at what other proxies ask about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli.finding import WARNING, Finding
from policies.decision import Effect
from policies.function import GATEWAY_SYSTEM
from policies.obligations import MASK_BIT, WATERMARK_BIT, Obligations
from vetting.toml_source import TomlSource

if TYPE_CHECKING:
    from gateway.settings import Settings
    from policies.function import Function
    from policies.policy_set import PolicySet

_NAMED = 6  # functions; of the others it is said how many there are


def proxies(settings: Settings, policy_set: PolicySet, config: Path) -> Iterator[Finding]:
    """Name the functions that other proxies are refused, as something is owed to their answers."""
    owed = {
        function.id: what
        for function in policy_set.catalogue.functions.values()
        if (what := _owed(function, policy_set))
    }
    if not settings.front_proxies or not owed:
        return
    named = [f"`{name}` ({what})" for name, what in sorted(owed.items())]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    message = (
        f"front_proxy: other proxies are refused {', '.join(named[:_NAMED])}{more}: the gateway "
        "does not see what is answered there; route the paths of these functions to the gateway"
    )
    line = TomlSource.read(config).line("front_proxy", 0)
    yield Finding(severity=WARNING, step="proxies", file=str(config), line=line, message=message)


def _owed(function: Function, policy_set: PolicySet) -> str:
    """Say what is owed to a function's answers; empty for nothing."""
    if function.system == GATEWAY_SYSTEM:
        return ""
    if function.system in policy_set.catalogue.markings:
        return "marked"
    if function.menu is not None:
        return "menu"
    bits = Obligations.of_function(function.obligations).bits
    for rule in policy_set.rules:
        if rule.effect is Effect.PERMIT and function.id in rule.functions:
            bits |= rule.obligations.bits
    if bits & MASK_BIT:
        return "masked"
    return "watermark" if bits & WATERMARK_BIT else ""

"""`gateway check`: whether the service could start, and everything that is wrong if not.

The steps, each of which names all it finds: settings; policy set; keys; certificates; register;
record; that settings and policy set speak of the same organisations and systems; what other proxies
are refused; and that the compiled engine and Casbin, loaded with the same policy set, answer a
sample of questions alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.finding import FAULT, Finding
from gateway.cli.opening import config_option, current_instant, json_option
from gateway.errors import GatewayError, SettingsError
from vetting.errors import Fault, VettingError

if TYPE_CHECKING:
    from gateway.settings import Settings
    from policies.policy_set import PolicySet

Step = Callable[[], Iterator[Finding]]


@click.command()
@config_option
@click.option("--sample", default=2_000, show_default=True, help="Questions to ask Casbin as well.")
@json_option
def check(config: Path, sample: int, *, as_json: bool) -> None:
    """Check settings, policies, keys, register, certificates."""
    found = list(_all_findings(config, sample, quiet=as_json))
    faults = sum(finding.severity == FAULT for finding in found)
    if as_json:
        report = {"ok": faults == 0, "findings": [asdict(finding) for finding in found]}
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        warnings = len(found) - faults
        click.echo(f"{faults} fault(s), {warnings} warning(s)")
    if faults:
        raise click.exceptions.Exit(1)


def _all_findings(config: Path, sample: int, *, quiet: bool) -> Iterator[Finding]:
    from gateway.cli import check_entrance, check_proxies, check_servers, check_steps
    from gateway.settings import load_settings

    settings: Settings | None = None
    policy_set: PolicySet | None = None

    def read_settings() -> Iterator[Finding]:
        nonlocal settings
        try:
            settings = load_settings(config)
        except SettingsError as error:
            yield from map(_of_fault("settings"), error.faults)

    yield from _told("settings", read_settings, quiet=quiet)
    if settings is None:
        return
    opened = settings

    def read_policies() -> Iterator[Finding]:
        nonlocal policy_set
        from policies.errors import PolicyFileError
        from policies.policy_set import load_policy_set

        try:
            policy_set = load_policy_set(opened.policy.directory)
        except PolicyFileError as error:
            yield from map(_of_fault("policy set"), error.faults)
        else:
            yield from check_steps.policy_in_force(opened, policy_set)

    yield from _told("policy set", read_policies, quiet=quiet)
    at = current_instant()
    steps: list[tuple[str, Step]] = [
        ("keys", lambda: check_steps.keys(opened)),
        ("certificates", lambda: check_steps.certificates(opened, at)),
        ("own certificate", lambda: check_entrance.own_certificate(opened, at)),
        ("servers' certificates", lambda: check_servers.servers(opened, at)),
        ("directories", lambda: check_steps.directories(opened, config)),
        ("register", lambda: check_steps.register(opened)),
        ("record", lambda: check_steps.record(opened)),
    ]
    if policy_set is not None:
        known = policy_set
        steps += [
            ("organisations", lambda: check_steps.organisations(opened, known, config)),
            ("systems", lambda: check_steps.systems(opened, known, config)),
            ("zones", lambda: check_steps.zones(opened, known, config)),
            ("other proxies", lambda: check_proxies.proxies(opened, known, config)),
            ("agreement with Casbin", lambda: check_steps.oracle(known, sample, at)),
        ]
    for name, step in steps:
        yield from _told(name, step, quiet=quiet)


def _told(name: str, step: Step, *, quiet: bool) -> Iterator[Finding]:
    """Run a step, telling each finding as it is found and that the step is done."""
    clean = True
    try:
        for finding in step():
            clean = False
            if not quiet:
                _tell(finding)
            yield finding
    except (GatewayError, VettingError, OSError) as error:
        clean = False
        finding = Finding(severity=FAULT, step=name, file="", line=0, message=str(error))
        if not quiet:
            _tell(finding)
        yield finding
    if clean and not quiet:
        click.echo(f"{click.style('ok'.ljust(7), fg='green')} {name}")


def _tell(finding: Finding) -> None:
    colour = "red" if finding.severity == FAULT else "yellow"
    click.echo(f"{click.style(finding.severity.ljust(7), fg=colour)} {finding.message}")


def _of_fault(step: str) -> Callable[[Fault], Finding]:
    def finding(fault: Fault) -> Finding:
        return Finding(
            severity=FAULT, step=step, file=fault.file, line=fault.line, message=str(fault)
        )

    return finding

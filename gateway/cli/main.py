"""The command `gateway`: its list of commands, and how a refusal is told.

Rules it keeps:
1. A refusal is one line for each fault, saying what, where and what to do; never a traceback,
   unless `--traceback` asks for one to report a fault of the program.
2. Exit code 0: done; 1: refused or at fault; 2: the command line itself was wrong.
3. Answers go to standard output, everything else (progress, faults) to standard error.
"""

from __future__ import annotations

import sys

import click

from gateway.cli.lazy_group import LazyGroup
from gateway.errors import GatewayError, SettingsError

EXIT_REFUSED = 1
EXIT_INTERRUPTED = 130  # as shells report SIGINT

COMMANDS = {
    "serve": ("gateway.cli.serve:serve", "Serve the gateway."),
    "sequencer": ("gateway.cli.serve:sequencer", "Run the sequencer of the record."),
    "check": ("gateway.cli.check:check", "Check settings, policies, keys, register, certificates."),
    "explain": ("gateway.cli.explain:explain", "Explain what would be decided, with every reason."),
    "keys": ("gateway.cli.keys:keys", "Make, list and rotate keys."),
    "audit": ("gateway.cli.audit:audit", "Search, follow and verify the record."),
    "vetting": ("gateway.cli.vetting:vetting", "Show and change who is cleared to what."),
    "policy": ("gateway.cli.policy:policy", "Show and check policy sets."),
    "catalogue": (
        "gateway.cli.catalogue:catalogue",
        "Learn catalogue entries, and find what drifts apart.",
    ),
    "session": ("gateway.cli.session:session", "List and end sessions."),
    "account": (
        "gateway.cli.account:account",
        "Lift sign-in locks, and look after break-glass accounts.",
    ),
    "directory": (
        "gateway.cli.directory:directory",
        "Try the directories that staff sign in against.",
    ),
    "upstream": (
        "gateway.cli.upstream:upstream",
        "Show the systems of the back office, and drain their instances.",
    ),
    "schema": ("gateway.cli.schema:schema", "Print the JSON schema of the settings file."),
    "openapi": (
        "gateway.cli.openapi:openapi",
        "Print the OpenAPI document of what programs may call.",
    ),
    "completion": ("gateway.cli.completion:completion", "Print the completion script for a shell."),
}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    name="gateway",
)
@click.option(
    "--traceback", is_flag=True, help="On a fault of the program, show where it happened."
)
@click.version_option(package_name="vetted-gateway", prog_name="gateway")
@click.pass_context
def gateway(context: click.Context, *, traceback: bool) -> None:
    """Run and examine the access gateway."""
    context.obj = traceback


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit.

    Args:
        arguments: the words after the program's name; those of the process by default.
    """
    words = sys.argv[1:] if arguments is None else arguments
    sys.exit(run(words))


def run(words: list[str]) -> int:
    """Run a command and give its exit code; whatever is wrong is told on standard error."""
    try:
        # Of its own, click would end the process for some errors and raise for others.
        code = gateway.main(args=words, prog_name="gateway", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return EXIT_INTERRUPTED
    except SettingsError as error:
        _tell(error)
        click.echo(f"{len(error.faults)} fault(s) in the settings", err=True)
        return EXIT_REFUSED
    except BrokenPipeError:
        return EXIT_REFUSED  # the reader, such as `head`, has seen enough
    except Exception as error:  # the last resort: one line, not a traceback
        if "--traceback" in words and not _ours(error):
            raise
        _tell(error)
        return EXIT_REFUSED
    return code if isinstance(code, int) else 0


def _ours(error: Exception) -> bool:
    """Tell whether the error was raised on purpose and says what to do."""
    from policies.errors import PolicyError
    from vetting.errors import VettingError

    return isinstance(error, GatewayError | PolicyError | VettingError)


def _tell(error: Exception) -> None:
    if _ours(error):
        text = str(error)
    elif isinstance(error, OSError):
        text = f"{error.filename or 'system'}: {(error.strerror or str(error)).lower()}"
    else:
        text = (
            f"fault of the program: {type(error).__name__}: {error}; "
            "run `gateway --traceback ...` again and report what it shows"
        )
    click.echo(click.style("error: ", fg="red") + text, err=True)

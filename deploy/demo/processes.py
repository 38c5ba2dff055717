"""The processes of the demo: started, looked after, ended. None outlives the one that started it.

Each has a session of its own, so that Ctrl-C reaches the supervisor alone, which then ends them in
order; and each is told by the kernel to end should the supervisor be killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
TERM_SECONDS = 6.0  # the gateway lets requests run on for three
POLL_SECONDS = 0.02
MAX_RESTARTS = 5
RESTART_WINDOW_SECONDS = 60.0
TAIL_LINES = 15


@dataclass(slots=True, kw_only=True)
class Child:
    """One process that is to run as long as the demo does.

    Attributes:
        title: what people call it.
        command: with its arguments.
        log: file for what it says.
        folder: where it runs.
        environment: what it is told beside the environment of this process.
    """

    title: str
    command: list[str]
    log: Path
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None
    _restarts: deque[float] = field(default_factory=deque)

    def start(self) -> None:
        """Start it.

        INVARIANT: always from the same thread, for the kernel ties the end of a child to the end of
        the thread that started it.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        libc = ctypes.CDLL(None, use_errno=True)
        parent = os.getpid()

        def tie_to_parent() -> None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            if os.getppid() != parent:  # it ended in between
                os._exit(1)

        with self.log.open("ab") as said:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                start_new_session=True,
                preexec_fn=tie_to_parent,  # noqa: PLW1509 - started from one thread, before others
            )

    @property
    def pid(self) -> int:
        """Give its process id; 0 if it was never started."""
        return self._process.pid if self._process else 0

    @property
    def exit_code(self) -> int | None:
        """Give how it ended; None while it runs."""
        return self._process.poll() if self._process else None

    def may_restart(self) -> bool:
        """Tell whether to start it once more, and count it."""
        now = time.monotonic()
        while self._restarts and now - self._restarts[0] > RESTART_WINDOW_SECONDS:
            self._restarts.popleft()
        if len(self._restarts) >= MAX_RESTARTS:
            return False
        self._restarts.append(now)
        return True

    def ask_to_end(self) -> None:
        """Send TERM."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self) -> None:
        """Wait for it to end, then end whatever is left of its group."""
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(TERM_SECONDS)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def last_words(self) -> str:
        """Give the end of what it said."""
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        return "\n".join(f"    | {line}" for line in lines[-TAIL_LINES:])

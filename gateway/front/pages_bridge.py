"""From the event loop to the Flask pages and back.

The pages are a WSGI application that blocks, so it runs on a bounded pool of threads. What it is
given is built here from an allow-list: canonical target, a few header fields, and visit, session
and Grant as objects that no header can imitate.
"""

from __future__ import annotations

import io
import sys
from asyncio import get_running_loop, sleep
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from gateway.wire.answers import Answer, give

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import ThreadPoolExecutor

    from gateway.visit import Grant, Visit

_BODY_BYTES: Final = 64 * 1024  # our own forms hold a few short fields
_FIELDS: Final = {
    b"host": "HTTP_HOST",
    b"cookie": "HTTP_COOKIE",
    b"accept": "HTTP_ACCEPT",
    b"accept-encoding": "HTTP_ACCEPT_ENCODING",
    b"accept-language": "HTTP_ACCEPT_LANGUAGE",
    b"content-type": "CONTENT_TYPE",
    b"if-none-match": "HTTP_IF_NONE_MATCH",
    b"origin": "HTTP_ORIGIN",
    b"sec-fetch-site": "HTTP_SEC_FETCH_SITE",
    b"user-agent": "HTTP_USER_AGENT",
}
_TICKET_PATHS: Final = "/-/sign-in/kerberos/"
"""Below it, and nowhere else, a page is given `Authorization`, which may open other doors too."""
_NOT_VOUCHED_FOR: Final = 401  # what the pages answer to a wrong name, password or code
REFUSAL_SECONDS: Final = 0.25
"""The least time in which somebody is told that they were not recognised: longer than directories
take, too short for a person to mind."""
_OWN_FRAMING: Final = frozenset({"connection", "content-length", "transfer-encoding", "date"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PageResult:
    """What came of a page, for the record."""

    status: int
    code: str
    answered: bool


class PagesBridge:
    """Runs the pages of one worker."""

    def __init__(
        self,
        *,
        wsgi: Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]],
        threads: ThreadPoolExecutor,
        scheme: str,
    ) -> None:
        """Hold the application.

        Args:
            wsgi: the pages.
            threads: the pool they run on.
            scheme: `https` or `http`, as staff reach us.
        """
        self._wsgi = wsgi
        self._threads = threads
        self._scheme = scheme

    async def act(self, visit: Visit, grant: Grant | None) -> PageResult:
        """Show a page; one that needs a Grant refuses by itself to be shown without."""
        body = await visit.incoming.read_body(_BODY_BYTES)
        if body is None:
            incoming = visit.incoming
            status, code = incoming.failure if incoming.failed else (413, "form-too-large")
            return PageResult(status=status, code=code, answered=False)
        environ = self._environ(visit, grant, body)
        loop = get_running_loop()
        begun = loop.time()
        answer = await loop.run_in_executor(self._threads, self._run, environ)
        if answer.status == _NOT_VOUCHED_FOR and not _takes_tickets(visit):
            # No thread waits, and nobody learns from the time what was wrong, such as a name that
            # a directory refuses sooner than a password it has to hash.
            await sleep(begun + REFUSAL_SECONDS - loop.time())
        give(answer, visit.incoming, visit.client)
        code = "" if answer.status < 500 else "page-failed"  # noqa: PLR2004
        return PageResult(status=answer.status, code=code, answered=True)

    def _environ(self, visit: Visit, grant: Grant | None, body: bytes) -> dict[str, Any]:
        target = visit.target
        if target is None:
            raise ValueError("pages: a visit without a target")
        head = visit.incoming.head
        environ: dict[str, Any] = {
            "REQUEST_METHOD": head.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(target.path).decode("latin-1"),
            "QUERY_STRING": target.sent.partition(b"?")[2].decode("ascii"),
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "gateway",
            "SERVER_PORT": "0",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": visit.ip,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": self._scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "gateway.visit": visit,
            "gateway.session": visit.live,
            "gateway.grant": grant,
            "gateway.host": "" if target.host is None else target.host.system,
        }
        for name, key in _FIELDS.items():
            value = head.headers.get(name)
            if value is not None:
                environ[key] = value.decode("latin-1")
        if _takes_tickets(visit) and b"authorization" in head.headers:
            environ["HTTP_AUTHORIZATION"] = head.headers[b"authorization"].decode("latin-1")
        return environ

    def _run(self, environ: dict[str, Any]) -> Answer:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _: object = None
        ) -> Callable[[bytes], None]:
            started.append((status, headers))
            return lambda _: None

        chunks = self._wsgi(environ, start_response)
        try:
            body = b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        status, headers = started[-1]
        return Answer(
            status=int(status[:3]),
            fields=tuple(
                (name.encode("latin-1"), value.encode("latin-1"))
                for name, value in headers
                if name.lower() not in _OWN_FRAMING
            ),
            body=body,
        )


def _takes_tickets(visit: Visit) -> bool:
    """Tell whether a page judges tickets; its 401 asks for one and says nothing of anybody."""
    return visit.target is not None and visit.target.path.startswith(_TICKET_PATHS)

"""The exchange of a request whose answer nobody has to look at: most of them.

It knows a way of its own for a plain answer to a request without a body; all else it does as any
exchange. An exchange that looks at answers must not be one of these: what is plain is passed on
without its fields ever being read one by one.
"""

from typing import Final

from typing_extensions import override

from gateway.backoffice.forward import Exchange, Forwarded
from gateway.backoffice.headers import OURS, request_head
from gateway.backoffice.plain_answer import PlainAnswer
from gateway.backoffice.transport import UpstreamConnection
from gateway.wire.promise import promise

_DONE: Final = {status: Forwarded(status, "", answered=True) for status in range(200, 600)}


class PlainExchange(Exchange):
    """One request and its answer, passed on as it comes."""

    @override
    def start(self, upstream: UpstreamConnection, host: bytes) -> None:
        """Send the request on `upstream`; the body follows as it comes."""
        incoming = self._incoming
        head = incoming.head
        if head.body_length or head.method == "HEAD":
            super().start(upstream, host)
        else:
            asked = request_head(
                head=head,
                target=self._outbound.target,
                host=host,
                told=self._outbound.told,
                reference=self._visit.reference,
            )
            self._upstream = upstream
            incoming.on_gone = self._client_gone
            upstream.begin(asked, self, head_only=False, complete=True, plain=self)

    def on_plain(self, answer: PlainAnswer, data: bytes, *, whole: bool) -> None:
        """Write the head to the client, and what there is of the body with it."""
        incoming, client = self._incoming, self._client
        status, opening, framing, body_at, _ = answer
        self.keep_open, connection = promise(incoming, client)
        # As `response_head` writes it, and the body without a copy of its own.
        said = b"".join(
            (
                opening,
                OURS[self._outbound.resource],
                self._visit.reference.encode("ascii"),
                framing,
                connection,
                b"\r\n",
                memoryview(data)[body_at:],
            )
        )
        if whole:
            # The connection serves others from here on: nothing of ours may touch it any more.
            self._upstream = incoming.on_gone = None
            client.send(said)
            done = self.done
            if not done.done():
                done.set_result(_DONE[status])
            return
        self._status = status
        self._keep_pace()
        self._pieces.append(said)
        self.on_read()

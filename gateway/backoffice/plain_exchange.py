"""The exchange of a request whose answer nobody has to look at: most of them.

It knows a way of its own for a plain answer to a request without a body; all else it does as any
exchange. An exchange that looks at answers must not be one of these: what is plain is passed on
without its fields ever being read one by one.
"""

from typing import Final

from typing_extensions import override

from gateway.backoffice.forward import Exchange, Forwarded
from gateway.backoffice.headers import response_head
from gateway.backoffice.plain_answer import PlainAnswer
from gateway.backoffice.transport import UpstreamConnection

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
            asked = self._request_head(head, host)
            self._upstream = upstream
            incoming.on_gone = self._client_gone
            upstream.begin(asked, self, head_only=False, complete=True, plain=self)

    def on_plain(self, answer: PlainAnswer, data: bytes, *, whole: bool) -> None:
        """Write the head to the client, and what there is of the body with it."""
        incoming, client = self._incoming, self._client
        status, fields, length, body_at = answer
        self.keep_open = keep_open = client.keeps_open(incoming)
        head = response_head(
            status=status,
            fields=fields,
            framing=b"Content-Length: %d\r\n" % length,
            connection=incoming.connection_field(keep_open=keep_open),
            location=None,
            reference=self._visit.reference,
            resource=self._outbound.resource,
        )
        if whole:
            # The connection serves others from here on: nothing of ours may touch it any more.
            self._upstream = incoming.on_gone = None
            client.send(b"".join((head, memoryview(data)[body_at:])))
            done = self.done
            if not done.done():
                done.set_result(_DONE[status])
            return
        self._status = status
        self._keep_pace()
        self._pieces.append(head)
        if body_at < len(data):
            self._pieces.append(data[body_at:])
        self.on_read()

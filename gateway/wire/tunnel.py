"""Two connections coupled byte for byte after an upgrade, until one of them ends or we end both.

Nothing here reads what passes, and neither connection ever serves anything else. Rules:

- Each side is read only as fast as the other takes it: a full buffer pauses the other's reading.
- What nobody says anything on for a while ends; so does one whose reader takes nothing.
- A cut is at once: the system's side is aborted, what the client has not taken is not sent any
  more. Where the client stands between two frames it is told why (a close frame), else the
  connection just ends.
"""

import asyncio
from typing import Final, cast

from gateway.wire.closing import end_writing
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from gateway.wire.websocket_frames import GOING_AWAY, POLICY_VIOLATION, FrameBounds, close_frame

BY_CLIENT: Final = "client-closed"
BY_SYSTEM: Final = "system-closed"
UNUSED: Final = "stream-unused"
LEAVING: Final = "going-away"
"""Why it ended, beside the codes of whoever cut it."""

_LAST_SECONDS: Final = 0.5  # for the other side to take what is left, or to answer a close frame


class Tunnel:
    """One client's connection and one of the system's."""

    def __init__(self, client: Connection, incoming: Incoming, *, idle_seconds: float) -> None:
        """Hold the client's side.

        Args:
            client: its connection.
            incoming: the request that was upgraded; bytes are counted there, and failing it cuts.
            idle_seconds: how long neither side may say anything.
        """
        self._loop = client.loop
        self.ended: asyncio.Future[str] = self._loop.create_future()
        self._why = ""  # once it is over
        self._client = client
        self._incoming = incoming
        self._idle_seconds = idle_seconds
        self._near: asyncio.Transport | None = None
        self._far: asyncio.Transport
        self._said = FrameBounds()  # by the client
        self._told = FrameBounds()  # to it
        self._first = ""  # who said first that it ends
        self._used = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, answer: bytes, system: asyncio.Transport, rest: bytes) -> None:
        """Answer the client, and couple.

        Args:
            answer: the head that switches protocols.
            system: the system's side, reading paused.
            rest: what it has said already.
        """
        self._far = system
        system.set_protocol(_SystemEnd(self))
        near = _ClientEnd(self)
        self._client.hand_over(near)
        self._near = near.transport
        self._client.resume_body()
        if self._near is None or self._near.is_closing() or self._incoming.failed:
            self.cut()
            return
        self._incoming.on_gone = self.cut
        self._client.send(answer)
        if rest:
            self.from_system(rest)
        self._watch()
        if not system.is_closing():
            system.resume_reading()

    # ---- what passes ------------------------------------------------------------------------

    def from_client(self, data: bytes) -> None:
        """Pass on what the client says."""
        if not self._why:
            self._used = self._loop.time()
            self._incoming.received_bytes += len(data)
            self._said.follow(data)
            if self._said.closed:
                self._first = self._first or BY_CLIENT
            self._far.write(data)

    def from_system(self, data: bytes) -> None:
        """Pass on what the system says."""
        if not self._why:
            self._used = self._loop.time()
            self._told.follow(data)
            if self._told.closed:
                self._first = self._first or BY_SYSTEM
            self._client.send(data)

    def hold(self, *, client: bool) -> None:
        """Read one side no further until the other has caught up."""
        side = self._near if client else self._far
        if side is not None and not side.is_closing():
            side.pause_reading()

    def release(self, *, client: bool) -> None:
        """Read it on."""
        side = self._near if client else self._far
        if side is not None and not side.is_closing():
            side.resume_reading()

    # ---- the end ----------------------------------------------------------------------------

    def client_lost(self, exc: Exception | None) -> None:
        """End the system's side when it has taken what the client said last."""
        if self._stop(self._first or BY_CLIENT):
            self._far.close()
            self._loop.call_later(_LAST_SECONDS, self._far.abort)
        self._settle()
        self._client.connection_lost(exc)

    def system_lost(self) -> None:
        """End the client's side when it has taken what the system said last."""
        if self._stop(self._first or BY_SYSTEM):
            self._client.close()
            self._settle()

    def cut(self) -> None:
        """End both at once, for the reason that the request failed for."""
        code = self._incoming.failure[1]
        if self._stop(code):
            self._end_at_once(GOING_AWAY if code == LEAVING else POLICY_VIOLATION)

    def _watch(self) -> None:
        """End it when nobody has used it for too long."""
        left = self._used + self._idle_seconds - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._watch)
        elif self._stop(UNUSED):
            self._end_at_once(GOING_AWAY)

    def _end_at_once(self, code: int) -> None:
        self._far.abort()
        near = self._near
        if near is None or near.is_closing():
            self._settle()
        elif self._told.between and not near.get_write_buffer_size():
            if not self._told.closed:
                near.write(close_frame(code))
            end_writing(near)
            near.resume_reading()  # the client's own close frame, so that no reset eats ours
            self._timer = self._loop.call_later(_LAST_SECONDS, self._leave)
        else:
            self._client.abort()

    def _leave(self) -> None:
        """Wait no longer for the client to answer."""
        self._client.close()
        self._settle()

    def _stop(self, code: str) -> bool:
        """Pass nothing on any more; False where it was over before."""
        if self._why:
            return False
        self._why = code
        if self._timer is not None:
            self._timer.cancel()
        self._incoming.on_gone = None
        return True

    def _settle(self) -> None:
        """Tell why it ended, now that the client's side is settled too."""
        if self._timer is not None:
            self._timer.cancel()
        if not self.ended.done():
            self.ended.set_result(self._why)


class _ClientEnd(asyncio.Protocol):
    """What the client's transport tells."""

    transport: asyncio.Transport | None = None

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        self._tunnel.from_client(data)

    def pause_writing(self) -> None:
        """The client reads slowly."""
        self._tunnel.hold(client=False)

    def resume_writing(self) -> None:
        """It caught up."""
        self._tunnel.release(client=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._tunnel.client_lost(exc)


class _SystemEnd(asyncio.Protocol):
    """What the system's transport tells."""

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        self._tunnel.from_system(data)

    def pause_writing(self) -> None:
        """The system reads slowly."""
        self._tunnel.hold(client=True)

    def resume_writing(self) -> None:
        """It caught up."""
        self._tunnel.release(client=True)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """It is gone."""
        self._tunnel.system_lost()

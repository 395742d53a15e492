"""Connections that never say what they want are closed: the server's own protocol waits for them for ever."""

from __future__ import annotations

import asyncio
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS: Final = 20.0


class Patient(H11Protocol):
    """HTTP/1.1 that waits a while for the head of a request, and then closes the connection (a slow client's attack).

    Time runs while the head is incomplete: from the connection on, and from the first byte of every later request.
    Between two requests uvicorn's own keep-alive time holds.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected: its first request is due."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Bytes came: a whole head ends the wait, a part of one begins it."""
        super().data_received(data)
        is_waiting = self.conn.their_state is h11.IDLE and self.transport.get_protocol() is self
        if not is_waiting:
            self._forget()
        elif self._deadline is None and self.timeout_keep_alive_task is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone: nothing is due."""
        self._forget()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

"""Connections (RFC 7766, RFC 9210). In: readable and writable TCP sockets. Out: answers, in the order of the queries.

The one rule: whatever a client does, it holds a bounded amount of memory for a bounded time. A connection that has not
had an answer, or taken some of one, for `idle_s` is closed; queries that come in pieces must be whole by then.
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections import Counter, OrderedDict
from contextlib import suppress

from mipdns.config import Serve
from mipdns.server.answering import Answering
from mipdns.server.sockets import Listener

MESSAGES_A_TURN = 64
ACCEPTS_A_TURN = 64
OUTBOX_BYTES = 64 << 10
PAUSE_S = 0.25
_RECEIVE_BYTES = 16 << 10
_LENGTH_BYTES = 2
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Connection:
    """One client's connection: what it sent and was not yet read, what it shall get and was not yet sent."""

    __slots__ = ("address", "client", "deadline", "ended", "events", "inbox", "outbox", "socket")

    def __init__(self, connected: socket.socket, address: bytes, deadline: float) -> None:
        self.socket = connected
        self.address = address
        # An IPv6 customer has a whole /64, so that is who is limited.
        self.client = address[:8] if len(address) == 16 else address
        self.deadline = deadline
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.ended = False
        self.events = 0

    def has_message(self) -> bool:
        """Whether a whole message waits in the inbox."""
        inbox = self.inbox
        return len(inbox) >= _LENGTH_BYTES and len(inbox) >= _LENGTH_BYTES + (inbox[0] << 8 | inbox[1])

    def take_message(self) -> bytes:
        """The first whole message, without its length (RFC 1035 §4.2.2)."""
        end = _LENGTH_BYTES + (self.inbox[0] << 8 | self.inbox[1])
        message = bytes(self.inbox[_LENGTH_BYTES:end])
        del self.inbox[:end]
        return message


class TcpService:
    """All connections of all listeners, within the limits that `[serve]` sets."""

    def __init__(self, selector: selectors.BaseSelector, answering: Answering, limits: Serve) -> None:
        self._selector = selector
        self._answering = answering
        self._counters = answering.counters
        self._limit = limits.tcp_connections
        self._per_client = limits.tcp_per_client
        self._idle_s = limits.tcp_idle_s
        self._by_client: Counter[bytes] = Counter()
        # Every deadline lies the same time after its renewal, so the order of renewal is the order of deadlines.
        self._connections: OrderedDict[Connection, None] = OrderedDict()
        self._unfinished: set[Connection] = set()
        self._paused: list[Listener] = []
        self._pause_until = 0.0

    def listen(self, listener: Listener) -> None:
        """Accept connections on a listener from now on."""
        self._selector.register(listener.tcp, selectors.EVENT_READ, lambda _: self._accept(listener))

    def stop_listening(self, listener: Listener) -> None:
        """Turn newcomers away from now on."""
        if listener in self._paused:
            self._paused.remove(listener)
        else:
            self._selector.unregister(listener.tcp)
        listener.tcp.close()

    def wait_s(self) -> float | None:
        """How long the loop may sleep: until the next deadline, not at all while messages wait, None for ever."""
        if self._unfinished:
            return 0.0
        moments = [next(iter(self._connections)).deadline] if self._connections else []
        if self._paused:
            moments.append(self._pause_until)
        return max(min(moments) - time.monotonic(), 0.0) if moments else None

    def turn(self) -> None:
        """Once a turn of the loop: go on with what had to wait, and close what has waited too long."""
        for connection in list(self._unfinished):
            self._advance(connection)
        now = time.monotonic()
        while self._connections and (oldest := next(iter(self._connections))).deadline <= now:
            self._counters.tcp_timed_out += 1
            self._close(oldest)
        if self._paused and self._pause_until <= now:
            for listener in self._paused:
                self.listen(listener)
            self._paused.clear()

    def finish(self, grace_s: float) -> None:
        """Answer the whole messages at hand, hand out what is answered, and close, all within `grace_s`.

        Nobody may be listening any more; whatever else the selector holds is served as well.
        """
        until = time.monotonic() + grace_s
        for connection in list(self._connections):
            connection.ended = True
            self._advance(connection)
        while self._connections and (left := until - time.monotonic()) > 0:
            for key, events in self._selector.select(0.0 if self._unfinished else left):
                key.data(events)
            for connection in list(self._unfinished):
                self._advance(connection)
        for connection in list(self._connections):
            self._close(connection)

    def _accept(self, listener: Listener) -> None:
        for _ in range(ACCEPTS_A_TURN):
            try:
                connected, peer = listener.tcp.accept()
            except BlockingIOError:
                return
            except OSError as fault:
                if fault.errno in _NO_ROOM:
                    self._out_of_room(listener)
                    return
                continue  # the client went away before it was accepted (accept(2))
            self._admit(connected, socket.inet_pton(listener.tcp.family, peer[0]))

    def _admit(self, connected: socket.socket, address: bytes) -> None:
        """Take a connection in, at the cost of the one that has been quiet longest if there are too many."""
        connection = Connection(connected, address, time.monotonic() + self._idle_s)
        full = len(self._connections) >= self._limit
        if self._by_client[connection.client] >= self._per_client or (full and not self._evict()):
            self._counters.tcp_refused += 1
            connected.close()
            return
        connected.setblocking(False)
        with suppress(OSError):  # the client may be gone already; reading tells
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._counters.tcp_accepted += 1
        self._counters.tcp_open += 1
        self._by_client[connection.client] += 1
        self._connections[connection] = None
        self._watch(connection)

    def _evict(self) -> bool:
        """Close the connection that has been without an answer longest and is owed none. False if each is owed one."""
        for connection in self._connections:
            if not connection.outbox and connection not in self._unfinished:
                self._counters.tcp_evicted += 1
                self._close(connection)
                return True
        return False

    def _out_of_room(self, listener: Listener) -> None:
        """The system has no descriptor or memory for one more: make room if we can, and look again a little later."""
        self._evict()
        self._selector.unregister(listener.tcp)
        self._paused.append(listener)
        self._pause_until = time.monotonic() + PAUSE_S

    def _ready(self, connection: Connection, events: int) -> None:
        if not connection.events:
            return  # closed earlier in this turn, to make room
        if events & selectors.EVENT_READ and connection.events & selectors.EVENT_READ:
            try:
                received = connection.socket.recv(_RECEIVE_BYTES)
            except BlockingIOError:
                return
            except OSError:
                self._close(connection)
                return
            connection.ended = not received
            connection.inbox += received
        self._advance(connection)

    def _advance(self, connection: Connection) -> None:
        """Answer what is whole, hand out what the client takes, and decide what to wait for next."""
        self._answer(connection)
        if not self._flush(connection):
            self._close(connection)
            return
        if connection.has_message():
            # Over its share of this turn, or slow to take its answers; only the first needs no event to go on.
            if len(connection.outbox) < OUTBOX_BYTES:
                self._unfinished.add(connection)
            else:
                self._unfinished.discard(connection)
        else:
            self._unfinished.discard(connection)
            if connection.ended and not connection.outbox:
                self._close(connection)
                return
        self._watch(connection)

    def _answer(self, connection: Connection) -> None:
        content, now = self._answering.content, int(time.time())
        for _ in range(MESSAGES_A_TURN):
            if len(connection.outbox) >= OUTBOX_BYTES or not connection.has_message():
                return
            answer = self._answering.tcp(connection.take_message(), connection.address, now, content)
            if answer is not None:
                connection.outbox += len(answer).to_bytes(_LENGTH_BYTES, "big") + answer

    def _flush(self, connection: Connection) -> bool:
        """Send what the client takes. False if it is gone."""
        if not connection.outbox:
            return True
        try:
            sent = connection.socket.send(connection.outbox)
        except BlockingIOError:
            return True
        except OSError:
            return False
        del connection.outbox[:sent]
        connection.deadline = time.monotonic() + self._idle_s
        self._connections.move_to_end(connection)
        return True

    def _watch(self, connection: Connection) -> None:
        """Tell the selector what to wake us for: more queries if there is room, room if there are answers."""
        events = selectors.EVENT_WRITE if connection.outbox else 0
        if not connection.ended and not connection.has_message() and len(connection.outbox) < OUTBOX_BYTES:
            events |= selectors.EVENT_READ
        if events == connection.events:
            return
        if not events:
            self._selector.unregister(connection.socket)
        elif not connection.events:
            self._selector.register(connection.socket, events, lambda ready: self._ready(connection, ready))
        else:
            self._selector.modify(connection.socket, events, lambda ready: self._ready(connection, ready))
        connection.events = events

    def _close(self, connection: Connection) -> None:
        if connection.events:
            self._selector.unregister(connection.socket)
            connection.events = 0
        self._unfinished.discard(connection)
        del self._connections[connection]
        self._by_client[connection.client] -= 1
        if not self._by_client[connection.client]:
            del self._by_client[connection.client]
        self._counters.tcp_open -= 1
        connection.socket.close()

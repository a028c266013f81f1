"""Datagrams, answered by the native form. In: the listeners' UDP sockets. Out: a thread for each, without the GIL, and
one more for what they hand over to Python.

The one rule: nothing here can slow the native loops. They wait for no lock and no queue; what they hand over is
answered by one thread of low priority that takes a quarter of a core at most, and what is too much for it is dropped
and counted.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Sequence

from mipdns.native._native import Served, UdpGroup, UdpWorker
from mipdns.server.answering import Answering
from mipdns.server.content import Content
from mipdns.server.sockets import Listener

_log = logging.getLogger("mipdns.server")

RARE_NICENESS = 10
RARE_SHARE = 0.25
RARE_A_TURN = 32


class NativeUdp:
    """All native loops of a server. What they answer from follows `answering`, whoever replaces its content."""

    def __init__(self, listeners: Sequence[Listener], answering: Answering) -> None:
        self._answering = answering
        self._group = UdpGroup(_served(answering.content))
        self._workers: list[UdpWorker] = []
        self._threads: list[threading.Thread] = []
        for listener in listeners:
            for udp in listener.udp_sockets:
                udp.setblocking(True)
                worker = UdpWorker(self._group, udp, listener.wildcard)
                self._workers.append(worker)
                self._threads.append(
                    threading.Thread(target=self._run, args=(worker,), name=f"udp {listener}", daemon=True)
                )
        self._rare = threading.Thread(target=self._answer_rare, name="udp rare", daemon=True)
        self._stopping = False
        answering.followers.append(self._follow)
        answering.counters.loops.extend(worker.counters for worker in self._workers)

    def __str__(self) -> str:
        return f"{len(self._workers)} native threads"

    def start(self) -> None:
        """Answer from now on."""
        for thread in (*self._threads, self._rare):
            thread.start()

    def finish(self, grace_s: float) -> None:
        """Answer what has arrived, and end every thread, within `grace_s`. Once more does nothing."""
        until = time.monotonic() + grace_s
        for worker in self._workers:
            worker.stop()
        for thread in self._threads:
            _join(thread, until)
        self._stopping = True
        self._group.wake()
        _join(self._rare, until)

    def _follow(self, content: Content) -> None:
        """Serve this from the next batch on; when it returns, no loop reads the old one any more."""
        self._group.replace(_served(content))

    def _run(self, worker: UdpWorker) -> None:
        try:
            worker.run()
        except OSError as fault:
            self._answering.counters.internal_errors += 1
            _log.error("%s cannot go on: %s", threading.current_thread().name, fault)

    def _answer_rare(self) -> None:
        """Answer what the loops hand over, until `finish`, and then what is left."""
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), RARE_NICENESS)
        while True:
            stopping = self._stopping  # read before the last look, so that nothing is left behind
            began = time.thread_time()
            if self._answer_some():
                if not stopping:
                    time.sleep((time.thread_time() - began) * (1 / RARE_SHARE - 1))
            elif stopping:
                return
            else:
                self._group.sleep()

    def _answer_some(self) -> bool:
        """A few rare packets of each loop, in their order. False if there was none."""
        answering, now = self._answering, int(time.time())
        content = answering.content
        found = False
        for worker in self._workers:
            for _ in range(RARE_A_TURN):
                rare = worker.oldest()
                if rare is None:
                    break
                found = True
                packet, address, under_load = rare
                answer = answering.udp(packet, address, now, content, under_load=under_load)
                if not worker.settle(answer):
                    answering.counters.udp_unsent += 1
        return found


def _served(content: Content) -> Served:
    return Served(content.zones, content.snapshot.buffer, content.secrets)


def _join(thread: threading.Thread, until: float) -> None:
    if thread.is_alive():
        thread.join(max(until - time.monotonic(), 0.0))

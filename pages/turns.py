"""One run of the script after the other.

Python runs one thread at a time. Runs that share it step by step all end late, and lose most to
the handing over; in turn the first is done at once and the last no later.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Turns that threads take, in the order in which they come.

    After ``lease_s`` a turn is over, whether the work is done or not: a run that takes long, over
    an export or a large dataset, holds nobody up.
    """

    def __init__(self, lease_s: float):
        self._lease_s = lease_s
        self._guard = threading.Lock()  # of the three below
        self._waiting: deque[threading.Event] = deque()
        self._holder: threading.Event | None = None
        self._until_s = 0.0
        self._mine = threading.local()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for a turn, and hold it for the block."""
        self._take()
        try:
            yield
        finally:
            self._give()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Let others go ahead for the block, which only waits, inside of a turn."""
        self._give()
        try:
            yield
        finally:
            self._take()

    def _take(self) -> None:
        turn = self._mine.turn = threading.Event()
        with self._guard:
            self._waiting.append(turn)
            if self._holder is None:
                self._call_next()
        while not turn.wait(self._until_s - time.monotonic()):
            with self._guard:
                if time.monotonic() >= self._until_s:
                    self._call_next()

    def _give(self) -> None:
        with self._guard:
            if self._holder is self._mine.turn:
                self._call_next()

    def _call_next(self) -> None:
        self._holder = self._waiting.popleft() if self._waiting else None
        self._until_s = time.monotonic() + self._lease_s
        if self._holder is not None:
            self._holder.set()


runs = Turns(lease_s=0.25)

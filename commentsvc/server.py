"""Run granian. Only its workers load the application, so that the listening process stays small."""

import ctypes
import gc
import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from commentsvc.telemetry import Counter  # whose memory must be there before workers are forked

# Measured with slow clients: with fewer threads or a shorter queue, a few of them block every reader. Threads are
# created on demand; at most three quarters of them wait for bodies (``web/bodies.py``).
BLOCKING_THREADS = 512
BACKPRESSURE = 20_000
BACKLOG = 20_000
HEADER_TIMEOUT = 10_000  # milliseconds
STOP_TIMEOUT = 10  # seconds for requests under way when stopping, and then for jobs
M_ARENA_MAX = -8  # mallopt(3), glibc
HEAPS = 2
MIN_OVERLAP = 10.0  # seconds
BETWEEN_LOOKS = 0.1  # seconds
LOADS_LATER = 4  # times the average time of loading
TARGET = "commentsvc.app:create_serving_app"


_loads = Counter(["count", "seconds"])
_lifeline: tuple[int, int] | None = None  # a pipe whose writing end the listening process alone holds


class _Server(Granian):  # type: ignore[misc, valid-type]
    """A server that reloads only if ``may_reload()`` allows it; else its workers keep running. Without, SIGHUP ends it.

    It ends at once while it reloads, too, where granian would first wait until each new worker has taken over.
    """

    may_reload: Callable[[], bool] | None
    wrks: list[Any]
    respawned_wrks: dict[int, float]

    def signal_handler_reload(self, *args: Any, **kwargs: Any) -> None:
        if self.may_reload is None:
            self.signal_handler_interrupt(*args, **kwargs)
        elif self.may_reload():
            super().signal_handler_reload(*args, **kwargs)

    def _respawn_workers(self, workers: list[int], target: Any, loader: Any, delay: float = 0) -> None:
        for number in workers:
            self.respawned_wrks[number] = time.monotonic()
            old, new = self.wrks[number], self._spawn_worker(number, target, loader)
            new.start()
            self.wrks[number] = new
            takes_over = time.monotonic() + delay
            while time.monotonic() < takes_over and not self.interrupt_signal:
                time.sleep(BETWEEN_LOOKS)
            if self.interrupt_signal:
                self.wrks.append(old)
                self.main_loop_interrupt.set()
                return
            current, self.wrks = self.wrks, [old]
            self._stop_workers()
            self.wrks = current


def listen(
    host: str, port: int, workers: int, target: str = TARGET, may_reload: Callable[[], bool] | None = None
) -> None:
    """Answer requests until stopped; ``target`` makes the application in each worker.

    SIGHUP reloads it where ``may_reload()`` allows; without that function it ends, as its terminal was closed.
    """
    global _lifeline
    _use_few_heaps()
    _allow_many_files()
    _lifeline = os.pipe()
    multiprocessing.set_start_method("fork", force=True)  # later Pythons would start workers that inherit nothing
    gc.disable()  # while the application is loaded, nothing is garbage; workers enable it again
    # The parent's handlers only set a flag. Until a worker has installed its own, a signal ends it.
    os.register_at_fork(after_in_child=_end_at_once)
    signal.signal(signal.SIGQUIT, lambda *_: signal.raise_signal(signal.SIGTERM))
    server = _Server(
        target,
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=BLOCKING_THREADS,
        backpressure=BACKPRESSURE,
        backlog=BACKLOG,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT),
        workers_kill_timeout=STOP_TIMEOUT,
        respawn_failed_workers=True,
        websockets=False,
        log_level=LogLevels.error,
    )
    server.may_reload = may_reload
    server.on_reload(lambda: setattr(server, "respawn_interval", _overlap()))
    server.serve(target_loader=_load)
    for one in (signal.SIGINT, signal.SIGTERM):  # a second one would end what follows
        signal.signal(one, signal.SIG_IGN)


def _load(target: str) -> Callable[..., Any]:
    """Load the application; granian's own loader would search the working directory first."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    began = time.monotonic()
    module, _, name = target.partition(":")
    application: Callable[..., Any] = getattr(import_module(module), name)()
    _loads.add("count")
    _loads.add("seconds", time.monotonic() - began)
    return application


def _end_with_parent() -> None:
    """End this worker once the process that started it is gone, even if it was killed; else two services would run."""
    if _lifeline is not None:
        reading, writing = _lifeline
        os.close(writing)
        os.read(reading, 1)  # returns when nobody holds the other end
        os.kill(os.getpid(), signal.SIGTERM)


def _overlap() -> float:
    """Return how many seconds old workers keep running after new ones start, until those surely answer."""
    so_far = _loads.values()
    return max(MIN_OVERLAP, LOADS_LATER * so_far["seconds"] / max(so_far["count"], 1))


def _end_at_once() -> None:
    os.setpgrp()  # Ctrl+C is for the parent, which ends its workers; a worker told twice at a time may never end
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_DFL)


def _allow_many_files() -> None:
    """Raise the limit of open files to what is allowed: a thousand silent connections must not stop the service."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _use_few_heaps() -> None:
    """Limit glibc to two heaps: one per thread would waste memory, as Python runs one thread at a time."""
    with suppress(AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)

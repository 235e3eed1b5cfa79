"""Convert records in worker processes ahead of writing: conversion is half of an import."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial

from commentsvc import settings
from commentsvc.settings import Settings
from commentsvc.transfer.conversion import Batch, Converter
from commentsvc.transfer.records import SourceComment

Convert = Callable[[list[SourceComment], bool], Callable[[], Batch]]

LOW_PRIORITY = 10  # readers and authors come first

_converter: Converter  # of a converting process


@contextmanager
def converting(converter: Converter, workers: int) -> Iterator[Convert]:
    """Yield a function that submits records to become rows, whole or not, and returns one that waits for them.

    The processes start at once: it takes a second until they can convert.
    """
    if not workers:
        yield lambda records, whole: lambda: converter.convert(records, whole=whole)
        return
    # Not forked: the import has connections open.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _init_worker, (settings.current(), converter))
    for _ in range(workers):
        pool.submit(os.getpid)

    def begin(records: list[SourceComment], whole: bool) -> Callable[[], Batch]:
        here = partial(converter.convert, records, whole=whole)
        try:
            begun = pool.submit(_convert, records, whole)
        except BrokenExecutor:
            return here
        return partial(_result, begun, here)

    try:
        yield begin
    finally:
        pool.shutdown(cancel_futures=True)


def _init_worker(config: Settings, converter: Converter) -> None:
    global _converter
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the import, which ends its workers
    os.nice(LOW_PRIORITY)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    settings.use(config)
    _converter = converter


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _convert(records: list[SourceComment], whole: bool) -> Batch:
    return _converter.convert(records, whole=whole)


def _result(begun: "Future[Batch]", here: Callable[[], Batch]) -> Batch:
    try:
        return begun.result()
    except BrokenExecutor:  # a worker was killed: convert in this process
        return here()

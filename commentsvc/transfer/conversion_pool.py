"""Convert records in worker processes ahead of writing: conversion is half of an import."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager

from commentsvc import settings
from commentsvc.settings import Settings
from commentsvc.transfer.conversion import Batch, Converter
from commentsvc.transfer.records import SourceComment

Convert = Callable[[list[SourceComment]], Callable[[], Batch]]

LOW_PRIORITY = 10  # readers and authors come first

_converter: Converter  # of a converting process


@contextmanager
def converting(converter: Converter, workers: int) -> Iterator[Convert]:
    """Yield a function that submits records, and returns one that waits for the result."""
    if not workers:
        yield lambda records: lambda: converter.convert(records)
        return
    # Not forked: the import has connections open.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _init_worker, (settings.current(), converter))

    def begin(records: list[SourceComment]) -> Callable[[], Batch]:
        try:
            begun = pool.submit(_convert, records)
        except BrokenExecutor:
            return lambda: converter.convert(records)
        return lambda: _result(begun, records)

    def _result(begun: "Future[Batch]", records: list[SourceComment]) -> Batch:
        try:
            return begun.result()
        except BrokenExecutor:  # a worker was killed: convert in this process
            return converter.convert(records)

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


def _convert(records: list[SourceComment]) -> Batch:
    return _converter.convert(records)

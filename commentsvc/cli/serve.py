"""``serve``: migrate, answer requests, work in the background, all from one command."""

import os
import socket

import click
from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from commentsvc import db, settings, worker
from commentsvc.settings import PREFIX

# Measured with slow clients: with fewer threads or a shorter queue a handful of them stalls every reader.
BLOCKING_THREADS = 256
BACKPRESSURE = 20_000
BACKLOG = 20_000
HEADER_PATIENCE = 10_000  # milliseconds


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen at.")
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes that answer requests."
)
@click.option("--no-worker", is_flag=True, help="Leave letters and pings to `commentsvc work`.")
def serve(host: str, port: int, workers: int, no_worker: bool) -> None:
    """Bring the database up to date, answer requests, send letters and verify pings."""
    reachable_at(host, port)
    config = settings.read(os.environ)
    settings.use(config)
    must_be_free(host, port)
    db.upgrade(config.database)
    _ = config.secret  # made once here, not by several processes at a time
    if no_worker:
        os.environ[worker.ELSEWHERE] = "1"
    click.echo(f"commentsvc answers at {config.base_url}")
    listen(host, port, workers)


def must_be_free(host: str, port: int, option: str = "--port") -> None:
    """Refuse a port somebody listens at: the server would share it, and readers would meet one or the other."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            reason = f"Port {port} of {host} cannot be used ({problem.strerror})"
            raise click.ClickException(f"{reason}; choose another with {option}.") from None


def reachable_at(host: str, port: int) -> None:
    """Take the listening address as ``BASE_URL`` where none is set."""
    name = "localhost" if host in ("127.0.0.1", "::1", "0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    os.environ.setdefault(f"{PREFIX}BASE_URL", f"http://{name}:{port}")


def listen(host: str, port: int, workers: int) -> None:
    """Answer requests until told to stop."""
    Granian(
        "commentsvc.app:create_serving_app",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=BLOCKING_THREADS,
        backpressure=BACKPRESSURE,
        backlog=BACKLOG,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_PATIENCE),
        respawn_failed_workers=True,
        websockets=False,
        log_level=LogLevels.error,
    ).serve()

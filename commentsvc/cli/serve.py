"""``serve``: upgrade the database, answer requests, run jobs."""

import os
import socket
import subprocess
import sys

import click

from commentsvc import schema, server, settings
from commentsvc.accounts import set_up_links
from commentsvc.cli import application
from commentsvc.settings import PREFIX

NEW_DATABASE = (
    "Warning: there was no database at {}, so a new, empty one is made, although {} is there from before. "
    "If comments are missing now: stop the service, correct COMMENTSVC_DATABASE_URL, or bring them back with "
    "`commentsvc restore`."
)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen at.")
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes that answer requests."
)
@click.option("--no-worker", is_flag=True, help="Leave emails and pings to `commentsvc work`.")
def serve(host: str, port: int, workers: int, no_worker: bool) -> None:
    """Bring the database up to date, answer requests, send emails and verify pings."""
    host = address_of(host, port)
    reachable_at(host, port)
    config = settings.read(os.environ)
    settings.use(config)
    must_be_free(host, port)
    if schema.is_file(config.database) and not schema.path_of(config.database).exists() and config.secret_file.exists():
        click.echo(NEW_DATABASE.format(schema.display_url(config.database), config.secret_file), err=True)
    if not schema.is_current(config.database):
        _migrate()
    schema.must_be_usable(config)
    _ = config.secret  # created once here, not by several processes at a time
    if no_worker:
        os.environ[settings.WORKER_ELSEWHERE] = "1"
    click.echo(f"commentsvc answers at {config.base_url}, and listens at {f'[{host}]' if ':' in host else host}:{port}")
    application.say_where()
    if not _has_owner(config):
        click.echo(f"Nobody can sign in yet. Become the owner, within a day, at {set_up_links.url()}")
    sys.stdout.flush()
    with schema.checkpointed(config.database):
        server.listen(host, port, workers, may_reload=_may_reload)


def _may_reload() -> bool:
    """Return whether new workers could start: with a mistake in the settings, all would end one after the other."""
    try:
        settings.read(os.environ)
    except settings.WrongSetting as wrong:
        click.echo(f"Not reloaded, the service goes on as it was: {wrong}", err=True)
        return False
    return True


def _has_owner(config: settings.Settings) -> bool:
    try:
        return schema.has_rows(config.database, "moderator", "removed_at IS NULL")
    except schema.NotAnswered:  # nobody should be invited by mistake
        return True


def _migrate() -> None:
    """Upgrade in another process, so that what it loads does not stay in memory here."""
    upgrade = [sys.executable, "-P", "-m", "commentsvc", "upgrade"]  # not from the working directory
    done = subprocess.run(upgrade, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise click.ClickException(done.stderr.strip())


def address_of(host: str, port: int) -> str:
    """Return the address that a name resolves to, to listen on."""
    try:
        return str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a name"
        raise click.ClickException(f"--host: {host} is no address of this machine ({reason}).") from None


def must_be_free(host: str, port: int, option: str = "--port") -> None:
    """Refuse a port that is in use: two servers would share it, and readers would reach either."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = f"Port {port} of {host} cannot be used ({error.strerror})"
            raise click.ClickException(f"{reason}; choose another with {option}.") from None


def reachable_at(host: str, port: int) -> None:
    """Use the listening address as ``BASE_URL`` if none is set."""
    name = "localhost" if host in ("127.0.0.1", "::1", "0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    if not settings.is_set(os.environ, "base_url"):
        os.environ[f"{PREFIX}BASE_URL"] = f"http://{f'[{name}]' if ':' in name else name}:{port}"

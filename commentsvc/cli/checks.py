"""The checks of ``doctor``. Each says what it found, or what to fix."""

import shutil
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from commentsvc import __version__, clock, i18n, mail, mailbox, read_only, safe_http, schema, settings, throttle
from commentsvc.backups import daily
from commentsvc.cli import reachability
from commentsvc.db import db
from commentsvc.linkbacks import page_check
from commentsvc.linkbacks.page_check import CheckFailed, Finding, Mark, OptionalMissing
from commentsvc.models.comment import Comment
from commentsvc.models.site import Site
from commentsvc.notifications import deliverability
from commentsvc.settings import WrongSetting

MAX_MAILS = 1000  # that are counted
SIGNS = {Mark.FINE: "✓", Mark.OPTIONAL: "–", Mark.WRONG: "✗"}
HOUR = timedelta(hours=1)
MIN_FREE = 1  # GB
MAX_LOG = 1  # GB
MAX_GAP = 5  # seconds between two clocks
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)


def of_service() -> Iterator[Finding]:
    """Run and print each check of the service."""
    for name, check in CHECKS:
        try:
            finding = Finding(name, Mark.FINE, page_check.just(check()))
        except CheckFailed as wrong:
            finding = wrong.found_by(name)
        yield _printed(finding)


def of_page(url: str, *, everything: bool) -> Iterator[Finding]:
    """Print whether comments work on an article's page, and what its checks found.

    Without ``everything``, optional parts for very old software are left out.
    """
    # Whoever is at a terminal of this machine may fetch any address; forms and scripts may not.
    fetch = safe_http.fetch_own if sys.stdout.isatty() else safe_http.fetch_itself
    try:
        found = page_check.check(fetch(url))
    except (safe_http.FetchFailed, safe_http.FetchRefused) as failure:
        found = [CheckFailed(page_check.UNREADABLE, url=url, why=str(failure)).found_by(page_check.PAGE)]
    wrong = sum(one.mark == Mark.WRONG for one in found)
    click.echo(f"\nComments work on {url}" if not wrong else f"\nComments may not work on {url}: {wrong} to fix")
    for finding in found:
        if everything or finding.name != page_check.RDF or finding.mark != Mark.OPTIONAL:
            yield _printed(finding)


def _printed(finding: Finding) -> Finding:
    code = f" {finding.code}" if finding.code else ""
    click.echo(f"{SIGNS[finding.mark]} {finding.name}: {i18n.reason(finding.said)}{code}")
    return finding


def _database() -> str:
    try:
        db.begin_write()
        db.session.add(Site(key="doctor-was-here", name="", origins=["https://doctor.invalid"]))
        db.session.flush()
    except read_only.ReadOnly:  # which another check reports
        return f"can be read ({db.engine.dialect.name})"
    except (SQLAlchemyError, OSError) as problem:
        message = getattr(problem, "orig", problem)
        raise CheckFailed(
            f"cannot be written to ({message}). Check COMMENTSVC_DATABASE_URL, rights and free space."
        ) from None
    finally:
        db.session.rollback()
    return f"can be written to ({db.engine.dialect.name})"


def _schema() -> str:
    if not schema.is_current(settings.current().database):
        raise CheckFailed("does not match this version. Run `commentsvc upgrade`, or restart the service.")
    return f"as version {__version__} needs it"


def _mail() -> str:
    if not settings.current().mail_url:
        raise CheckFailed("no server is set, so emails wait in the outbox. Set COMMENTSVC_MAIL_URL.")
    try:
        with mail.connect():
            return f"reachable, emails come from {settings.current().sender}"
    except mail.DeliveryFailed as failure:
        advice = " ".join(deliverability.hints(failure.answer, is_taken=False)) or "Check COMMENTSVC_MAIL_URL."
        raise CheckFailed(f"the server does not take emails ({failure.answer}). {advice}") from None


def _sender() -> str:
    if not settings.current().mail_url:
        raise OptionalMissing("not checked, as no mail server is set")
    if advice := deliverability.hints("", is_taken=True):
        raise OptionalMissing(" ".join(advice))
    return "nothing speaks against it"


def _mailbox() -> str:
    config = settings.current()
    if not config.mail_reply_to:
        raise OptionalMissing("none, so nobody can reply by email. Set COMMENTSVC_MAIL_REPLY_TO if you want that.")
    if not config.mail_inbox:
        return f"{config.mail_reply_to}, which the mail server pipes into `commentsvc receive`"
    try:
        with mailbox.connect() as folder:
            waiting = len(folder.unread(MAX_MAILS))
    except mailbox.MailboxError as problem:
        raise CheckFailed(f"cannot be read ({problem}). Check COMMENTSVC_MAIL_INBOX.") from None
    return f"{config.mail_reply_to} can be read, {waiting} mails unread"


def _secret() -> str:
    config = settings.current()
    if config.secret_key:
        return "set"
    try:
        schema.must_have_its_secret(config)
        _ = config.secret  # made now where there was none
    except WrongSetting as wrong:
        raise CheckFailed(str(wrong)) from None
    if stat.S_IMODE(config.secret_file.stat().st_mode) & 0o077:
        raise CheckFailed(f"others may read {config.secret_file}. Run: chmod 600 {config.secret_file}")
    return f"kept in {config.secret_file}, readable by its owner only"


def _limits() -> str:
    if not settings.current().redis_url:
        return "counted in each process"
    if not throttle.is_shared():
        raise CheckFailed("Redis does not answer, so each process counts for itself. Check COMMENTSVC_REDIS_URL.")
    return "shared through Redis"


def _clock() -> str:
    now = clock.now()
    try:
        newest = db.session.scalar(select(func.max(Comment.created_at)))
    except SQLAlchemyError:  # the database was checked above
        db.session.rollback()
        newest = None
    shown = f"{now:%Y-%m-%d %H:%M} UTC"
    if now < RELEASED:
        raise CheckFailed(f"it says {shown}, which is before this program was made. Set the clock.")
    if newest and newest > now + timedelta(minutes=5):
        raise CheckFailed(f"it says {shown}, but a comment was written later than that. Set the clock.")
    for whose, theirs in _other_clocks():
        if abs(gap := (now - theirs).total_seconds()) > MAX_GAP:
            much = f"{abs(gap):,.0f} seconds {'ahead of' if gap > 0 else 'behind'}"
            raise CheckFailed(f"it says {shown}, which is {much} {whose}. Let both follow a time server (NTP).")
    return shown


def _other_clocks() -> Iterator[tuple[str, datetime]]:
    if db.engine.dialect.name == "postgresql":
        try:
            yield "the database’s", db.session.execute(select(func.clock_timestamp())).scalar_one()
        except SQLAlchemyError:  # the database was checked above
            db.session.rollback()
    if (theirs := throttle.redis_time()) is not None:
        yield "Redis’", theirs


def _backups() -> str:
    status = daily.status()
    if status is None:
        raise OptionalMissing("no daily ones. Set COMMENTSVC_BACKUP_DIR, best to a folder on another disk.")
    said = f"the last checked one is {status.age // HOUR} hours old" if status.age else "none has been made so far"
    problem = f" ({status.problem})" if status.problem else ""
    if status.is_late:
        raise CheckFailed(f"{said}{problem}. Check that `commentsvc serve` or `work` runs, and its log.")
    return said


def _writing() -> str:
    if why := read_only.reason():
        raise OptionalMissing(f"read-only: {why} End that with `commentsvc read-only off`.")
    return "possible"


def _disk() -> str:
    config = settings.current()
    free = shutil.disk_usage(config.data_dir).free / 1e9
    said = f"{free:,.1f} GB free for {config.data_dir}"
    if free < MIN_FREE:
        raise CheckFailed(f"only {said}. Make room: without any, nothing can be saved.")
    if schema.is_file(config.database):
        place = schema.path_of(config.database)
        log = place.with_name(f"{place.name}-wal")
        size = log.stat().st_size / 1e9 if log.exists() else 0
        if size > MAX_LOG:
            raise CheckFailed(f"{said}, but {log} has grown to {size:.1f} GB. Restart the service.")
    return said


CHECKS = (
    ("Database", _database),
    ("Schema", _schema),
    ("Address", reachability.base_url),
    ("Proxy", reachability.proxy),
    ("Caches", reachability.caches),
    ("Purges", reachability.purges),
    ("Certificate", reachability.certificate),
    ("Mail", _mail),
    ("Sender", _sender),
    ("Mailbox", _mailbox),
    ("Secret", _secret),
    ("Limits", _limits),
    ("Clock", _clock),
    ("Writing", _writing),
    ("Disk", _disk),
    ("Backups", _backups),
)

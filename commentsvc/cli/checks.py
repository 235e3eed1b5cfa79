"""The checks of ``doctor``. Each says what it found, or what to fix, in the current language."""

import os
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from commentsvc import (
    __version__,
    clock,
    files,
    i18n,
    mail,
    mailbox,
    read_only,
    safe_http,
    schema,
    secret_mark,
    settings,
    settings_file,
    storage_errors,
    throttle,
)
from commentsvc.backups import daily, database_move
from commentsvc.backups.archive import BackupFailed
from commentsvc.cli import reachability
from commentsvc.db import db
from commentsvc.errors import N_, Explained
from commentsvc.i18n import gettext
from commentsvc.linkbacks import page_check
from commentsvc.linkbacks.page_check import CheckFailed, CheckResult, CheckStatus, OptionalMissing
from commentsvc.models.comment import Comment, State
from commentsvc.models.configuration import Configuration
from commentsvc.notifications import deliverability, outbox
from commentsvc.settings import Settings, WrongSetting

MAX_MAILS = 1000  # that are counted
SIGNS = {CheckStatus.FINE: "✓", CheckStatus.OPTIONAL: "–", CheckStatus.WRONG: "✗"}
HOUR = timedelta(hours=1)
MIN_FREE = 1_000_000_000  # bytes
MIN_ROOM = 1_000_000  # bytes, without which hardly anything can be saved
MAX_LOG = 1  # GB
MAX_WAIT = timedelta(hours=1)  # of an email that is due
MAX_GAP = 5  # seconds between two clocks
DATABASE_CLOCK = N_(
    "it says %(time)s and differs from the database’s by %(seconds)s seconds. "
    "Synchronize both with a time server (NTP)."
)
REDIS_CLOCK = N_(
    "it says %(time)s and differs from that of Redis by %(seconds)s seconds. Synchronize both with a time server (NTP)."
)
DAMAGED = N_("%(place)s is damaged (%(why)s). Restore the most recent intact backup.")
NO_DATABASE = N_("not checked, because the database cannot be used")
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)


def of_service() -> Iterator[CheckResult]:
    """Run the checks of the service one by one; print and yield each result."""
    for name, check in CHECKS:
        try:
            finding = CheckResult(name, CheckStatus.FINE, page_check.literal(check()))
        except CheckFailed as wrong:
            finding = wrong.found_by(name)
        except (SQLAlchemyError, _driver_error()):
            db.session.rollback()
            finding = OptionalMissing(NO_DATABASE).found_by(name)
        yield _printed(finding)


def of_page(url: str, *, everything: bool) -> Iterator[CheckResult]:
    """Print whether comments work on an article's page; print and yield what each check found.

    Without ``everything``, optional parts for very old software are left out.
    """
    # Whoever is at a terminal of this machine may fetch any address; forms and scripts may not.
    fetch = safe_http.fetch_unrestricted if sys.stdout.isatty() else safe_http.fetch_without_redirects
    try:
        found = page_check.check(fetch(url))
    except (safe_http.FetchFailed, safe_http.FetchRefused) as failure:
        found = [CheckFailed(page_check.UNREADABLE, url=url, why=str(failure)).found_by(page_check.PAGE)]
    wrong = sum(one.status == CheckStatus.WRONG for one in found)
    works, may_not = N_("Comments work on %(url)s"), N_("Comments may not work on %(url)s. Failed checks: %(wrong)s")
    click.echo(f"\n{gettext(may_not, url=url, wrong=wrong) if wrong else gettext(works, url=url)}")
    for finding in found:
        if everything or finding.name != page_check.RDF or finding.status != CheckStatus.OPTIONAL:
            yield _printed(finding)


def _printed(finding: CheckResult) -> CheckResult:
    code = f" {finding.code}" if finding.code else ""
    click.echo(f"{SIGNS[finding.status]} {gettext(finding.name)}: {i18n.reason(finding.reason)}{code}")
    return finding


def _failed(error: Explained) -> CheckFailed:
    return CheckFailed(error.sentence, **error.values)


def _of_driver(error: Exception) -> str:
    return str(getattr(error, "orig", error))


def _driver_error() -> type[Exception]:
    found: type[Exception] = db.engine.dialect.loaded_dbapi.Error
    return found


def _settings() -> str:
    if file := settings_file.find(os.environ):
        if settings.variables(os.environ):
            return gettext("from %(file)s, where COMMENTSVC_MAIL_URL is mail_url, and from the environment", file=file)
        return gettext("from %(file)s, where COMMENTSVC_MAIL_URL is mail_url", file=file)
    return gettext("from the environment; there is no %(file)s", file=settings_file.NAME)


def _database() -> str:
    try:
        db.begin_write()
        db.session.execute(update(Configuration).values(read_only=Configuration.read_only))  # which changes nothing
        db.session.commit()
        if db.engine.dialect.name == "sqlite" and (found := db.session.scalar(text("PRAGMA quick_check(1)"))) != "ok":
            raise CheckFailed(DAMAGED, place=schema.display_url(settings.current().database), why=str(found))
    except read_only.ReadOnly:  # which another check reports
        return gettext("can be read (%(kind)s)", kind=db.engine.dialect.name)
    except (SQLAlchemyError, OSError, _driver_error()) as error:
        if storage_errors.is_damage(error):
            place = schema.display_url(settings.current().database)
            raise CheckFailed(DAMAGED, place=place, why=_of_driver(error)) from None
        advice = N_("cannot be written to (%(why)s). Check COMMENTSVC_DATABASE_URL, file permissions and free space.")
        raise CheckFailed(advice, why=_of_driver(error)) from None
    finally:
        db.session.rollback()
    url = settings.current().database
    folder = schema.path_of(url).resolve().parent if schema.is_file(url) else None
    if folder and files.free_space(folder) < MIN_ROOM:  # a small change may find room in a file that is there
        raise CheckFailed(
            N_("cannot grow, because the disk that holds %(folder)s is full. Free some space."), folder=str(folder)
        )
    return gettext("can be written to (%(kind)s)", kind=db.engine.dialect.name)


def _schema() -> str:
    url = settings.current().database
    try:
        schema.must_be_whole(url)
        revision = schema.revision(url)
        is_current = revision == schema.NEWEST
        schema.must_be_known(revision, schema.migration_config(), url)
    except schema.NotAnswered as error:
        raise CheckFailed(N_("the database does not answer (%(why)s)"), why=str(error)) from None
    except (WrongSetting, schema.MadeByNewer) as error:
        raise _failed(error) from None
    if not is_current:
        raise CheckFailed(N_("does not match this version. Run `commentsvc upgrade`, or restart the service."))
    return gettext("matches version %(version)s", version=__version__)


def _mail() -> str:
    if not settings.current().mail_url:
        raise CheckFailed(N_("no server is set, so emails wait in the outbox. Set COMMENTSVC_MAIL_URL."))
    try:
        with mail.connect():
            waiting = outbox.oldest_waiting()
            if waiting and waiting > MAX_WAIT:
                late = N_("reachable, but an email has waited for %(hours)s hours. Is the worker running?")
                raise CheckFailed(late, hours=waiting // HOUR)
            return gettext("reachable; emails come from %(sender)s", sender=settings.current().sender)
    except mail.DeliveryFailed as failure:
        advice = " ".join(map(i18n.reason, deliverability.hints(failure))) or gettext("Check COMMENTSVC_MAIL_URL.")
        refused = N_("the server does not accept emails (%(why)s). %(advice)s")
        raise CheckFailed(refused, why=failure.answer, advice=advice) from None


def _sender() -> str:
    if not settings.current().mail_url:
        raise OptionalMissing(N_("not checked, because no mail server is set"))
    if advice := deliverability.hints():
        raise OptionalMissing("%(advice)s", advice="\n  ".join(map(i18n.reason, advice)))
    return gettext("nothing to improve")


def _mailbox() -> str:
    config = settings.current()
    if not config.mail_reply_to:
        raise OptionalMissing(N_("none, so nobody can reply by email. Set COMMENTSVC_MAIL_REPLY_TO if you want that."))
    if not config.mail_inbox:
        piped = N_("%(address)s, which the mail server pipes into `commentsvc receive`")
        return gettext(piped, address=config.mail_reply_to)
    try:
        with mailbox.connect() as folder:
            waiting = len(folder.unread(MAX_MAILS))
    except mailbox.MailboxError as error:
        raise CheckFailed(N_("cannot be read (%(why)s). Check COMMENTSVC_MAIL_INBOX."), why=str(error)) from None
    unread = N_("%(address)s can be read; unread emails: %(count)s")
    return gettext(unread, address=config.mail_reply_to, count=waiting)


def _secret() -> str:
    config = settings.current()
    try:
        schema.must_have_its_secret(config)
        if not config.has_secret:
            raise OptionalMissing(N_("none yet; one is made when the service starts"))
        _ = config.secret
    except WrongSetting as wrong:
        raise _failed(wrong) from None
    if secret_mark.has_changed():
        raise CheckFailed(N_("is not the one that the service last started with. Every node needs the same secret."))
    for file in _files_with_secret(config):
        others = stat.S_IRWXO if config.secret_key else stat.S_IRWXG | stat.S_IRWXO
        if stat.S_IMODE(file.stat().st_mode) & others:
            mode = "o=" if config.secret_key else "600"  # the group may be the service's
            readable = N_("other users can read %(file)s. Run: chmod %(mode)s %(file)s")
            raise CheckFailed(readable, file=str(file), mode=mode)
    if config.secret_key:
        return gettext("set")
    return gettext("kept in %(file)s, readable by its owner only", file=str(config.secret_file))


def _files_with_secret(config: Settings) -> Iterator[Path]:
    """Yield the files that hold the secret, but not a container's, where nobody else is."""
    if not config.secret_key:
        yield config.secret_file
        return
    if named := os.environ.get("COMMENTSVC_SECRET_KEY_FILE"):
        if not Path(named).is_relative_to("/run/secrets"):
            yield Path(named)
    elif (file := settings_file.find(os.environ)) and "secret_key" in settings_file.read(file):
        yield file


def _limits() -> str:
    if not settings.current().redis_url:
        return gettext("counted in each process")
    if not throttle.is_shared():
        raise CheckFailed(
            N_("Redis is not counting, so each process keeps its own count. Check COMMENTSVC_REDIS_URL and its memory.")
        )
    return gettext("shared through Redis")


def _clock() -> str:
    now = clock.now()
    newest = db.session.scalar(select(func.max(Comment.created_at)).where(Comment.state != State.TRASHED))
    shown = f"{now:%Y-%m-%d %H:%M} UTC"
    if now < RELEASED:
        early = N_("it says %(time)s, which is before this version was released. Set the clock.")
        raise CheckFailed(early, time=shown)
    if newest and newest > now + timedelta(minutes=5):
        late = N_("it says %(time)s, but a comment was written later than that. Set the clock.")
        raise CheckFailed(late, time=shown)
    for sentence, theirs in _other_clocks():
        if abs(gap := (now - theirs).total_seconds()) > MAX_GAP:
            raise CheckFailed(sentence, time=shown, seconds=f"{gap:+,.0f}")
    return shown


def _other_clocks() -> Iterator[tuple[str, datetime]]:
    if db.engine.dialect.name == "postgresql":
        yield DATABASE_CLOCK, db.session.execute(select(func.clock_timestamp())).scalar_one()
    if (theirs := throttle.redis_time()) is not None:
        yield REDIS_CLOCK, theirs


def _backups() -> str:
    status = daily.status()
    if status is None:
        raise OptionalMissing(N_("no daily backups. Set COMMENTSVC_BACKUP_DIR, ideally to a folder on another disk."))
    try:
        daily.must_be_possible()
    except BackupFailed as error:
        raise _failed(error) from None
    age = N_("the last verified one is %(hours)s hours old")
    age_text = gettext(age, hours=status.age // HOUR) if status.age is not None else gettext("none has been made yet")
    if status.is_late or status.problem:
        late = N_("%(what)s. Check that `commentsvc serve` or `commentsvc work` is running, and read its log.")
        advice = [gettext(late, what=age_text), i18n.stored_reason(status.problem)]
        raise CheckFailed("%(advice)s", advice="\n  ".join(filter(None, advice)))
    return age_text


def _writing() -> str:
    why = read_only.reason()
    if why == database_move.WHY:
        moved = N_(
            "read-only since a move. If it said “the same as here”, set COMMENTSVC_DATABASE_URL to the new database, "
            "and restart the service. Otherwise run `commentsvc move` again, or `commentsvc read-only off`."
        )
        raise CheckFailed(moved)
    if why:
        raise OptionalMissing(N_("read-only: %(why)s End that with `commentsvc read-only off`."), why=why)
    return gettext("allowed")


def _disk() -> str:
    config = settings.current()
    free, folder = min((files.free_space(one), str(one)) for one in schema.folders(config))
    values = {"free": f"{free / 1e9:,.1f}", "folder": folder}
    if free < MIN_FREE:
        full = N_("only %(free)s GB free for %(folder)s. Free some space: without any, nothing can be saved.")
        raise CheckFailed(full, **values)
    if schema.is_file(config.database):
        place = schema.path_of(config.database)
        log = place.with_name(f"{place.name}-wal")
        size = log.stat().st_size / 1e9 if log.exists() else 0
        if size > MAX_LOG:
            grown = N_("%(file)s has grown to %(size)s GB. Restart the service.")
            raise CheckFailed(grown, file=str(log), size=f"{size:.1f}")
    return gettext("%(free)s GB free for %(folder)s", **values)


CHECKS = (
    (N_("Settings"), _settings),
    (N_("Database"), _database),
    (N_("Schema"), _schema),
    (N_("Address"), reachability.base_url),
    (N_("Service"), reachability.service),
    (N_("Proxy"), reachability.proxy),
    (N_("Caches"), reachability.caches),
    (N_("Purges"), reachability.purges),
    (N_("Certificate"), reachability.certificate),
    (N_("Email"), _mail),
    (N_("Sender"), _sender),
    (N_("Mailbox"), _mailbox),
    (N_("Secret"), _secret),
    (N_("Limits"), _limits),
    (N_("Clock"), _clock),
    (N_("Writing"), _writing),
    (N_("Disk"), _disk),
    (N_("Backups"), _backups),
)

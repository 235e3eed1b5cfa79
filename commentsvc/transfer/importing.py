"""Import comments: read everything into a staging file first, then write it in batches, as one action."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice

from msgspec.structs import replace
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from commentsvc.db import db
from commentsvc.errors import N_, Reason, Refusal
from commentsvc.models.imported import Imported
from commentsvc.models.moderator_action import ModeratorAction, Verb
from commentsvc.models.site import Site
from commentsvc.models.thread import Thread
from commentsvc.moderation import actions
from commentsvc.moderation.actions import Person
from commentsvc.transfer import addresses, thread_import
from commentsvc.transfer.batch_writing import BatchWriter
from commentsvc.transfer.conversion import NO_TEXT, Batch
from commentsvc.transfer.conversion_pool import Convert
from commentsvc.transfer.import_options import ImportOptions
from commentsvc.transfer.mojibake import Repair
from commentsvc.transfer.records import NO_PAGE, Records, SkippedRecord, SourceComment, SourceFile, SourceState
from commentsvc.transfer.report import Report
from commentsvc.transfer.staging import Staging
from commentsvc.transfer.thread_import import ImportedBefore, Part, ThreadImport

NOT_CHOSEN = {
    SourceState.SPAM: N_("spam, which was not chosen"),
    SourceState.DELETED: N_("deleted comments, which were not chosen"),
}
OF_ANOTHER_SITE = N_("it belongs to another site in the file: %(site)s")
MIN_BATCH = 250  # records that are converted together, as each batch goes to another process and back
MAX_PREFETCH = 10  # batches that are converted before they are written
MAX_SOURCE_LENGTH = 200  # as its column
MAX_LOOKUP = 200  # threads that are looked up together
MIN_BROKEN_SHARE = 0.01  # of the comments; fewer with broken characters are as people wrote them
_Group = list[tuple[ThreadImport, list[SourceComment]]]


class NothingReadable(Refusal):
    """Not one comment."""

    status = 422
    sentence = N_("The file holds no comments.")


class AlreadyRunning(Refusal):
    """Each site has one import at a time."""

    status = 409
    sentence = N_("An import for this blog is running. Please wait until it is done.")


class Cancelled(Refusal):
    """It was undone while it was running, or its site was removed."""

    status = 410
    sentence = N_("The import was undone, or its blog was removed.")


class NoSuchSite(NothingReadable):
    """The file holds sites, but not the one that was asked for."""

    sentence = N_("The file has no site “%(typed)s”. It has: %(known)s.")


def stage(
    staging: Staging, records: Records, site: Site, options: ImportOptions, on_progress: Callable[[int], None]
) -> Report:
    """Read everything and decide what goes where; write nothing. Return a preliminary report.

    Raises:
        NothingReadable: there is no comment.
    """
    repair = Repair(options.repairs_text)
    for count in staging.put(repair(records)):
        on_progress(count)
    duplicates, found, sites = staging.drop_duplicates(), staging.counts(), staging.sites()
    if not found and not staging.left_out():
        raise NothingReadable
    for record in staging.without_page(options.states):
        staging.leave_out(SkippedRecord(record.location, NO_PAGE, record.body))
    origin = _origin(staging.origin, sites, options)
    home = origin.home or next(iter(options.origins), "") or addresses.busiest(staging.urls(options.only_site))
    places = addresses.of(site, home, options.origins, dict(options.rules), by_key=options.by_key)
    urls = dict[str, str]()  # one for each key: an article may be spelled in several ways
    for page in staging.pages():
        is_other = bool(options.only_site) and page.site != options.only_site
        where = [OF_ANOTHER_SITE, {"site": page.site}] if is_other else places.thread_of(page)
        if isinstance(where, tuple):
            former = [*map(addresses.key_of, page.aliases), places.former_key(page)]
            key, url = where
            staging.assign(replace(page, aliases=tuple(filter(None, former))), f"{key}\n{urls.setdefault(key, url)}")
        elif count := staging.count_in(page.id, options.states):
            staging.leave_out(SkippedRecord(page.url or page.id, where, page.title), count)
    for record in staging.choose(options.states):
        staging.leave_out(SkippedRecord(record.location, NO_TEXT, record.author))
    return Report(
        source=origin.name[:MAX_SOURCE_LENGTH],
        home=home,
        found=found,
        already=duplicates,
        elsewhere=dict(places.elsewhere),
        sites=sites if len(sites) > 1 else {},
        broken=repair.found if repair.found > sum(found.values()) * MIN_BROKEN_SHARE else 0,
        is_repaired=options.repairs_text,
        unused_rules=places.unused(),
        notices=staging.notices,
    )


def _not_chosen(report: Report, options: ImportOptions) -> Iterator[tuple[Reason, int, list[tuple[str, str]]]]:
    """Yield what the owner could have chosen, too, for the report."""
    for state, why in NOT_CHOSEN.items():
        if state not in options.states and (count := report.found.get(state, 0)):
            yield why, count, []


def _origin(origin: SourceFile, sites: Mapping[str, int], options: ImportOptions) -> SourceFile:
    """Return the source's name: the owner's, else that of the selected site, else the file's own."""
    system = origin.name.partition(":")[0]
    if options.only_site and options.only_site not in sites:
        raise NoSuchSite(typed=options.only_site, known=", ".join(sites) or "-")
    if options.only_site:
        origin = SourceFile(f"{system}:{options.only_site}")
    return SourceFile(f"{system}:{options.source}", origin.home) if options.source else origin


def begin(site: Site, by: Person, report: Report) -> int:
    """Log the import as an action, which can be undone; return its id for ``load``."""
    return actions.record(Verb.IMPORT, by, site=site, count=0, undo_data={"source": report.source}).id


def load(
    staging: Staging,
    site: Site,
    options: ImportOptions,
    report: Report,
    action_id: int | None,
    convert: Convert,
) -> Iterator[Callable[[], int]]:
    """Prepare what is to be taken, and yield functions that write it. Each returns how many rows are done by then.

    They are for ``db.commit_each``: what takes long is done between the transactions. A dry run has no action and calls
    none of them. An action whose import broke off is continued: what was imported before, even if it was deleted since,
    is not taken again.
    """
    report.is_dry = action_id is None
    site_id, done, ready, used_cross_ids = site.id, 0, list[Part](), set[str]()
    batch_size = thread_import.batch_size()
    writer = BatchWriter(site_id, action_id or 0, report.source)  # a dry run writes nothing
    before = ImportedBefore(site_id)
    places = staging.threads()
    keys = {place.partition("\n")[0] for place in places}
    threads = (
        ThreadImport(staging, site_id, action_id, options, report, place, keys, before, used_cross_ids)
        for place in places
    )
    for part in _in_order(threads, convert, report):
        ready.append(part)
        if sum(len(one.rows) for one in ready) >= batch_size:
            done += sum(len(one.rows) for one in ready)
            yield partial(_write, writer, ready, done)
            ready = []
    report.left_out = [*staging.left_out(), *_not_chosen(report, options)]
    done += sum(len(one.rows) for one in ready)
    if action_id is not None:
        yield partial(_finish, writer, ready, done, report)


def _in_order(threads: Iterator[ThreadImport], convert: Convert, report: Report) -> Iterator[Part]:
    """Yield what is to be written into each thread, while the next ones are being converted."""
    begun = deque[tuple[_Group, Callable[[], Batch]]]()
    for group in _groups(threads):
        is_whole = not report.is_dry or any(thread.existing for thread, _ in group)
        begun.append((group, convert([record for _, records in group for record in records], is_whole)))
        if len(begun) > MAX_PREFETCH:
            yield from _parts(*begun.popleft(), report)
    for group, batch in begun:
        yield from _parts(group, batch, report)


def _groups(threads: Iterator[ThreadImport]) -> Iterator[_Group]:
    """Yield threads with what is new in each, some at a time, though there may be nothing new in any."""
    group: _Group = []
    while some := list(islice(threads, MAX_LOOKUP)):
        found = Thread.all_at(some[0].site_id, [thread.key for thread in some])
        ids = {key: thread.id for key, thread in found.items()}
        for thread in some:
            group.append((thread, thread.begin(ids.get(thread.key))))
            if len(group) >= MIN_BATCH or sum(len(records) for _, records in group) >= MIN_BATCH:
                yield group
                group = []
    yield group


def _parts(group: _Group, batch: Callable[[], Batch], report: Report) -> Iterator[Part]:
    converted = batch()
    report.lost += converted.lost
    report.changed += converted.changed
    rows = iter(converted.rows)
    for thread, records in group:
        yield from thread.parts(list(islice(rows, len(records))))


def prepared(steps: Iterator[Callable[[], int]]) -> Iterator[int]:
    """Prepare everything and write nothing, as a dry run does; yield about how many comments are ready."""
    return (count * thread_import.batch_size() for count, _ in enumerate(steps))


def _write(writer: BatchWriter, parts: list[Part], done: int) -> int:
    more = ModeratorAction.count + sum(len(part.rows) for part in parts)
    mine = update(ModeratorAction).where(ModeratorAction.id == writer.action_id, ModeratorAction.undone_at.is_(None))
    if not db.session.execute(mine.values(count=more)).rowcount:  # type: ignore[attr-defined]
        raise Cancelled
    try:
        writer.write(parts)
    except IntegrityError:  # another process wrote the same
        raise AlreadyRunning from None
    return done


def _finish(writer: BatchWriter, parts: list[Part], done: int, report: Report) -> int:
    _write(writer, parts, done)
    action = db.session.get_one(ModeratorAction, writer.action_id)
    action.count = Imported.brought_by(writer.action_id)
    action.undo_data = action.undo_data | {"report": report.as_json()}
    return done

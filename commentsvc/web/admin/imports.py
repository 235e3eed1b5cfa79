"""Import and export of a blog: upload, look at the dry run, import, undo; and download everything."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from flask import Blueprint, Response, redirect, render_template, request, stream_with_context, url_for
from werkzeug.wrappers import Response as AnyResponse

from commentsvc import clock
from commentsvc.comments import import_undo, undoing
from commentsvc.db import db
from commentsvc.errors import N_, InvalidFields, Refusal, or_404
from commentsvc.fields import Missing
from commentsvc.models.import_run import CHECKED, ImportRun
from commentsvc.models.moderator_action import ModeratorAction
from commentsvc.models.site import Site
from commentsvc.transfer import exporting, import_runs, reading
from commentsvc.transfer.choices import KEYS, PENDING_AS, Choices
from commentsvc.web import security
from commentsvc.web.admin import session
from commentsvc.web.uploads import UploadRequest

TYPED = ("format", "timezone", "charset", "permalink", "map", "key", "pending_as", "only_site")
TICKED = ("spam", "trash", "closed", "fix_mojibake", "keep_copies")

blueprint = Blueprint("imports", __name__, url_prefix="/admin/sites/<key>")
session.guard(blueprint, owner=True)


class FileTooLarge(Refusal):
    """More than a browser should have to send."""

    status = 413
    sentence = N_("The file is larger than 200 MB. Please use the command “commentsvc import” on the server.")


@dataclass(frozen=True)
class Form:
    """What was chosen, and what is wrong with it."""

    choices: Choices
    errors: dict[str, Refusal] = field(default_factory=dict)


@blueprint.get("/import")
def show(key: str) -> str:
    """Show where the import is: the form to upload, progress, the result of the dry run, or the report."""
    site = Site.named(key)
    run = import_runs.last_of(site)
    own = Choices(mine=(session.current_moderator().email,))  # who usually commented there, too
    return _page(site, run, Form(Choices.stored(run.choices) if run else own))


@blueprint.post("/import")
def upload(key: str) -> AnyResponse | tuple[str, int]:
    """Receive a file, and enqueue its dry run."""
    if (request.content_length or 0) > import_runs.MAX_UPLOAD:
        return _refused(key, Choices(), {"file": FileTooLarge()})
    db.session.rollback()  # a slow upload holds no connection
    with import_runs.receiving() as file:
        cast(UploadRequest, request).accept(file, import_runs.MAX_UPLOAD, security.paced_body())
        session.check_form()
        given, choices = request.files.get("file"), _choices()
        file.flush()
        if given is None or not Path(file.name).stat().st_size:
            return _refused(key, choices, {"file": Missing()})
        db.begin_write()
        try:
            import_runs.enqueue(
                Site.named(key), session.current_moderator(), Path(file.name), given.filename or "", choices
            )
        except InvalidFields as wrong:
            return _refused(key, choices, dict(wrong.fields))
        db.session.commit()
    return _back(key)


@blueprint.post("/import/run")
def proceed(key: str) -> AnyResponse | tuple[str, int]:
    """Import what the dry run showed; with other choices, or on request, do another dry run."""
    db.begin_write()
    run, choices = or_404(import_runs.last_of(Site.named(key))), _choices()
    try:
        import_runs.proceed(run, session.current_moderator(), choices, is_dry=request.form.get("do") != "import")
    except InvalidFields as wrong:
        return _refused(key, choices, dict(wrong.fields))
    db.session.commit()
    return _back(key)


@blueprint.post("/import/cancellation")
def cancel(key: str) -> AnyResponse:
    """Forget the uploaded file and its report; stop an import that is at work."""
    db.begin_write()
    if run := import_runs.last_of(Site.named(key)):
        import_runs.cancel(run)
    db.session.commit()
    return _back(key)


@blueprint.post("/export")
def export(key: str) -> AnyResponse:
    """Download everything; with email addresses, it is logged."""
    name, with_addresses = request.form.get("format", ""), "addresses" in request.form
    if with_addresses:
        session.require_recent_confirmation()
    or_404(name if name in exporting.FORMATS else None)
    site = Site.named(key)
    if with_addresses:
        db.begin_write()
        exporting.log_addresses(site, session.current_moderator())
        db.session.commit()
    writer = exporting.writer(site, name, with_addresses=with_addresses)
    response = Response(stream_with_context(exporting.chunks(writer)), mimetype="application/octet-stream")
    file_name = f"{key}-{clock.now():%Y-%m-%d}.{writer.suffix}"
    response.headers.set("Content-Disposition", "attachment", filename=file_name)
    return response


def _choices() -> Choices:
    form, also = request.form, request.form.getlist("also")
    typed = {name: form.get(name, getattr(Choices, name)).strip() for name in TYPED}
    ticked = {name: name in form for name in TICKED}
    lines = map(str.strip, form.get("mine", "").splitlines())
    mine = [line if "=" in line else f"{line}={session.current_moderator().email}" for line in lines if line]
    others = [*also, form.get("home", "")] if also else []  # other sites, in addition to the file's own
    origins = [*form.get("origins", "").split(), *filter(None, others)]
    return Choices.stored({**typed, **ticked, "origins": origins, "mine": mine})


def _refused(key: str, choices: Choices, errors: dict[str, Refusal]) -> tuple[str, int]:
    db.session.rollback()
    site = Site.named(key)
    return _page(site, import_runs.last_of(site), Form(choices, errors)), max(one.status for one in errors.values())


def _back(key: str) -> AnyResponse:
    return redirect(url_for("imports.show", key=key), code=303)


def _page(site: Site, run: ImportRun | None, form: Form) -> str:
    action = db.session.get(ModeratorAction, run.action_id) if run and run.action_id else None
    return render_template(
        "admin/import.html",
        site=site,
        run=run,
        is_checked=run is not None and run.state == CHECKED,
        form=form,
        formats=reading.FORMATS,
        export_formats=exporting.FORMATS,
        keys=KEYS,
        pending_as=PENDING_AS,
        action=action,
        is_being_undone=action is not None and action.undone_at is not None and import_undo.has_rows_to_revert(action),
        may_be_undone=undoing.may_be_undone,
    )

"""``ping``: tell other blogs now what the worker would tell them later."""

import click

from commentsvc import worker
from commentsvc.cli.application import with_application
from commentsvc.cli.arguments import MAY_BE_PRIVATE
from commentsvc.db import db
from commentsvc.errors import WrongOrigin
from commentsvc.linkbacks import announcing, sending
from commentsvc.models.announcement import Announcement, AnnouncementState
from commentsvc.models.sent_linkback import SendingState, SentLinkback
from commentsvc.safe_http import FetchFailed, FetchRefused


@click.command()
@click.argument("url", metavar="ARTICLE_URL")
@with_application
def ping(url: str) -> None:
    """Tell every page that ARTICLE_URL links to, by webmention, pingback or trackback; again after it changed."""
    db.begin_write()
    try:
        linkback_id = announcing.announce(url).id
    except WrongOrigin:
        raise click.ClickException(f"{url} is no page of a site here; `commentsvc site list` shows them.") from None
    asked = announcing.claim(linkback_id)
    db.session.commit()
    if asked is None:
        raise click.ClickException("The worker is reading this article at this moment. Try again in two minutes.")
    try:
        sent = worker.read_article(asked, leased=True)
    except FetchRefused as refusal:
        raise click.ClickException(f"{url} may not be read: {refusal}. {MAY_BE_PRIVATE}") from None
    except FetchFailed as failure:
        raise click.ClickException(f"{url} could not be read: {failure}. The worker tries again later.") from None
    article = db.session.get_one(Announcement, asked.announcement_id, populate_existing=True)
    if article.state == AnnouncementState.FAILED:
        raise click.ClickException(f"{url}: {article.reason}.")
    if not sent:
        click.echo("Nobody is to be told: there is no link to a page of others on it.")
    states = [_send(linkback_id) for linkback_id in sent]
    if failed := states.count(SendingState.FAILED):
        raise click.ClickException(f"{failed} of {len(sent)} pages could not be told; the admin pages list them, too.")


def _send(linkback_id: int) -> SendingState:
    worker.send(sending.message(db.session.get_one(SentLinkback, linkback_id)))
    sent = db.session.get_one(SentLinkback, linkback_id, populate_existing=True)
    click.echo(_in_words(sent))
    return SendingState(sent.state)


def _in_words(sent: SentLinkback) -> str:
    gone = "" if sent.is_linked else ", no longer linked"
    labels = {
        SendingState.QUEUED: f"– {sent.target}: {sent.answer or 'not told yet'}; the worker tries again",
        SendingState.SENT: f"✓ {sent.target}: {sent.protocol}, {sent.answer}{gone}",
        SendingState.FAILED: f"✗ {sent.target}: {sent.answer}",
        SendingState.NO_ENDPOINT: f"– {sent.target}: takes no linkbacks",
    }
    return labels[SendingState(sent.state)]

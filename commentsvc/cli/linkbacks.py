"""``ping``: send an article's linkbacks now instead of later."""

import click

from commentsvc import i18n
from commentsvc.cli.application import with_application
from commentsvc.cli.arguments import MAY_BE_PRIVATE
from commentsvc.db import db
from commentsvc.errors import WrongOrigin
from commentsvc.jobs.runner import run
from commentsvc.linkbacks import announcing, sending
from commentsvc.linkbacks.announcing import ClaimedArticle
from commentsvc.linkbacks.sending import OutgoingLinkback
from commentsvc.models.announcement import Announcement, AnnouncementState
from commentsvc.models.sent_linkback import SendingState, SentLinkback
from commentsvc.safe_http import FetchRefused


@click.command()
@click.argument("url", metavar="ARTICLE_URL")
@with_application
def ping(url: str) -> None:
    """Tell every page that ARTICLE_URL links to, by webmention, pingback or trackback; again after it changed."""
    try:
        claimed = db.run_in_transaction(lambda: announcing.claim(announcing.announce(url).id))
    except WrongOrigin:
        message = f"{url} is not a page of a site on this server; `commentsvc site list` shows the sites."
        raise click.ClickException(message) from None
    if claimed is None:
        raise click.ClickException("The worker is reading this article at this moment. Try again in two minutes.")
    _read(claimed)
    found = announcing.leased_links(claimed)
    if not found:
        click.echo("No linkbacks to send: the page links to no other site.")
    states = [_send(sending.outgoing(sent)) for sent in found]
    if failed := states.count(SendingState.FAILED):
        raise click.ClickException(f"{failed} of {len(found)} pages could not be told; the admin pages list them, too.")


def _read(claimed: ClaimedArticle) -> None:
    failure = run(announcing, claimed)
    if isinstance(failure, FetchRefused):
        raise click.ClickException(f"{claimed.url} may not be read: {failure}. {MAY_BE_PRIVATE}")
    if failure is not None:
        raise click.ClickException(f"{claimed.url} could not be read: {failure}. The worker tries again later.")
    article = db.session.get_one(Announcement, claimed.announcement_id, populate_existing=True)
    if article.state == AnnouncementState.FAILED:
        raise click.ClickException(f"{claimed.url}: {i18n.stored_reason(article.reason)}.")


def _send(message: OutgoingLinkback) -> SendingState:
    run(sending, message)
    sent = db.session.get_one(SentLinkback, message.sent_id, populate_existing=True)
    click.echo(_in_words(sent))
    return sent.state


def _in_words(sent: SentLinkback) -> str:
    gone, answer = "" if sent.is_linked else ", no longer linked", i18n.stored_reason(sent.answer)
    labels = {
        SendingState.QUEUED: f"– {sent.target}: {answer or 'not sent yet'}; the worker tries again",
        SendingState.SENT: f"✓ {sent.target}: {sent.protocol}, {answer}{gone}",
        SendingState.FAILED: f"✗ {sent.target}: {answer}",
        SendingState.NO_ENDPOINT: f"– {sent.target}: takes no linkbacks",
    }
    return labels[sent.state]

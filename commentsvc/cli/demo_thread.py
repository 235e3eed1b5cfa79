"""The demo's site, owner and sample thread, written by the same functions as real comments."""

from datetime import timedelta

from sqlalchemy import select

from commentsvc import clock, fields, links
from commentsvc.accounts import moderators
from commentsvc.cli.demo_blog import ARTICLE, POST, TITLE
from commentsvc.comments import posting, submission
from commentsvc.comments.posting import CommentAuthor, Mention
from commentsvc.db import db
from commentsvc.errors import N_, Refusal
from commentsvc.linkbacks import receiving
from commentsvc.linkbacks.receiving import LinkbackRequest
from commentsvc.models.comment import Comment, Kind, ResponseKind
from commentsvc.models.moderator import Moderator
from commentsvc.models.site import Moderation, Site
from commentsvc.models.thread import Thread
from commentsvc.threads.articles import Article

NAME = "A blog about things"

# author, days ago, index of the line that it replies to, text
LINES = (
    ("Bob", 12, None, "Mine still has a *cord*. It never runs out of battery, and nobody ever asks where it is :-)"),
    ("Ada", 12, 0, "Twelve years old, that one, and it has survived three of my pocket phones."),
    (
        *("Grace", 11, 0),
        "Careful, Bob: the cord is _exactly_ long enough to reach the cat.\n\n"
        "> It never runs out of battery\n\n"
        "Mine does. It is the cat’s second hobby 8-)",
    ),
    ("Bob", 11, 2, "The cat has spoken. I withdraw the cord."),
    (
        *("Émilie", 9, None),
        "What I miss is the sound. You knew from the *ring* alone whether it was the house or the neighbours.\n\n"
        "There is a recording of the old exchange at https://example.org/sounds/exchange_1974 "
        "if anybody wants to be sad for a minute :'(",
    ),
    ("Linus", 7, 4, "Thank you for that link. My daughter asked which app it was :-D"),
    (
        *("Niklaus", 3, None),
        "For the record, the dial is a program:\n\n"
        "```\nwhile digit > 0:\n    pulse()\n    digit -= 1\n```\n\n"
        "Ten lines of brass. `pulse()` is the spring.",
    ),
)
WAITING = (
    "Mallory",
    "Buy new phones at https://phones.example/a https://phones.example/b and https://phones.example/c ;-)",
)


def _mention(
    kind: Kind, response: ResponseKind, author: str, source: str, title: str = "", text: str = "", at: str | None = None
) -> Mention:
    html = f"<p>{text}</p>" if text else ""
    return Mention(kind, source, title, text, html, author, response, author_url=at)


MENTIONS = (
    _mention(
        *(Kind.TRACKBACK, ResponseKind.MENTION, "The Exchange", "https://exchange.example/2020/06/rotary"),
        "In praise of the rotary dial",
        "A blog about things remembers the cord, and the comments are better than the article.",
    ),
    _mention(
        *(Kind.PINGBACK, ResponseKind.MENTION, "hallway.example", "https://hallway.example/furniture/"),
        "What stands in a hall",
        "[…] and of course the phone, which weighs as much as a loaf of bread […]",
    ),
    _mention(Kind.WEBMENTION, ResponseKind.LIKE, "Hedy", "https://hedy.example/likes/12", at="https://hedy.example/"),
    _mention(Kind.WEBMENTION, ResponseKind.LIKE, "Konrad", "https://konrad.example/l/7", at="https://konrad.example/"),
    _mention(
        Kind.WEBMENTION,
        ResponseKind.LIKE,
        "Katherine",
        "https://katherine.example/1969",
        at="https://katherine.example/",
    ),
    _mention(
        Kind.WEBMENTION, ResponseKind.REPOST, "Radia", "https://radia.example/shared/3", at="https://radia.example/"
    ),
    _mention(
        *(Kind.WEBMENTION, ResponseKind.REPLY, "Annie", "https://annie.example/notes/ring"),
        text="Ours was on the wall, and the whole street used it. You learned to keep things short.",
        at="https://annie.example/",
    ),
)


def prepare(blog: str, neighbour: str, owner_email: str) -> Moderator:
    """Create site, owner and thread unless they exist; return the owner.

    Raises:
        NotADemo: this database has real comments.
    """
    db.begin_write()
    site = db.session.scalar(select(Site).where(Site.key == "blog"))
    if site is not None and site.name != NAME:
        raise NotADemo
    owner = Moderator.with_email(owner_email) or moderators.add(owner_email, "Ada")
    origins = [blog, blog.replace("127.0.0.1", "localhost")]
    if site is not None:
        _move(site, origins)
    else:
        site = Site(key="blog", name=NAME, origins=origins)
        site.moderation = Moderation.NONE  # what was written long ago is no longer pending
        db.session.add(site)
        db.session.flush()
        _write_thread(site, blog, owner)
        _link_from(site, neighbour)
        site.moderation = Moderation.FIRST
    db.session.commit()
    return owner


class NotADemo(Refusal):
    """The demo writes sample comments and a moderator only into a database of its own."""

    sentence = N_(
        "This database contains a blog that does not belong to the demo. Set COMMENTSVC_DATA_DIR to an empty folder."
    )


def _move(site: Site, origins: list[str]) -> None:
    """Update the demo's addresses: its ports may differ each time."""
    site.origins = origins
    site.version += 1
    for thread in db.session.scalars(select(Thread).where(Thread.site_id == site.id)):
        thread.url = links.article(origins[0], thread.key)
    for comment in db.session.scalars(select(Comment).where(Comment.kind == Kind.COMMENT)):
        comment.body_html = fields.rendered(comment.body)


def _write_thread(site: Site, blog: str, owner: Moderator) -> None:
    now = clock.now()
    written: list[Comment] = []
    for number, (name, days, answers, body) in enumerate(LINES):
        then = now - timedelta(days=days, minutes=-7 * number)
        with clock.override(lambda then=then: then):  # type: ignore[misc]
            parent_id = written[answers].id if answers is not None else None
            written.append(_post(site, blog, name, body, parent_id, owner))
    _post(site, blog, *WAITING, None, owner)


def _post(site: Site, blog: str, name: str, body: str, parent_id: int | None, owner: Moderator) -> Comment:
    typed = {"author": name, "body": body, "parent_id": str(parent_id or ""), "url": blog + ARTICLE, "title": TITLE}
    writer = CommentAuthor(
        visitor=f"demo-{name}", address_hash=None, language="en", moderator=owner if name == "Ada" else None
    )
    return posting.post_comment(Article.at(site, links.thread_key(ARTICLE)), submission.validate(typed), writer)


def _link_from(site: Site, neighbour: str) -> None:
    """Add linkbacks of every kind, accepted long ago, and a ping that is verified over HTTP."""
    key = links.thread_key(ARTICLE)
    now = clock.now()
    for days, mention in enumerate(MENTIONS, 2):
        with clock.override(lambda days=days: now - timedelta(days=days)):  # type: ignore[misc]
            posting.post_linkback(Article.at(site, key), mention)
    linkback_request = LinkbackRequest(Kind.WEBMENTION, neighbour + POST, links.article(site.home, key))
    receiving.receive(Article.at(site, key), linkback_request, address_hash=None)

"""The shapes of the API: what comes in, what goes out. An email address only ever comes in."""

from codecs import BOM_UTF8
from datetime import datetime
from typing import Any, Self, TypeVar

from flask import Response, make_response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from commentsvc import links
from commentsvc.comments import editing
from commentsvc.errors import NotUnderstood
from commentsvc.models.comment import Comment
from commentsvc.models.site import Site
from commentsvc.web import security


class Shape(BaseModel):
    """A JSON object; unknown members are ignored, as clients may be newer than we are."""

    model_config = ConfigDict(extra="ignore")


AnyShape = TypeVar("AnyShape", bound=Shape)


class ChallengeAnswer(Shape):
    """A solved challenge; ``answer`` is what its picture shows, what its sound says, or what its computation found."""

    token: str = Field(default="", max_length=2000)
    answer: str = Field(default="", max_length=4000)


class NewComment(Shape):
    """A comment to be posted; ``notify`` of replies to it, ``follow`` to hear of every comment in the thread.

    ``url`` and ``title`` are the article's. The thread takes them over when its first comment is shown.
    """

    author: str = ""
    email: str = ""
    website: str = ""
    body: str = ""
    parent_id: int | None = Field(default=None, strict=True)
    notify: bool = False
    follow: bool = False
    url: str = ""
    title: str = ""
    challenge: ChallengeAnswer = Field(default_factory=ChallengeAnswer)


class NewText(Shape):
    """The new text of a comment."""

    body: str


class NewChallenge(Shape):
    """Which thread a challenge is wanted for, the token that it replaces, and whether one was asked for already."""

    site: str = Field(max_length=64)
    key: str = Field(max_length=4000)
    instead_of: str = Field(default="", max_length=6000)
    asked: bool = False


class Wait(Shape):
    """The minimum seconds before a form may be sent: no sooner than a person could have written this much."""

    least: float
    each_character: float
    most: float


class Challenge(Shape):
    """A challenge with three ways to solve it, null if none is required; any one will do.

    ``image`` is a picture of six characters and ``audio`` a sound of six digits; ``work`` is a computation as ALTCHA's
    protocol poses it (version 2), whose answer is that protocol's base64 text. ``visitor`` goes back in the header
    X-Commentsvc-Visitor where cookies are refused; ``waits`` says that a comment of this visitor would wait for a
    moderator.
    """

    token: str
    image: str | None
    audio: str | None
    work: dict[str, Any] | None
    visitor: str
    waits: bool
    wait: Wait
    expires_in: int


class Draft(Shape):
    """Text to preview."""

    site: str = Field(max_length=64)
    body: str


class Counts(Shape):
    """Approved comments by key, as the keys were asked for: as numbers, and in words."""

    counts: dict[str, int]
    labels: dict[str, str]


class PublicComment(Shape):
    """A comment or linkback as everybody may see it.

    Of linkbacks, ``website`` is the page that links here, ``author_url`` its writer's address, ``published_at`` the
    page's own time, and ``response`` what it says of the article: ``reply like repost mention`` or one of ``rsvp-…``.
    """

    id: int
    parent_id: int | None
    kind: str
    response: str
    state: str
    author: str
    website: str | None
    author_url: str | None
    title: str
    body: str
    body_html: str
    created_at: datetime
    published_at: datetime | None
    edited_at: datetime | None
    by_moderator: bool
    url: str
    parent_url: str | None

    @classmethod
    def of(cls, comment: Comment) -> Self:
        """Return the public side of a row."""
        return cls(**cls._members(comment))

    @staticmethod
    def _members(comment: Comment) -> dict[str, Any]:
        place = (comment.thread.site.key, comment.thread.key)
        return {
            "id": comment.id,
            "parent_id": comment.parent_id,
            "kind": comment.kind,
            "response": comment.response,
            "state": comment.state_for_writer,
            "author": comment.author,
            "website": comment.website,
            "author_url": comment.author_url,
            "title": comment.title,
            "body": comment.body,
            "body_html": comment.body_html,
            "created_at": comment.created_at,
            "published_at": comment.published_at,
            "edited_at": comment.edited_at,
            "by_moderator": comment.moderator_id is not None,
            "url": links.comment(*place, comment.id),
            "parent_url": links.comment(*place, comment.parent_id) if comment.parent_id else None,
        }


class OwnComment(PublicComment):
    """A comment as its author gets it: with the token that changes it until ``editable_until``."""

    edit_token: str
    editable_until: datetime

    @classmethod
    def of(cls, comment: Comment) -> Self:
        """Return a row with its author's right to change it."""
        until = editing.editable_until(comment)
        return cls(**cls._members(comment), edit_token=editing.edit_token(comment), editable_until=until)


class PublicThread(Shape):
    """A page of a thread. ``comments`` come in reading order, each with the id it answers."""

    url: str
    title: str
    open: bool
    count: int
    page: int
    pages: int
    comments: list[PublicComment]
    linkbacks: list[PublicComment]


class Rendered(Shape):
    """Safe HTML, from the very function that renders a posted comment."""

    html: str


class Problem(Shape):
    """What went wrong (RFC 9457); ``challenge`` is a solved one, to be sent along next time."""

    type: str
    title: str
    status: int
    errors: dict[str, str] | None = None
    challenge: dict[str, str | bool] | None = None


def parsed(shape: type[AnyShape]) -> AnyShape:
    """Return the request's JSON in this shape; raises ``NotUnderstood``."""
    if request.mimetype != "application/json":
        raise NotUnderstood
    try:
        return shape.model_validate_json(request.get_data().removeprefix(BOM_UTF8))
    except ValidationError:
        raise NotUnderstood from None


def answer(shape: Shape, site: Site, status: int = 200) -> Response:
    """Return a shape as the response, readable by the pages of ``site``."""
    response = make_response(shape.model_dump_json(), status)
    response.headers["Content-Type"] = "application/json"
    response.headers["Cache-Control"] = "no-store"
    return security.allow_site(response, site)

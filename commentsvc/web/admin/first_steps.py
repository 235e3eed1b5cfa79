"""What is left to do after the first sign-in, until the first comment is there."""

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import select

from commentsvc import settings
from commentsvc.db import db
from commentsvc.linkbacks import page_check_queue
from commentsvc.linkbacks.page_check import CheckStatus
from commentsvc.models.comment import Comment
from commentsvc.models.page_check import PageCheck
from commentsvc.models.site import Site
from commentsvc.sites import sites


@dataclass(frozen=True)
class FirstSteps:
    """``site`` is the blog that was added last, None if there is none yet."""

    site: Site | None

    @property
    def two_lines(self) -> str:
        """The lines for the blog's template."""
        return sites.two_lines(self.site) if self.site else ""

    @property
    def has_mail(self) -> bool:
        """Whether a mail server is set."""
        return bool(settings.current().mail_url)

    @cached_property
    def page_check(self) -> PageCheck | None:
        """The check of one of the blog's pages, which may not have run yet."""
        return page_check_queue.last_of(self.site) if self.site else None

    @property
    def is_page_right(self) -> bool:
        """Whether the check found nothing wrong."""
        statuses = [status for _, status, *_ in self.page_check.findings or ()] if self.page_check else []
        return bool(statuses) and CheckStatus.WRONG not in statuses


def current() -> FirstSteps | None:
    """Return the first steps; None once there is a comment or a linkback, in whatever state."""
    if db.session.scalar(select(Comment.id).limit(1)) is not None:
        return None
    return FirstSteps(db.session.scalar(Site.in_service().order_by(Site.id.desc()).limit(1)))

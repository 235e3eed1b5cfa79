"""The strings that scripts show. They are sent with the page; scripts contain none."""

from commentsvc import i18n
from commentsvc.i18n import gettext as _

Words = dict[str, str | dict[str, str]]


def for_readers() -> Words:
    """Return the strings of ``static/embed/reading.js``; a plural is a dictionary by plural category."""
    return {
        "new": _("New"),
        "news": i18n.plural_forms("%(count)s new comment", "%(count)s new comments"),
        "copy": _("Copy link"),
        "address": _("Copy address"),
        "copied": _("Copied"),
        "hide": _("Hide replies"),
        "show": i18n.plural_forms("Show %(count)s reply", "Show %(count)s replies"),
        "server": _("Your Mastodon server, such as mastodon.social"),
        "sheet": _("Share"),
        "trouble": _("Comments are temporarily unavailable. Please try again in a minute."),
    }


def for_writers() -> Words:
    """Return the strings of ``static/embed/composer.js``."""
    return {
        "heading": _("Write a comment"),
        "answer": _("Reply to %(name)s"),
        "post": _("Post comment"),
        "send": _("Send for approval"),
        "left": i18n.plural_forms("%(count)s character left", "%(count)s characters left"),
        "over": i18n.plural_forms("%(count)s character over the limit", "%(count)s characters over the limit"),
        "computing": _("Solving … You can keep writing."),
        "edit": _("Edit"),
        "time": _("%(time)s left"),
        "remove": _("Delete"),
        "sure": _("Yes, delete"),
        "save": _("Save"),
        "cancel": _("Cancel"),
        "removed": _("Your comment has been deleted."),
        "changed": _("Your comment has been updated."),
        "edited": _("edited"),
        "text": _("Your comment"),
        "trouble": _("Comments are temporarily unavailable. Your text is still here; please try again in a minute."),
    }


def for_moderators() -> dict[str, str]:
    """Return the forms of “N selected” by plural category, for ``static/admin/admin.js``."""
    return i18n.plural_forms("%(count)s selected", "%(count)s selected")

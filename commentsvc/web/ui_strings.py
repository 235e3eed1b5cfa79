"""The texts that scripts show: chosen here and sent along, as no script contains any."""

from commentsvc import i18n
from commentsvc.i18n import gettext as _

Words = dict[str, str | dict[str, str]]


def for_readers() -> Words:
    """Return those of ``static/embed/reading.js``; a dictionary has one form per plural category."""
    return {
        "new": _("New"),
        "news": i18n.plural_forms("%(count)s new comment", "%(count)s new comments"),
        "copy": _("Copy link"),
        "address": _("Copy address"),
        "copied": _("Copied"),
        "hide": _("Hide answers"),
        "show": i18n.plural_forms("Show %(count)s answer", "Show %(count)s answers"),
        "server": _("Your Mastodon server, such as mastodon.social"),
        "sheet": _("Share"),
        "trouble": _("The comment server does not answer at the moment. Please try again in a minute."),
    }


def for_writers() -> Words:
    """Return those of ``static/embed/composer.js``."""
    return {
        "heading": _("Write a comment"),
        "answer": _("Answer %(name)s"),
        "post": _("Post comment"),
        "send": _("Send for approval"),
        "left": i18n.plural_forms("%(count)s character left", "%(count)s characters left"),
        "over": i18n.plural_forms("%(count)s character too many", "%(count)s characters too many"),
        "computing": _("Computing; you may go on writing …"),
        "edit": _("Edit"),
        "remove": _("Delete"),
        "sure": _("Delete for good"),
        "save": _("Save"),
        "cancel": _("Cancel"),
        "removed": _("Your comment is gone."),
        "changed": _("Your comment is changed."),
        "held": _("Your comment is changed and waits for approval."),
        "edited": _("edited"),
        "text": _("Your comment"),
        "trouble": _(
            "The comment server does not answer at the moment. Your text is still here; "
            "please send it again in a minute."
        ),
    }

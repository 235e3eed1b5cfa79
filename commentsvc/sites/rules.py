"""The rules of a site: each with a sentence that says what it does, and a default.

The command ``site set`` and the admin pages offer the same rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from commentsvc import fields, i18n, links
from commentsvc.errors import N_, InvalidFields, Refusal
from commentsvc.models.site import Captcha, Composer, FirstChallenge, Linkbacks, Moderation, Network, Site, View

MAX_NAME_LENGTH = 200
MAX_WEB_ADDRESS_LENGTH = 500


class NotAnOrigin(Refusal):
    """Not the address of a web server."""

    status = 422
    sentence = N_("“%(typed)s” is not a site address. Write it like https://blog.example.")


class NotSpoken(Refusal):
    """Not an available language."""

    status = 422
    sentence = N_("The language “%(typed)s” is not available. Choose one of: %(known)s.")


class NotWithin(Refusal):
    """Not a number, too small, or too large."""

    status = 422
    sentence = N_("Please enter a number from %(least)d to %(most)d.")


class NotAChoice(Refusal):
    """Not one of the choices."""

    status = 422
    sentence = N_("“%(typed)s” is not possible here. Choose one of: %(known)s.")


class NotAWebAddress(Refusal):
    """An address without a scheme, or of another kind."""

    status = 422
    sentence = N_("“%(typed)s” is not a complete web address. It must begin with https://.")


class Group(StrEnum):
    """Rules that belong together, in display order."""

    BLOG = N_("General")
    WHO_WAITS = N_("Moderation")
    WHO_IS_ASKED = N_("Robot check and limits")
    LAYOUT = N_("Appearance")
    LINKBACKS = N_("Links from other blogs")
    KEEPING = N_("Data retention")


@dataclass(frozen=True)
class Rule:
    """``sentence`` says what it does; ``takes`` converts what was typed, or raises a ``Refusal``.

    ``choices`` are the values with their names, ``several`` if more than one may be taken; ``bounds`` are minimum and
    maximum; ``lines`` if a value has several lines.
    """

    name: str
    group: Group
    label: str
    sentence: str
    takes: Callable[[str], Any]
    choices: Mapping[Any, str] | None = None
    several: bool = False
    bounds: tuple[int, int] | None = None
    lines: bool = False

    @property
    def default(self) -> Any:
        """The value of a new site."""
        given = Site.__table__.columns[self.name].default
        return getattr(given, "arg", None) if given is not None and given.is_scalar else None


def _text(longest: int) -> Callable[[str], str]:
    return lambda typed: " ".join(typed.split())[:longest]


def _name(typed: str) -> str:
    name = _text(MAX_NAME_LENGTH)(typed)
    if not name:
        raise fields.Missing
    return name


def _language(typed: str) -> str:
    if typed not in i18n.languages():
        raise NotSpoken(typed=typed, known=", ".join(i18n.languages()))
    return typed


def _email(typed: str) -> str | None:
    try:
        return fields.checked_email(typed) if typed.strip() else None
    except InvalidFields as wrong:
        raise wrong.fields["email"] from None


def _one_a_line(typed: str) -> str:
    return "\n".join(word.strip() for word in typed.replace(",", "\n").splitlines() if word.strip())


def web_address(typed: str) -> str:
    """Return a whole http(s) address; raises ``NotAWebAddress``."""
    if links.origin_of(typed) is None or len(typed) > MAX_WEB_ADDRESS_LENGTH or "\0" in typed:
        raise NotAWebAddress(typed=typed)
    return typed


def _networks(typed: str) -> list[str]:
    chosen = [one.strip() for one in typed.split(",") if one.strip() not in ("", "none")]
    known = [str(one) for one in Network]
    if unknown := [one for one in chosen if one not in known]:
        raise NotAChoice(typed=unknown[0], known=", ".join(known))
    return chosen


def _choice(kind: type[StrEnum]) -> Callable[[str], str]:
    def take(typed: str) -> str:
        if typed not in set(kind):
            raise NotAChoice(typed=typed, known=", ".join(kind))
        return typed

    return take


def _number(least: int, most: int, *, none: bool = False) -> Callable[[str], int | None]:
    def take(typed: str) -> int | None:
        text = typed.strip()
        if none and text in ("", "0"):
            return None
        if not text.isascii() or not text.isdigit() or len(text) > fields.MAX_DIGITS:
            raise NotWithin(least=least, most=most)
        if not least <= int(text) <= most:
            raise NotWithin(least=least, most=most)
        return int(text)

    return take


def _chosen(name: str, group: Group, label: str, sentence: str, kind: type[StrEnum], names: Mapping[Any, str]) -> Rule:
    return Rule(name, group, label, sentence, _choice(kind), choices=names)


def _counted(name: str, group: Group, label: str, sentence: str, least: int, most: int, *, none: bool = False) -> Rule:
    return Rule(name, group, label, sentence, _number(least, most, none=none), bounds=(least, most))


PROTOCOL = {
    Linkbacks.LIKE_COMMENTS: N_("same as comments"),
    Linkbacks.HOLD: N_("hold all"),
    Linkbacks.PUBLISH: N_("publish immediately"),
    Linkbacks.OFF: N_("not accepted"),
}

RULES = (
    Rule("name", Group.BLOG, N_("Name"), N_("Name of the blog."), _name),
    Rule("language", Group.BLOG, N_("Language"), N_("Default language for readers."), _language),
    Rule(
        "email",
        Group.BLOG,
        N_("Notification email"),
        N_("Where to send notifications about held comments; empty = to every moderator."),
        _email,
    ),
    _chosen(
        "moderation",
        Group.WHO_WAITS,
        N_("Comments"),
        N_("Whose comments need approval before they are published."),
        Moderation,
        {
            Moderation.ALL: N_("everyone’s"),
            Moderation.FIRST: N_("comments from people with no approved comment yet"),
            Moderation.NONE: N_("none, unless another rule holds them"),
        },
    ),
    _counted(
        "hold_links",
        Group.WHO_WAITS,
        N_("Hold from this many links"),
        N_("Hold comments with at least this many links."),
        0,
        1000,
    ),
    Rule(
        "hold_words",
        Group.WHO_WAITS,
        N_("Words to hold"),
        N_(
            "Hold comments that contain any of these words (one per line or separated by commas). They also match "
            "inside longer words."
        ),
        _one_a_line,
        lines=True,
    ),
    Rule(
        "disallowed_words",
        Group.WHO_WAITS,
        N_("Spam words"),
        N_(
            "Mark comments that contain any of these words as spam (one per line or separated by commas). They also "
            "match inside longer words."
        ),
        _one_a_line,
        lines=True,
    ),
    Rule(
        "akismet_key",
        Group.WHO_WAITS,
        N_("Akismet API key"),
        N_("Have Akismet check held comments with this key; leave empty to turn it off."),
        _text(100),
    ),
    Rule(
        "akismet_url",
        Group.WHO_WAITS,
        N_("Address of the spam checker"),
        N_("Change this only for another service with Akismet’s protocol."),
        web_address,
    ),
    _chosen(
        "captcha",
        Group.WHO_IS_ASKED,
        N_("Robot check"),
        N_("Who has to pass the robot check."),
        Captcha,
        {
            Captcha.ALWAYS: N_("people without an approved comment"),
            Captcha.SUSPICIOUS: N_("suspicious visitors only"),
            Captcha.NEVER: N_("nobody"),
        },
    ),
    _chosen(
        "first_challenge",
        Group.WHO_IS_ASKED,
        N_("Shown first"),
        N_("Which kind of robot check is shown first. Without JavaScript, it is always the picture."),
        FirstChallenge,
        {
            FirstChallenge.PICTURE: N_("type the characters of a picture"),
            FirstChallenge.COMPUTATION: N_("one click, and the device solves it"),
        },
    ),
    _counted(
        "comments_per_minute",
        Group.WHO_IS_ASKED,
        N_("Comments per minute"),
        N_("How many comments one IP address may post per minute."),
        1,
        100_000,
    ),
    _counted(
        "same_text_hours",
        Group.WHO_IS_ASKED,
        N_("Repeated text"),
        N_("For how many hours the same text is rejected in a thread; 0 = never."),
        0,
        87_600,
    ),
    _counted(
        "edit_minutes",
        Group.WHO_IS_ASKED,
        N_("Editing time (minutes)"),
        N_("For how many minutes authors can edit or delete their comment; 0 = not at all."),
        0,
        1440,
    ),
    _counted(
        "close_after_days",
        Group.WHO_IS_ASKED,
        N_("Close after (days)"),
        N_("Close threads this many days after their first comment; 0 = never."),
        0,
        36_500,
        none=True,
    ),
    _chosen(
        "view",
        Group.LAYOUT,
        N_("Layout"),
        N_("Layout that readers see first."),
        View,
        {View.THREADED: N_("threaded"), View.LINEAR: N_("linear")},
    ),
    _chosen(
        "composer",
        Group.LAYOUT,
        N_("Comment form"),
        N_("Whether the comment form is above or below the comments."),
        Composer,
        {Composer.FIRST: N_("above the comments"), Composer.LAST: N_("below the comments")},
    ),
    _counted("page_size", Group.LAYOUT, N_("Comments per page"), N_("Top-level comments per page."), 1, 500),
    Rule(
        "share",
        Group.LAYOUT,
        N_("Share"),
        N_("Share links offered to readers."),
        _networks,
        choices={
            Network.MASTODON: "Mastodon",
            Network.BLUESKY: "Bluesky",
            Network.X: "X",
            Network.FACEBOOK: "Facebook",
            Network.EMAIL: N_("Email"),
            Network.COPY: N_("Copy link"),
        },
        several=True,
    ),
    _chosen(
        "trackbacks",
        Group.LINKBACKS,
        N_("Trackbacks"),
        N_("What happens to verified trackbacks."),
        Linkbacks,
        PROTOCOL,
    ),
    _chosen(
        "pingbacks", Group.LINKBACKS, N_("Pingbacks"), N_("What happens to verified pingbacks."), Linkbacks, PROTOCOL
    ),
    _chosen(
        "webmentions",
        Group.LINKBACKS,
        N_("Webmentions"),
        N_("What happens to verified webmentions."),
        Linkbacks,
        PROTOCOL,
    ),
    _counted(
        "keep_addresses_days",
        Group.KEEPING,
        N_("IP addresses"),
        N_("For how many days hashed IP addresses are kept; 0 = as long as the comment."),
        0,
        36_500,
    ),
    _counted(
        "keep_spam_days",
        Group.KEEPING,
        N_("Spam"),
        N_("After how many days spam is deleted permanently; 0 = never."),
        0,
        36_500,
    ),
    _counted(
        "keep_trash_days",
        Group.KEEPING,
        N_("Trash"),
        N_("After how many days comments in the trash are deleted permanently; 0 = never."),
        0,
        36_500,
    ),
)
BY_NAME = {rule.name: rule for rule in RULES}


def validated_form(typed: Mapping[str, str], places: str, feed: str) -> dict[str, Any]:
    """Return all settings of a site as values, as its form has them; raises ``InvalidFields`` with every wrong one."""
    parts = (
        lambda: validated(typed),
        lambda: {"origins": origins(places.split())},
        lambda: {"feed": checked_feed(feed.strip())},
    )
    values: dict[str, Any] = {}
    wrong: dict[str, Refusal] = {}
    for part in parts:
        try:
            values |= part()
        except InvalidFields as refusal:
            wrong |= refusal.fields
    if wrong:
        raise InvalidFields(wrong)
    return values


def validated(typed: Mapping[str, str]) -> dict[str, Any]:
    """Return typed rules as values; raises ``InvalidFields`` with every wrong one."""
    values, wrong = {}, {}
    for name, text in typed.items():
        try:
            values[name] = BY_NAME[name].takes(text.replace("\0", ""))
        except Refusal as refusal:
            wrong[name] = refusal
    if wrong:
        raise InvalidFields(wrong)
    return values


def checked_feed(typed: str) -> str:
    """Return the address of a feed, or nothing; raises ``InvalidFields``."""
    try:
        return web_address(typed) if typed else ""
    except Refusal as wrong:
        raise InvalidFields({"feed": wrong}) from None


def origins(typed: list[str]) -> list[str]:
    """Return a site's origins in one form; raises ``InvalidFields``."""
    found = []
    for text in typed:
        origin = links.origin_of(text)
        if origin is None:
            raise InvalidFields({"origins": NotAnOrigin(typed=text)})
        found.append(origin)
    if not found:
        raise InvalidFields({"origins": fields.Missing()})
    return list(dict.fromkeys(found))

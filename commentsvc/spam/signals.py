"""What speaks for or against a text: each signal a function of facts that says how many points, and why.

Points are added; ``score`` says what their sum means. A signal returns None where it has nothing to say. Reasons are
message ids with values, so that moderators read them in their own language.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from commentsvc.errors import N_
from commentsvc.spam import addresses, languages
from commentsvc.spam.languages import WORD

FOREIGN_MARKUP = re.compile(r"\[/?(?:url|link|img)\b(?![^\[\]]{0,300}\]\()|<a\s[^>]{0,200}href", re.I)
SHOP = re.compile(r"\.(?:com|net|org|ru|shop|xyz|top)\b", re.I)
FEW_CHARACTERS = 20
MAX_WORDS_NAMED = 3
MANY_LINKS = 3
MAX_TYPING_SPEED = 15.0  # characters a second; a fast typist reaches ten
MANY_PINGS = 5  # of one blog in a day
MANY_LINKS_OUT = 300  # of one page
LONG_ENOUGH_TO_PASTE = 200  # characters
# Words of trades that live on comment spam, in any language.
TRADE_WORDS = """
casino casinos casinò roulette betting bookmaker poker jackpot payday forex viagra cialis levitra kamagra pharmacy
erectile steroids escort escorts porn xxx camgirl camgirls replica rolex louboutin backlink backlinks dofollow guestpost
казино виагра порно ставки 赌场 博彩 彩票 カジノ
"""
TRADES = frozenset(TRADE_WORDS.split())
# Domains of disposable mailboxes.
DISPOSABLE_DOMAINS = """
mailinator.com guerrillamail.com 10minutemail.com tempmail.com temp-mail.org yopmail.com trashmail.com sharklasers.com
dispostable.com maildrop.cc getnada.com throwawaymail.com mailnesia.com fakeinbox.com
"""
DISPOSABLE = frozenset(DISPOSABLE_DOMAINS.split())
# The script of a language, unless Latin.
SCRIPTS = {"uk": "CYRILLIC", "ja": "CJK", "zh": "CJK", "ar": "ARABIC", "fa": "ARABIC", "he": "HEBREW"}
OF_CJK = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")


@dataclass(frozen=True)
class Facts:
    """What is known about a comment when it is judged.

    ``seconds`` passed from seeing the form to sending it; ``same_text_count`` counts the same text in other threads;
    ``seen_in_spam`` names what of it moderators found in spam before (``text website name email``); ``spam_count`` and
    ``approved_count`` count earlier comments of the same browser or address; ``learned`` is the probability of spam
    that the filter gives, None where it knows too little; ``unsolved`` says that its writer solved no challenge, but
    could have been asked to; ``is_shown`` if readers see it already, as it was before it changed. ``linkback`` is the
    protocol of one; of these, ``title`` and ``author_url`` are what its page says, ``pings`` counts those of the same
    blog within a day, this one among them, ``links_out`` the links on its page, and ``is_made_up`` says that the page
    does not say what the ping does.
    """

    body: str
    author: str = ""
    website: str | None = None
    email: str | None = None
    language: str = "en"
    seconds: float | None = None
    same_text_count: int = 0
    seen_in_spam: frozenset[str] = frozenset()
    spam_count: int = 0
    approved_count: int = 0
    learned: float | None = None
    linkback: str = ""
    title: str = ""
    author_url: str | None = None
    is_shown: bool = False
    pings: int = 0
    links_out: int = 0
    is_made_up: bool = False
    unsolved: bool = False

    @cached_property
    def links(self) -> Sequence[str]:
        """Return the addresses in the text, whatever their scheme and case."""
        return addresses.in_text(self.body)


@dataclass(frozen=True)
class Signal:
    """Points for spam, negative ones against it; ``reason`` is a message id whose places ``values`` fill."""

    points: float
    reason: str
    values: tuple[tuple[str, Any], ...] = ()


Look = Callable[[Facts], Signal | None]


LINKS = N_("links: %(count)d")


def links(facts: Facts) -> Signal | None:
    """Every link more than one is a little more like an advertisement."""
    count = len(facts.links)
    points = min(1 + count, 7) if count >= MANY_LINKS else 0.5 * count
    return Signal(points, LINKS, (("count", count),)) if count else None


def mostly_links(facts: Facts) -> Signal | None:
    """Little is said besides the links."""
    if not facts.links or len(addresses.without(facts.body).strip()) > sum(map(len, facts.links)):
        return None
    return Signal(2, N_("hardly any text apart from links"))


def foreign_markup(facts: Facts) -> Signal | None:
    """Links written for other programs: whoever wrote them did not look at the form."""
    return Signal(4, N_("link markup from another system")) if FOREIGN_MARKUP.search(facts.body) else None


def trades(facts: Facts) -> Signal | None:
    """Words of trades that live on spam, in text, name or website."""
    text = " ".join((facts.body, facts.author, facts.website or "")).casefold()
    found = sorted(TRADES.intersection(WORD.findall(text)))
    if not found:
        return None
    named = ", ".join(found[:MAX_WORDS_NAMED])
    return Signal(min(3 * len(found), 8), N_("words that are common in spam: %(words)s"), (("words", named),))


def mixed_scripts(facts: Facts) -> Signal | None:
    """Letters of several scripts in one word, as in a Latin word with a Cyrillic ``a``, are there to deceive."""
    text = f"{facts.author} {facts.body}"
    for word in () if text.isascii() else WORD.findall(text):
        if not word.isascii() and len({_script(char) for char in word} & {"LATIN", "CYRILLIC", "GREEK"}) > 1:
            return Signal(4, N_("mixed alphabets within one word"))
    return None


def other_script(facts: Facts) -> Signal | None:
    """Most of the text is in another script than the site's readers write."""
    if facts.body.isascii():  # the Latin one is read everywhere
        return None
    scripts = [_script(char) for char in facts.body if char.isalpha()]
    own = SCRIPTS.get(facts.language[:2], "LATIN")
    foreign = sum(script not in (own, "LATIN") for script in scripts)
    if len(scripts) < FEW_CHARACTERS or foreign * 2 < len(scripts):
        return None
    return Signal(3, N_("not in the blog’s alphabet"))


def other_language(facts: Facts) -> Signal | None:
    """The text is in another language than the site's; a little, as readers come from everywhere."""
    guessed = languages.guess(addresses.without(facts.body) if facts.links else facts.body)
    if guessed is None or guessed == facts.language[:2]:
        return None
    return Signal(1, N_("not in the blog’s language"))


def many_pings(facts: Facts) -> Signal | None:
    """The same blog links to many articles within a day, as no reader does."""
    if facts.pings < MANY_PINGS:
        return None
    return Signal(
        min(facts.pings - MANY_PINGS + 2, 8),
        N_("mentions from the same blog today: %(count)d"),
        (("count", facts.pings),),
    )


def page_of_links(facts: Facts) -> Signal | None:
    """The page that links here links to hundreds of others."""
    if facts.links_out < MANY_LINKS_OUT:
        return None
    return Signal(3, N_("links on the page: %(count)d"), (("count", facts.links_out),))


def excerpt_of_nothing(facts: Facts) -> Signal | None:
    """What the ping says of its page does not stand on it."""
    return Signal(3, N_("the excerpt is not on the page")) if facts.is_made_up else None


def elsewhere(facts: Facts) -> Signal | None:
    """The same text stands under other articles."""
    if not facts.same_text_count:
        return None
    points = 2 if len(facts.body) < FEW_CHARACTERS else 4  # two people may well say "Thank you!"
    return Signal(points, N_("the same text under other articles: %(count)d"), (("count", facts.same_text_count),))


def text_seen(facts: Facts) -> Signal | None:
    """Moderators found this very text in spam."""
    return Signal(8, N_("text seen in spam")) if "text" in facts.seen_in_spam else None


def website_seen(facts: Facts) -> Signal | None:
    """Moderators found this website in spam."""
    return Signal(5, N_("website seen in spam")) if "website" in facts.seen_in_spam else None


def email_seen(facts: Facts) -> Signal | None:
    """Moderators found this mail address in spam."""
    return Signal(5, N_("email address seen in spam")) if "email" in facts.seen_in_spam else None


def name_seen(facts: Facts) -> Signal | None:
    """Moderators found this name in spam; people share names, so it says little."""
    return Signal(2, N_("name seen in spam")) if "name" in facts.seen_in_spam else None


def commercial_name(facts: Facts) -> Signal | None:
    """The name is an address; blogs may be called by theirs."""
    if facts.linkback:
        return None
    is_address = addresses.in_text(facts.author) or SHOP.search(facts.author)
    return Signal(3, N_("the name is an address")) if is_address else None


def disposable_email(facts: Facts) -> Signal | None:
    """A mail address that lives for ten minutes."""
    domain = (facts.email or "").rpartition("@")[2].casefold()
    return Signal(2, N_("disposable email address")) if domain in DISPOSABLE else None


def odd_address(facts: Facts) -> Signal | None:
    """A mail address with so many digits, dots or so few vowels that a program made it."""
    local = (facts.email or "").partition("@")[0]
    digits, dots = sum(char.isdigit() for char in local), local.count(".")
    letters = [char for char in local.casefold() if char.isalpha()]
    vowels = sum(char in "aeiouy" for char in letters)
    is_odd = digits >= 6 or dots >= 4 or (len(letters) >= 9 and vowels * 8 < len(letters))
    return Signal(1, N_("unusual email address")) if is_odd else None


def speed(facts: Facts) -> Signal | None:
    """A long text, faster than anybody types: pasted, by a person or a program."""
    if facts.seconds is None or len(facts.body) < LONG_ENOUGH_TO_PASTE:
        return None
    if len(facts.body) / max(facts.seconds, 1.0) < MAX_TYPING_SPEED:
        return None
    return Signal(1, N_("written unusually fast"))


def earlier_spam(facts: Facts) -> Signal | None:
    """Earlier comments of the same browser or address were spam; a household or an office may share that address."""
    count = facts.spam_count
    points = min(2 + 2 * count, 6)
    return Signal(points, N_("earlier spam from the same source: %(count)d"), (("count", count),)) if count else None


def approved_before(facts: Facts) -> Signal | None:
    """Earlier comments of the same browser were approved."""
    count = facts.approved_count
    return Signal(-min(2 + count, 6), N_("approved before: %(count)d"), (("count", count),)) if count else None


def learned(facts: Facts) -> Signal | None:
    """What the filter makes of its words, from the decisions of moderators."""
    if facts.learned is None:
        return None
    bounded = min(max(facts.learned, 0.001), 0.999)
    points = math.log10(bounded / (1 - bounded)) * 3  # nine in ten: three points; 99 in 100: six
    return Signal(points, N_("reads like spam: %(percent)d %%"), (("percent", round(facts.learned * 100)),))


SIGNALS: tuple[Look, ...] = (
    *(
        text_seen,
        website_seen,
        email_seen,
        name_seen,
        earlier_spam,
        learned,
        foreign_markup,
        trades,
        links,
        mostly_links,
    ),
    *(
        many_pings,
        page_of_links,
        excerpt_of_nothing,
        mixed_scripts,
        other_script,
        other_language,
        elsewhere,
        commercial_name,
        disposable_email,
        odd_address,
        speed,
        approved_before,
    ),
)


def all_of(facts: Facts) -> Iterator[Signal]:
    """What every signal has to say."""
    for look in SIGNALS:
        if signal := look(facts):
            yield signal


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    script = unicodedata.name(char, "").partition(" ")[0]
    return "CJK" if script in OF_CJK else script

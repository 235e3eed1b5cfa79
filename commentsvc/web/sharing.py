"""Share links: plain links without foreign scripts or trackers."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from commentsvc.i18n import gettext as _
from commentsvc.models.site import Network, Site

ADDRESSES: dict[Network, Callable[[str, str], str]] = {
    # The script asks for the reader's own server; without it, this one serves everybody.
    Network.MASTODON: lambda url, title: "https://mastodon.social/share?" + urlencode({"text": f"{title} {url}"}),
    Network.BLUESKY: lambda url, title: "https://bsky.app/intent/compose?" + urlencode({"text": f"{title} {url}"}),
    Network.X: lambda url, title: "https://x.com/intent/post?" + urlencode({"text": title, "url": url}),
    Network.FACEBOOK: lambda url, _title: "https://www.facebook.com/sharer/sharer.php?" + urlencode({"u": url}),
    Network.EMAIL: lambda url, title: f"mailto:?subject={quote(title)}&body={quote(url)}",
    Network.COPY: lambda url, _title: url,
}
NAMES = {Network.MASTODON: "Mastodon", Network.BLUESKY: "Bluesky", Network.X: "X", Network.FACEBOOK: "Facebook"}


@dataclass(frozen=True)
class ShareLink:
    """``network`` is its name in the script, ``name`` in the page."""

    network: Network
    name: str
    href: str


def links_for(site: Site, url: str, title: str) -> list[ShareLink]:
    """Return the share links that the site wants, in its order; none by default."""
    names = NAMES | {Network.EMAIL: _("Email"), Network.COPY: _("Copy address")}
    chosen = [Network(one) for one in site.share]
    return [ShareLink(one, names[one], ADDRESSES[one](url, title)) for one in chosen]

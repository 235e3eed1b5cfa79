"""A thread as JSON-LD (schema.org ``Article`` with its ``Comment``)."""

import json
from typing import Any

from markupsafe import Markup


def of_thread(thread_json: str) -> Markup:
    """Return the content of ``<script type="application/ld+json">``, from the API's own response."""
    thread = json.loads(thread_json)
    article = {
        "@context": "https://schema.org",
        "@type": "Article",
        "@id": thread["url"],
        "url": thread["url"],
        "headline": thread["title"] or thread["url"],
        "commentCount": thread["count"],
        "comment": [_comment(one) for one in thread["comments"]],
    }
    # "<" escaped, so that no comment can end the script element.
    return Markup(json.dumps(article, ensure_ascii=False).replace("<", "\\u003c"))  # noqa: S704 - just made safe


def _comment(comment: dict[str, Any]) -> dict[str, Any]:
    author = {"@type": "Person", "name": comment["author"]}
    if url := comment["author_url"] or (comment["website"] if comment["kind"] == "comment" else None):
        author["url"] = url
    described = {
        "@type": "Comment",
        "@id": comment["url"],
        "url": comment["url"],
        "author": author,
        "text": comment["body"],
        "dateCreated": comment["published_at"] or comment["created_at"],
    }
    if comment["edited_at"]:
        described["dateModified"] = comment["edited_at"]
    if comment["parent_id"]:
        described["parentItem"] = {"@type": "Comment", "@id": comment["parent_url"]}
    return described

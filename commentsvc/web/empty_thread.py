"""Responses for threads without comments: rendered once per site, with each article's key inserted."""

import re
import secrets

from flask import request

from commentsvc.db import db
from commentsvc.threads.articles import Article
from commentsvc.web import snapshots

KEY = f"nobody-{secrets.token_hex(16)}"  # a key under which nobody ever writes, as nobody knows it
READS_THE_SAME = re.compile(r"[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*")  # in an address, in HTML and in JSON


def answer(article: Article) -> bytes | None:
    """Return the response, made from another article's; None if it must be rendered."""
    if article.thread is not None or article.key == KEY or not READS_THE_SAME.fullmatch(article.key):
        return None
    if article.site.share:  # its links have the address in another spelling
        return None
    path = request.path.removesuffix(article.key)
    if path == request.path:
        return None
    # What follows may wait for a second connection; holding one meanwhile could deadlock.
    db.session.close()
    of_another = snapshots.body_of(path + KEY, request.args.items(), snapshots.shape_asked_for())
    return of_another.replace(KEY.encode(), article.key.encode())

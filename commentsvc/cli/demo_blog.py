"""The demo's two blogs, and a page with the emails, as a small application on origins of its own."""

import email
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from flask import Flask, abort, render_template, request
from werkzeug.security import safe_join

from commentsvc import links, paths
from commentsvc.linkbacks import trackback

ARTICLE = "/2020/05/phone.html"
POST = "/why-i-keep-a-landline.html"
TITLE = "The phone"
# What a blog may style with ::part(), as docs/embed.md lists it.
PARTS = (
    *("share", "thread", "head", "views", "comments", "comment", "avatar", "name", "badge", "meta", "body", "acts"),
    *(
        "pinned",
        "tombstone",
        "empty",
        "pages",
        "news",
        "form",
        "tools",
        "preview",
        "button",
        "closed",
        "linkbacks",
        "faces",
    ),
)


def create(comments: str, blog_origin: str, neighbour: str, emails: Path) -> Flask:
    """Return the blogs' application, for a comment server at ``comments``, with emails in a folder."""
    blog = Flask("demo blog", template_folder=str(paths.TEMPLATES / "demo"), static_folder=None)

    @blog.get("/")
    def index() -> str:
        return render_template("index.html", article=ARTICLE, title=TITLE)

    @blog.get(ARTICLE)
    def article() -> str:
        url = request.base_url
        ping = links.trackback("blog", links.thread_key(url))
        rdf = trackback.rdf(url, TITLE, ping)
        return render_template(
            "article.html", comments=comments, url=url, title=TITLE, ping=ping, rdf=rdf, neighbour=neighbour + POST
        )

    @blog.get("/theming.html")
    def theming() -> str:
        key = links.thread_key(ARTICLE)
        return render_template("theming.html", comments=comments, url=request.base_url, key=key, parts=PARTS)

    @blog.get(POST)
    def post() -> str:
        return render_template("post.html", article=blog_origin + ARTICLE, title=TITLE, comments=comments)

    @blog.get("/emails")
    def list_emails() -> str:
        files = sorted(emails.glob("*.eml"), key=lambda file: file.stat().st_mtime, reverse=True)
        return render_template("emails.html", emails=[(file.name, _read(file)) for file in files])

    @blog.get("/emails/<name>")
    def show_email(name: str) -> str:
        return render_template("email.html", name=name, email=_read(_email(emails, name)))

    @blog.get("/emails/<name>/html")
    def show_html(name: str) -> str:
        part = _read(_email(emails, name)).get_body(("html",))
        return f'<base target="_blank">{part.get_content()}' if part else ""  # links leave the frame

    return blog


def _email(folder: Path, name: str) -> Path:
    path = safe_join(str(folder), name)
    if path is None or not Path(path).is_file():
        abort(404)
    return Path(path)


def _read(file: Path) -> EmailMessage:
    return email.message_from_bytes(file.read_bytes(), policy=default)

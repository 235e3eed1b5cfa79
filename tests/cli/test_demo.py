"""The blog that ``make run`` shows."""

from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import StrictUndefined

from commentsvc.cli import demo_blog


@pytest.fixture
def blog(app: Flask, tmp_path: Path) -> FlaskClient:
    """The blog with one email, on which a missing value is an error."""
    email = EmailMessage()
    email["Subject"], email["From"], email["To"] = "New reply", "comments@blog.example", "bob@mail.example"
    email.set_content("Grace replied.")
    email.add_alternative("<p>Grace replied.</p>", subtype="html")
    (tmp_path / "1.eml").write_bytes(bytes(email))
    pages = demo_blog.create("http://comments.example", "http://blog.example", "http://other.example", tmp_path)
    pages.jinja_env.undefined = StrictUndefined
    return pages.test_client()


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        ("/", demo_blog.TITLE),
        (demo_blog.ARTICLE, f'<a href="http://comments.example/t/blog{demo_blog.ARTICLE}">'),
        ("/theming.html", "<comment-thread"),
        (demo_blog.POST, demo_blog.TITLE),
        ("/emails", "New reply"),
        ("/emails/1.eml", "Grace replied."),
        ("/emails/1.eml/html", "<p>Grace replied.</p>"),
    ],
)
def test_every_page_of_the_demo_blog(blog: FlaskClient, path: str, holds: str) -> None:
    answer = blog.get(path)
    assert answer.status_code == 200
    assert holds in answer.text


def test_an_email_that_is_not_there(blog: FlaskClient) -> None:
    assert blog.get("/emails/2.eml").status_code == 404

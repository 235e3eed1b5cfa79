"""Comments of a real WordPress come here, and what we write for it is what it already has."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from commentsvc.db import db
from commentsvc.models import Comment, Site, Thread
from commentsvc.models.comment import State
from commentsvc.models.thread import Access
from commentsvc.transfer import exporting
from commentsvc.transfer.export_writer import Blog
from commentsvc.transfer.formats.wordpress_out import WordPressWriter
from tests import wordpress
from tests.transfer.conftest import Bring
from tests.wordpress import WordPress

pytestmark = pytest.mark.slow
ORIGINS = ["https://old.example"]


@pytest.fixture(scope="module")
def old_blog() -> Iterator[WordPress]:
    """A blog with articles and comments of every sort. Its socket needs a short path that another user may enter."""
    with tempfile.TemporaryDirectory(prefix="wp-") as folder:
        Path(folder).chmod(0o755)
        with wordpress.running(Path(folder)) as blog:
            blog.run("fill.php")
            yield blog


@pytest.fixture(scope="module")
def export(old_blog: WordPress) -> bytes:
    """What *Tools → Export* downloads."""
    return old_blog.run("export.php")


def rows() -> dict[str, Comment]:
    """What came, by its text."""
    return {comment.body: comment for comment in db.session.scalars(select(Comment))}


def test_all_that_readers_saw_comes_along(bring: Bring, export: bytes) -> None:
    report = bring(export, origins=ORIGINS, takes_deleted=True)
    found = rows()
    assert report.taken["approved comments"] == 18
    assert {name: found[name].state for name in ("pending", "trash")} == {
        "pending": State.PENDING,
        "trash": State.TRASHED,
    }
    assert found["third"].parent_id == found["second"].id
    assert found["second"].parent_id == found["first"].id
    assert found["reply to trash"].parent_id == found["trash"].id
    assert found["reply to spam"].parent_id is None, "WordPress exports no spam"
    assert found["first"].written_at.isoformat() == "2024-05-03T08:00:00+00:00"
    assert found["winter"].written_at.isoformat() == "2024-12-01T11:00:00+00:00"
    assert found["emoji 👍🏽 👩‍👩‍👧 𝒳"].author == "Zoë 🦊"
    assert found['My name is "odd" — it’s \\backslashed\\'].author == 'O\'Brien & "Söhne"'
    assert found["nobody"].author == "Anonymous"
    assert "control signs" in {" ".join(body.split()) for body in found}
    for name in ("address typed", "address of a plugin"):
        assert found[name].website == "https://f.example/?p=1&q=2"
    rich = next(body for body in found if body.startswith("See "))
    assert "[there](https://c.example/?a=1&b=2), *strong*" in rich
    assert "> quoted" in rich


def test_linkbacks_come_as_what_they_are(bring: Bring, export: bytes) -> None:
    bring(export, origins=ORIGINS)
    pingback, trackback = (
        db.session.scalars(select(Comment).where(Comment.kind == kind)).one() for kind in ("pingback", "trackback")
    )
    assert (pingback.author, pingback.website) == ("Blog of Dora", "https://dora.example/river?a=1")
    assert (trackback.author, trackback.title) == ("Blog of Emil", "Phones & more")


def test_articles_keep_their_addresses(bring: Bring, export: bytes) -> None:
    bring(export, origins=ORIGINS, closes=True)
    threads = {thread.title: thread for thread in db.session.scalars(select(Thread))}
    assert threads["Über die Brücke & zurück"].key == "2024/05/uber-die-brucke-zuruck"
    assert threads["About"].key == "about"
    assert threads["Closed"].access == Access.CLOSED
    assert "日本語の題名" in threads


def test_what_readers_did_not_see_stays_behind(bring: Bring, export: bytes) -> None:
    report = bring(export, origins=ORIGINS)
    assert not {"on a draft", "on a private one", "on one with a password", "on a private picture"} & set(rows())
    assert "on a picture" in rows()
    told = "\n".join(report.lines())
    assert "the article is not published (draft)" in told
    assert "the article has a password" in told
    assert "the XML is damaged" not in told


def test_a_second_run_adds_nothing(bring: Bring, export: bytes) -> None:
    total = bring(export, origins=ORIGINS).total
    again = bring(export, origins=ORIGINS)
    assert (again.total, again.already) == (0, total)


def test_it_knows_what_we_write_for_it(bring: Bring, export: bytes, old_blog: WordPress, tmp_path: Path) -> None:
    """Otherwise everything would be there twice."""
    bring(export, origins=ORIGINS)
    (tmp_path / "own.xml").write_bytes(export)
    writer = WordPressWriter(Blog.of(Site.named("blog")), articles=exporting.articles(tmp_path / "own.xml"))
    Path(old_blog.files / "back.xml").write_bytes(b"".join(exporting.chunks(writer)))
    told = old_blog.run("read_back.php", WP_FILE=str(old_blog.files / "back.xml")).decode().splitlines()
    unknown = {
        "new: as Anna wrote, <strong>the bridge</strong> is closed",  # whose author is another sign there
        "new: ",  # the place of a deleted one, which was left behind
        "new: nobody",  # whose name is empty there
        "new: winter",  # no article is of a winter
    }
    assert set(told) == unknown

"""What leaves: parts of a blog, several files, files for WordPress that name its own articles, files for Staticman."""

import re
import tarfile
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from commentsvc import clock
from commentsvc.db import db
from commentsvc.models import Comment, Site, Thread
from commentsvc.transfer import exporting
from commentsvc.transfer.export_writer import Blog
from commentsvc.transfer.exporting import Scope
from commentsvc.transfer.formats.staticman_out import StaticmanWriter
from commentsvc.transfer.formats.wordpress_out import WordPressWriter
from tests.cast import ARTICLE_URL, BOB
from tests.time import FrozenClock
from tests.transfer.conftest import Bring, exported
from tests.transfer.samples import ITEM, WXR, wxr
from tests.visitors import Visitor, row


def files(most: int) -> list[bytes]:
    """The files of an export for WordPress, of at most so many bytes each."""
    found: dict[int, bytes] = {}
    for number, chunk in exporting.parts(WordPressWriter(Blog.of(Site.named("blog"))), most=most):
        found[number] = found.get(number, b"") + chunk
    return list(found.values())


class TestScope:
    """Not everything."""

    def test_one_thread(self, bob: Visitor) -> None:
        bob.comment(BOB, body="here")
        bob.comment(BOB, body="there", key="another")
        site = Site.named("blog")
        thread = Thread.at(site, "another")
        assert thread
        out = b"".join(exporting.chunks(exporting.writer(site, "jsonl"), Scope([thread.id]))).decode()
        assert ("there" in out, '"here"' in out) == (True, False)

    def test_since_a_time(self, bob: Visitor, time: FrozenClock) -> None:
        bob.comment(BOB, body="long ago", key="old")
        time.pass_(days=2)
        bob.comment(BOB, body="today")
        scope = Scope(since=clock.now() - timedelta(days=1))
        out = b"".join(exporting.chunks(exporting.writer(Site.named("blog"), "jsonl"), scope)).decode()
        assert ("today" in out, "long ago" in out, '"old"' in out) == (True, False, False)


@pytest.mark.parametrize("name", ["jsonl", "wxr", "disqus"])
def test_the_home_pages_thread_comes_back(bring: Bring, bob: Visitor, name: str) -> None:
    """Its key is empty."""
    bob.comment(BOB, body="on the home page", key="")
    report = bring(exported(name), site="other", origins=["https://blog.example"])
    assert (report.total, report.left_out) == (1, [])
    thread = Thread.at(Site.named("other"), "")
    assert thread is not None
    assert thread.comment_count == 1


@pytest.mark.parametrize("by_map", [False, True])
def test_explicit_keys_come_back(bring: Bring, visit: Callable[[], Visitor], *, by_map: bool) -> None:
    """Several threads of one article, keys that begin with the sign of a fragment, and one with that sign inside."""
    keys = ("post-42-questions", "post-42-reviews", "#!/p/1", "#", "c%23/intro")
    for key in keys:
        comment = visit().comment(BOB, body=f"in {key}", key=quote(key))
        db.begin_write()
        db.session.get_one(Comment, comment).thread.url = ARTICLE_URL
        db.session.commit()
    rules = {ARTICLE_URL: "https://blog.example/moved"} if by_map else {}
    report = bring(exported(), site="other", origins=["https://blog.example"], rules=rules)
    assert (report.total, report.left_out) == (len(keys), [])
    for key in keys:
        thread = Thread.at(Site.named("other"), key)
        assert thread is not None, key
        assert (thread.comment_count, thread.url.endswith("/moved")) == (1, by_map)


class TestSeveralFiles:
    """PHP takes only files of a certain size."""

    def test_each_is_whole_and_a_thread_stays_together(self, bring: Bring, bob: Visitor) -> None:
        for number in range(6):
            bob.comment(BOB, body=f"number {number} {'x' * 2000}", key=f"article/{number // 2}")
        found = files(most=7000)
        assert len(found) == 3
        assert all(len(one) <= 7000 for one in found)
        for one in found:
            assert bring(one, site="other", origins=["https://blog.example"]).total == 2

    def test_a_large_thread_stands_alone(self, bob: Visitor) -> None:
        for number in range(3):
            bob.comment(BOB, body="x" * 2000, key=f"article/{number}")
        assert len(files(most=100)) == 3

    def test_nothing_to_write_is_one_file(self, bob: Visitor) -> None:
        assert [one.endswith(b"</rss>\n") for one in files(most=100)] == [True]


class TestWordPress:
    """WordPress finds an article by its title and date, as they stand in its own export."""

    def test_articles_are_named_as_it_does(self, bob: Visitor, tmp_path: Path) -> None:
        bob.comment(BOB)
        bob.comment(BOB, key="unknown/there")
        own = wxr(title="Its own title").replace("https://old.example/2007/05/phone/", ARTICLE_URL)
        dates = "<wp:post_date>2007-05-01 12:00:00</wp:post_date><wp:post_date_gmt>"
        (tmp_path / "own.xml").write_text(own.replace("<wp:post_date_gmt>", dates))
        writer = WordPressWriter(Blog.of(Site.named("blog")), articles=exporting.articles(tmp_path / "own.xml"))
        out = b"".join(exporting.chunks(writer)).decode()
        assert "<title>Its own title</title>" in out
        assert "<wp:post_id><![CDATA[7]]></wp:post_id>" in out
        assert "<wp:post_date><![CDATA[2007-05-01 12:00:00]]></wp:post_date>" in out
        numbers = re.findall(r"<wp:post_id><!.CDATA.(\d+)", out)
        assert len(set(numbers)) == len(numbers) == 2, "WordPress skips a number that it has seen"
        assert [count for what, count in writer.left_out.items() if "WordPress makes empty ones" in what] == [1]

    def test_times_are_of_the_blogs_clock_where_its_file_tells_it(self, bob: Visitor, tmp_path: Path) -> None:
        """WordPress compares them with its own; winter and summer differ."""
        utc = row(bob.comment(BOB)).created_at
        summer = ITEM.format(home="https://blog.example", status="publish", title="Summer", comments="")
        dates = (
            "<wp:post_date>2007-05-01 12:00:00</wp:post_date><wp:post_date_gmt>2007-05-01 10:00:00</wp:post_date_gmt>"
        )
        summer = re.sub(r"<wp:post_date_gmt>[^<]*</wp:post_date_gmt>", dates, summer)
        near = f"{utc:%Y-%m-%d} 09:00:00", f"{utc:%Y-%m-%d} 08:00:00"
        winter = summer.replace("2007-05-01 12:00:00", near[0]).replace("2007-05-01 10:00:00", near[1])
        winter = winter.replace("/2007/05/phone/", "/winter/")
        (tmp_path / "own.xml").write_text(WXR.format(home="https://blog.example", items=summer + winter))
        writer = WordPressWriter(Blog.of(Site.named("blog")), articles=exporting.articles(tmp_path / "own.xml"))
        out = b"".join(exporting.chunks(writer)).decode()
        local = utc + timedelta(hours=1)
        assert f"<wp:comment_date><![CDATA[{local:%Y-%m-%d %H:%M:%S}]]>" in out
        assert f"<wp:comment_date_gmt><![CDATA[{utc:%Y-%m-%d %H:%M:%S}]]>" in out

    def test_only_tags_that_everybody_may_write_there(self, bob: Visitor) -> None:
        bob.comment(BOB, body="_one_ and *two*\n\n- first\n- second\n\n```\nx = 1\n```")
        out = b"".join(exporting.chunks(WordPressWriter(Blog.of(Site.named("blog"))))).decode()
        content = re.findall(r"<wp:comment_content><!.CDATA.(.*?)]]>", out, re.S)[0]
        assert content == "<em>one</em> and <strong>two</strong>\n\n- first\n- second\n\n<code>x = 1</code>"


class TestStaticman:
    """A file for each comment, in a folder for each article."""

    def test_it_can_be_read_again(
        self, bring: Bring, bob: Visitor, ada: Visitor, tmp_path: Path, rules: Callable[..., None]
    ) -> None:
        first = bob.comment(BOB, body="with *stars*\nin two lines, and :-)", email=BOB.email)
        bob.comment(BOB, body="a reply: ü, 猫", parent_id=str(first))
        ada.decide(bob.comment(BOB, body="not for everybody", key="another"), "hold")
        writer = StaticmanWriter(Blog.of(Site.named("blog")))
        (tmp_path / "comments.tar").write_bytes(b"".join(exporting.chunks(writer)))
        with tarfile.open(tmp_path / "comments.tar") as packed:
            names = packed.getnames()
            told = yaml.safe_load(packed.extractfile(names[0]).read())  # type: ignore[union-attr]
        assert all(name.startswith("_data/comments/phone/") for name in names)
        assert (told["name"], told["_parent"], told["email"]) == (BOB.name, ARTICLE_URL, "")
        assert writer.left_out == {"comments that are not approved": 1}
        assert bring(tmp_path / "comments.tar", site="other", origins=["https://blog.example"]).total == 2
        blog, other = ([line.partition('"author"')[2] for line in _bodies(site)] for site in ("blog", "other"))
        assert other == blog[:2]

    def test_hashes_of_addresses_only_if_asked_for(self, bob: Visitor) -> None:
        bob.comment(BOB, email=BOB.email)
        packed = BytesIO(b"".join(exporting.chunks(StaticmanWriter(Blog.of(Site.named("blog")), with_addresses=True))))
        with tarfile.open(fileobj=packed) as files_:
            said = yaml.safe_load(files_.extractfile(files_.getnames()[0]).read())  # type: ignore[union-attr]
        assert len(said["email"]) == 32
        assert BOB.email not in packed.getvalue().decode()

    def test_two_articles_of_one_name(self, bob: Visitor) -> None:
        bob.comment(BOB)
        bob.comment(BOB, body="of another one", key="2021/phone.html")
        packed = BytesIO(b"".join(exporting.chunks(StaticmanWriter(Blog.of(Site.named("blog"))))))
        with tarfile.open(fileobj=packed) as files_:
            assert len({name.rpartition("/")[0] for name in files_.getnames()}) == 2


def _bodies(site: str) -> list[str]:
    return [line for line in exported(site=site).splitlines() if '"type": "comment"' in line and '"email"' not in line]


def test_the_page_is_in_the_language_of_the_blog(bob: Visitor, rules: Callable[..., None]) -> None:
    rules("blog", language="de")
    bob.comment(BOB)
    assert exported("html").startswith('<!doctype html>\n<html lang="de">')


def test_a_web_page_repeats_no_heading_with_each_comment(bob: Visitor) -> None:
    """A comment sent from the page carries the article's title, which stands above all of them."""
    bob.comment(title="The phone")
    bob.comment(body="another one, with a title of its own", title="By the way")
    page = exported("html")
    assert page.count("The phone") == 1
    assert page.count("By the way") == 1

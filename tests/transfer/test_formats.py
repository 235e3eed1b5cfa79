"""Each further format by one small file of its own: ids, parents, states, times, texts."""

import json
from pathlib import Path
from typing import Any

import pytest

from commentsvc.transfer import permalinks, reading, times
from commentsvc.transfer.opening import NotReadable
from commentsvc.transfer.records import NotTaken, Page, Reading, Remark, Standing

MT = """AUTHOR: Ada
TITLE: The phone
BASENAME: the_phone
STATUS: Publish
ALLOW COMMENTS: 1
DATE: 05/01/2007 10:00:00 AM
-----
BODY:
It rings.
-----
is no end of it.
-----
COMMENT:
AUTHOR: Grace
EMAIL: grace@mail.example
URL: https://grace.example/
IP: 203.0.113.9
DATE: 05/02/2007 01:02:03 PM
It <b>does</b>,
really.
-----
PING:
TITLE: Of phones
URL: https://cats.example/1
IP: 203.0.113.9
BLOG NAME: Cat blog
DATE: 05/03/2007 11:00:00 PM
They ring.
-----
--------
AUTHOR: Ada
TITLE: Nobody said a word
DATE: 05/04/2007 10:00:00 AM
-----
BODY:
x
-----
--------
"""
BLOGGER = """<?xml version='1.0' encoding='UTF-8'?><feed xmlns='http://www.w3.org/2005/Atom'
 xmlns:thr='http://purl.org/syndication/thread/1.0' xmlns:gd='http://schemas.google.com/g/2005'>
<entry><id>tag:blogger.com,1999:blog-1.post-7</id><published>2007-05-01T10:00:00.000Z</published>
<category scheme='http://schemas.google.com/g/2005#kind' term='http://schemas.google.com/blogger/2008/kind#post'/>
<title>The phone</title><content type='html'>It rings.</content>
<link rel='alternate' href='https://old.blogspot.example/2007/05/phone.html'/></entry>
<entry><id>tag:blogger.com,1999:blog-1.post-8</id><published>2007-05-02T10:00:00.000Z</published>
<category scheme='http://schemas.google.com/g/2005#kind' term='http://schemas.google.com/blogger/2008/kind#comment'/>
<title>It</title><content type='html'>It &lt;i&gt;does&lt;/i&gt;</content>
<author><name>Grace</name><uri>https://grace.example/</uri><email>noreply@blogger.com</email></author>
<thr:in-reply-to ref='tag:blogger.com,1999:blog-1.post-7' href='https://old.blogspot.example/2007/05/phone.html'/></entry>
<entry><id>tag:blogger.com,1999:blog-1.post-9</id><published>2007-05-03T10:00:00.000Z</published>
<category scheme='http://schemas.google.com/g/2005#kind' term='http://schemas.google.com/blogger/2008/kind#comment'/>
<content type='html'>This comment has been removed.</content><author><name>Bob</name></author>
<link rel='related' href='http://www.blogger.example/feeds/1/7/comments/default/8'/>
<gd:extendedProperty name='blogger.contentRemoved' value='true'/>
<thr:in-reply-to ref='tag:blogger.com,1999:blog-1.post-7'/></entry></feed>"""
REMARK42 = [
    {"version": 1, "users": [{"id": "u"}], "posts": []},
    {
        "id": "a",
        "pid": "",
        "text": "<p>one <b>b</b></p>",
        "orig": "one **b**",
        "user": {"name": "Grace", "id": "u"},
        "locator": {"site": "old", "url": "https://old.example/p/"},
        "time": "2007-05-02T10:00:00Z",
        "title": "The phone",
        "pin": True,
    },
    {
        "id": "b",
        "pid": "a",
        "text": "",
        "user": {"name": "x"},
        "locator": {"site": "old", "url": "https://old.example/p/"},
        "time": "2007-05-02T11:00:00Z",
        "delete": True,
    },
]
COMMENTO = {
    "version": 1,
    "comments": [
        {
            "commentHex": "a",
            "domain": "old.example",
            "url": "/p/",
            "commenterHex": "c",
            "markdown": "one **b**",
            "html": "",
            "parentHex": "root",
            "state": "unapproved",
            "creationDate": "2007-05-02T10:00:00Z",
        },
        {
            "commentHex": "b",
            "domain": "old.example",
            "url": "/p/",
            "commenterHex": "anonymous",
            "markdown": "[deleted]",
            "parentHex": "a",
            "state": "approved",
            "creationDate": "2007-05-02T11:00:00Z",
        },
    ],
    "commenters": [{"commenterHex": "c", "name": "Grace", "email": "grace@mail.example", "link": "undefined"}],
}
ARTALK = [
    {
        "id": "1",
        "rid": "0",
        "content": "one **b**",
        "is_pending": "true",
        "is_pinned": "false",
        "created_at": "2007-05-02 18:00:00 +0800",
        "nick": "Grace",
        "email": "anonymous@example.org",
        "link": "",
        "page_key": "/p/",
        "page_title": "The phone",
        "site_name": "old",
    }
]
TWIKOO = [
    {
        "_id": "1",
        "nick": "Grace",
        "mail": "grace@mail.example",
        "mailMd5": "x",
        "link": "grace.example",
        "url": "/p/",
        "href": "https://old.example/p/",
        "comment": "<p>one <b>b</b></p>",
        "isSpam": True,
        "created": 1178100000000,
        "pid": None,
    }
]
WALINE = [
    {
        "objectId": "1",
        "nick": "Grace",
        "mail": "grace@mail.example",
        "comment": "one **b**",
        "url": "/p/",
        "status": "waiting",
        "insertedAt": {"__type": "Date", "iso": "2007-05-02T10:00:00.000Z"},
    }
]


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """The records of a file, found out by its beginning."""

    def read(said: Any, **how: str) -> tuple[list[Page], list[Remark], list[NotTaken]]:
        file = tmp_path / "file"
        file.write_text(said if isinstance(said, str) else json.dumps(said))
        found = list(reading.records(file, "auto", Reading(**how)))
        return tuple([one for one in found if isinstance(one, kind)] for kind in (Page, Remark, NotTaken))  # type: ignore[return-value]

    return read


def test_movable_type(read: Any) -> None:
    pages, (comment, ping), _ = read(MT, timezone="Europe/Berlin", permalink="/{date:%Y/%m}/{slug}.html")
    assert [one.url for one in pages] == ["/2007/05/the_phone.html"]
    assert (comment.author, comment.email, comment.body) == ("Grace", "grace@mail.example", "It <b>does</b>,\nreally.")
    assert comment.written.isoformat() == "2007-05-02T13:02:03+02:00"
    assert (ping.kind, ping.title, ping.author, ping.body) == ("trackback", "Of phones", "Cat blog", "They ring.")
    assert len({comment.id, ping.id}) == 2


def test_blogger(read: Any) -> None:
    pages, (comment, removed), _ = read(BLOGGER)
    assert {(one.id, one.url) for one in pages} == {("7", "https://old.blogspot.example/2007/05/phone.html")}
    assert (comment.id, comment.page, comment.author, comment.email) == ("8", "7", "Grace", "")
    assert comment.body == "It <i>does</i>"
    assert (removed.parent, removed.standing) == ("8", Standing.DELETED)


def test_remark42(read: Any) -> None:
    pages, (first, gone), _ = read("\n".join(json.dumps(one) for one in REMARK42))
    assert pages[0].url == "https://old.example/p/"
    assert (first.body, first.text, first.author, first.is_pinned) == ("one **b**", "markdown", "Grace", True)
    assert (gone.parent, gone.standing) == ("a", Standing.DELETED)


def test_commento(read: Any) -> None:
    pages, (first, gone), _ = read(COMMENTO)
    assert pages[0].url == "https://old.example/p/"
    assert (first.author, first.email, first.website, first.parent) == ("Grace", "grace@mail.example", "", "")
    assert (first.standing, gone.standing, gone.parent) == (Standing.PENDING, Standing.DELETED, "a")


def test_artalk(read: Any) -> None:
    _, (comment,), _ = read(ARTALK)
    assert (comment.parent, comment.email, comment.standing) == ("", "", Standing.PENDING)
    assert comment.written.isoformat() == "2007-05-02T18:00:00+08:00"


def test_twikoo(read: Any) -> None:
    pages, (comment,), _ = read({"code": 0, "data": TWIKOO})
    assert pages[0].url == "https://old.example/p/"
    assert (comment.standing, comment.text, comment.written.year) == (Standing.SPAM, "html", 2007)


@pytest.mark.parametrize(
    "wrap", [list, lambda rows: {"results": rows}, lambda rows: {"type": "waline", "data": {"Comment": rows}}]
)
def test_waline(read: Any, wrap: Any) -> None:
    _, (comment,), _ = read(wrap(WALINE))
    assert (comment.id, comment.standing, comment.text) == ("1", Standing.PENDING, "markdown")
    assert comment.written.year == 2007


def test_a_damaged_row_spoils_no_other(read: Any) -> None:
    lines = [json.dumps(one) for one in REMARK42]
    _, remarks, wrong = read("\n".join([*lines[:2], '{"id": broken', lines[2]]))
    assert [one.id for one in remarks] == ["a", "b"]
    assert [one.place for one in wrong] == ["line 3"]


def test_a_template_of_blogger_is_no_export(read: Any) -> None:
    with pytest.raises(NotReadable):
        read("<?xml version='1.0'?><html xmlns:b='http://www.google.com/2005/gml/b'><b:skin/></html>")


def test_patterns_of_addresses() -> None:
    when = times.of_iso("2007-05-02T10:00:00Z")
    named = {"number": "12", "slug": "", "title": "The phone, again!", "date": when}
    assert permalinks.address("archives/{id}-{title}.html", **named) == "/archives/12-the-phone-again.html"
    for wrong in ("{nothing}", "{0}", "{date.year.x}", "{"):
        with pytest.raises(permalinks.WrongPattern):
            permalinks.address(wrong, **named)


@pytest.mark.parametrize("text", ["", "0000-00-00 00:00:00", "2011-x09", "99999999999999999999", "nan"])
def test_no_time_is_no_time(text: str) -> None:
    assert times.of_sql(text, "UTC") is None
    assert times.of_iso(text) is None
    assert times.of_epoch(text) is None

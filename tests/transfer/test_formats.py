"""Each further format by one small file of its own: ids, parents, states, times, texts."""

import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from commentsvc.transfer import permalinks, reading, times
from commentsvc.transfer.opening import NotReadable
from commentsvc.transfer.records import ParseOptions, SkippedRecord, SourceArticle, SourceComment, SourceState
from tests.transfer.samples import ITEM, OLD, WXR, wp, wxr

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
    assert (removed.parent, removed.state) == ("8", SourceState.DELETED)


def test_remark42(read: Any) -> None:
    pages, (first, gone), _ = read("\n".join(json.dumps(one) for one in REMARK42))
    assert pages[0].url == "https://old.example/p/"
    assert (first.body, first.text, first.author, first.is_pinned) == ("one **b**", "markdown", "Grace", True)
    assert (gone.parent, gone.state) == ("a", SourceState.DELETED)


def test_commento(read: Any) -> None:
    pages, (first, gone), _ = read(COMMENTO)
    assert pages[0].url == "https://old.example/p/"
    assert (first.author, first.email, first.website, first.parent) == ("Grace", "grace@mail.example", "", "")
    assert (first.state, gone.state, gone.parent) == (SourceState.PENDING, SourceState.DELETED, "a")


def test_artalk(read: Any) -> None:
    _, (comment,), _ = read(ARTALK)
    assert (comment.parent, comment.email, comment.state) == ("", "", SourceState.PENDING)
    assert comment.written.isoformat() == "2007-05-02T18:00:00+08:00"


def test_twikoo(read: Any) -> None:
    pages, (comment,), _ = read({"code": 0, "data": TWIKOO})
    assert pages[0].url == "https://old.example/p/"
    assert (comment.state, comment.text, comment.written.year) == (SourceState.SPAM, "html", 2007)


@pytest.mark.parametrize(
    "wrap", [list, lambda rows: {"results": rows}, lambda rows: {"type": "waline", "data": {"Comment": rows}}]
)
def test_waline(read: Any, wrap: Any) -> None:
    _, (comment,), _ = read(wrap(WALINE))
    assert (comment.id, comment.state, comment.text) == ("1", SourceState.PENDING, "markdown")
    assert comment.written.year == 2007


@pytest.mark.parametrize(
    ("rows", "fields", "votes"),
    [
        (REMARK42, {"votes": {"u": True, "v": False}, "score": 0}, 2),
        (REMARK42, {"votes": None, "score": -3}, 3),
        (ARTALK, {"vote_up": "3", "vote_down": "1"}, 4),
        (TWIKOO, {"like": ["a", "b"]}, 2),
        (TWIKOO, {"ups": '["a", "b"]', "downs": "[]"}, 2),
        (WALINE, {"like": 3}, 3),
        (WALINE, {"like": None}, 0),
        (WALINE, {"like": "many"}, 0),
        (WALINE, {"like": "9" * 5000}, 999_999_999),
    ],
)
def test_votes_are_counted(read: Any, rows: list[dict[str, Any]], fields: dict[str, Any], votes: int) -> None:
    """They stay behind, and the report says how many."""
    found = [{**row, **fields} if "version" not in row else row for row in rows]
    _, comments, _ = read("\n".join(json.dumps(row) for row in found) if rows is REMARK42 else found)
    assert comments[0].votes == votes


def test_only_what_readers_of_wordpress_saw(read: Any) -> None:
    """An attachment is as public as its article."""
    items = [
        ITEM.format(home=OLD, status=status, title="x", comments=wp(number)).replace("<wp:post_id>7<", more)
        for number, (status, more) in enumerate(
            [
                ("publish", "<wp:post_id>1<"),
                ("private", "<wp:post_id>2<"),
                ("publish", "<wp:post_password>sesame</wp:post_password><wp:post_id>3<"),
                ("inherit", "<wp:post_parent>1</wp:post_parent><wp:post_id>4<"),
                ("inherit", "<wp:post_parent>2</wp:post_parent><wp:post_id>5<"),
                ("inherit", "<wp:post_parent>3</wp:post_parent><wp:post_id>6<"),
            ]
        )
    ]
    _, comments, skipped = read(WXR.format(home=OLD, items="".join(items)))
    assert [one.page for one in comments] == ["1", "4"]
    assert len(skipped) == 4


@pytest.mark.parametrize("padding", [0, 32_700, 32_760])
def test_ampersands_that_wordpress_does_not_escape(read: Any, padding: int) -> None:
    """It writes addresses as they are, and texts in CDATA, where they stay; also where a piece that is read ends."""
    item = wp(1, f"{'x' * padding}a && b &amp; [0]]", author_url="URL", author="Grace &amp; Bob &nbsp;&#38;")
    found = wxr(item.replace("URL", "https://f.example/?p=1&q=2&amp;r=3").replace("&amp;nbsp;", "&nbsp;"))
    _, (comment,), skipped = read(found)
    assert comment.website == "https://f.example/?p=1&q=2&r=3"
    assert comment.body.lstrip("x") == "a && b &amp; [0]]"
    assert comment.author == "Grace & Bob \xa0&"
    assert not skipped


def test_a_damaged_row_spoils_no_other(read: Any) -> None:
    lines = [json.dumps(one) for one in REMARK42]
    _, records, wrong = read("\n".join([*lines[:2], '{"id": broken', lines[2]]))
    assert [one.id for one in records] == ["a", "b"]
    assert [one.location for one in wrong] == ["line 3"]


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


STATICMAN = {
    "_data/comments/the-phone/entry1.yml": "_id: a1\nname: Grace\nemail: 5d41402abc4b2a76b9719d911017c592\n"
    'url: "https://grace.example/"\nmessage: "It **does**.\\r\\nReally."\ndate: 1178100000\n',
    "_data/comments/the-phone/entry2.yml": "_id: a2\nname: Linus\nmessage: No\nreplying_to: '1'\n"
    "date: 2007-05-03T10:00:00.000Z\n",
    "_data/comments/the-phone/entry3.yml": "_id: a3\nname: Ada\nmessage: Yes\nreplying_to_uid: a2\n"
    "date: 2007-05-04 10:00:00\n_parent: https://old.example/2007/phone/\n",
    "_data/comments/the-phone/hostile.yml": "!!python/object/apply:os.system ['true']\n",
    "_data/comments/the-phone/list.yml": "- a list\n",
    "readme.md": "no comment",
}
HASHOVER = {
    "threads/2007-05-phone/1.json": json.dumps(
        {"body": "It <b>rings</b>.", "name": "Grace", "date": "2007-05-02T10:00:00"}
    ),
    "threads/2007-05-phone/1-1.json": json.dumps({"body": "No", "date": "2007-05-03T10:00:00", "status": "pending"}),
    "threads/2007-05-phone/1-1-1.xml": "<comment><body>Yes</body><date>2007-05-04T10:00:00</date></comment>",
    "threads/2007-05-phone/2.json": "{ damaged",
}


def _folder(root: Path, files: dict[str, str]) -> Path:
    for name, said in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(said)
    return root


def _zipped(root: Path, files: dict[str, str]) -> Path:
    path = root / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, said in files.items():
            archive.writestr(name, said)
    return path


def _tarred(root: Path, files: dict[str, str]) -> Path:
    folder, path = _folder(root / "inside", files), root / "export.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, arcname="site")
    return path


@pytest.mark.parametrize("pack", [_folder, _zipped, _tarred])
class TestManyFiles:
    """A folder, a zip and a tar hold the same."""

    def test_staticman(self, tmp_path: Path, pack: Any) -> None:
        found = list(
            reading.records(pack(tmp_path / "x" if pack is _folder else tmp_path, STATICMAN), "auto", ParseOptions())
        )
        records = [one for one in found if isinstance(one, SourceComment)]
        assert [(one.id, one.parent, one.author) for one in records] == [
            ("a1", "", "Grace"),
            ("a2", "a1", "Linus"),
            ("a3", "a2", "Ada"),
        ]
        assert records[0].email == "", "it is only a hash"
        assert [one.written and one.written.isoformat() for one in records] == [
            "2007-05-02T10:00:00+00:00",
            "2007-05-03T10:00:00+00:00",
            "2007-05-04T10:00:00+00:00",
        ]
        assert {one.url for one in found if isinstance(one, SourceArticle)} == {
            "/the-phone/",
            "https://old.example/2007/phone/",
        }
        assert [one.location.rpartition("/")[2] for one in found if isinstance(one, SkippedRecord)] == [
            "hostile.yml",
            "list.yml",
        ]

    def test_hashover(self, tmp_path: Path, pack: Any) -> None:
        found = list(
            reading.records(pack(tmp_path / "x" if pack is _folder else tmp_path, HASHOVER), "auto", ParseOptions())
        )
        records = {one.id: one for one in found if isinstance(one, SourceComment)}
        assert {one: row.parent.rpartition("/")[2] for one, row in records.items()} == {
            "2007-05-phone/1": "",
            "2007-05-phone/1-1": "1",
            "2007-05-phone/1-1-1": "1-1",
        }
        assert records["2007-05-phone/1-1"].state == SourceState.PENDING
        assert records["2007-05-phone/1-1-1"].body == "Yes"
        assert len([one for one in found if isinstance(one, SkippedRecord)]) == 1


def test_a_damaged_file_of_many_is_left_out(tmp_path: Path) -> None:
    path = _zipped(tmp_path, STATICMAN)
    raw = bytearray(path.read_bytes())
    place = raw.index(b"name: Linus")
    raw[place : place + 4] = b"NAME"
    path.write_bytes(raw)
    found = list(reading.records(path, "auto", ParseOptions()))
    assert [one.id for one in found if isinstance(one, SourceComment)] == ["a1", "a3"]
    assert "entry2.yml" in "".join(one.location for one in found if isinstance(one, SkippedRecord))


@pytest.mark.parametrize("odd", ["replying_to: '" + "9" * 5000 + "'", "date: 0001-01-01T00:00:00+14:00"])
def test_an_odd_value_spoils_no_other_file(tmp_path: Path, odd: str) -> None:
    folder = tmp_path / "_data/comments/phone"
    folder.mkdir(parents=True)
    for name, more in (("one", ""), ("two", odd)):
        (folder / f"{name}.yml").write_text(f"_id: {name}\nname: Grace\nmessage: text\n{more}\n")
    found = list(reading.records(tmp_path, "staticman", ParseOptions()))
    assert [(one.parent, one.written) for one in found if isinstance(one, SourceComment)] == [("", None)] * 2


@pytest.mark.parametrize(
    ("text", "zone"), [("0001-01-01 00:00:00", "Asia/Tokyo"), ("9999-12-31 23:59:59", "America/New_York")]
)
def test_times_at_the_ends_of_the_calendar(text: str, zone: str) -> None:
    assert times.of_sql(text, zone) is None


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(NotReadable):
        list(reading.records(_folder(tmp_path / "x", {"a.txt": "nothing"}), "auto", ParseOptions()))


def test_giscus(read: Any) -> None:
    def node(number: int, **fields: object) -> dict[str, object]:
        author = {"login": "grace", "url": "https://github.example/grace"}
        at = f"2021-05-0{number}T10:00:00Z"
        return {"id": f"D{number}", "author": author, "body": f"text *{number}*", "createdAt": at, **fields}

    first = node(1, replies={"nodes": [node(2), node(3, author=None, isMinimized=True)]})
    discussion = {
        "title": "2007/05/phone",
        "url": "https://github.example/d/1",
        "locked": True,
        "comments": {"nodes": [first]},
    }
    pages, records, _ = read({"data": {"repository": {"discussions": {"nodes": [discussion]}}}})
    assert [(one.url, one.key, one.is_closed) for one in pages] == [("/2007/05/phone", "2007/05/phone", True)]
    assert [(one.id, one.parent, one.state) for one in records] == [
        ("D1", "", SourceState.APPROVED),
        ("D2", "D1", SourceState.APPROVED),
        ("D3", "D1", SourceState.DELETED),
    ]


def test_duoshuo(read: Any) -> None:
    post = {"thread_id": 7, "author_name": "Grace", "author_email": "grace@mail.example", "ip": "203.0.113.9"}
    posts = [
        {**post, "post_id": 1, "parents": [], "message": "one", "created_at": "2013-05-02T10:00:00+08:00"},
        {**post, "post_id": 2, "parents": [1], "message": "two", "created_at": "2013-05-02T10:01:00+08:00"},
    ]
    thread = {"thread_id": 7, "thread_key": "phone", "url": "http://old.example/phone", "title": "The phone"}
    pages, records, _ = read({"threads": [thread], "posts": posts})
    assert [(one.url, one.key, one.title) for one in pages] == [("http://old.example/phone", "phone", "The phone")]
    assert [(one.id, one.page, one.parent, one.body) for one in records] == [
        ("1", "7", "", "one"),
        ("2", "7", "1", "two"),
    ]


ISSO_ROW = {"id": 1, "author": "Grace", "text": "one", "created": "2007-05-02 10:00:00", "remote_addr": ""}
GISCUS_ROW = {"id": "D1", "body": "one", "createdAt": "2021-05-01T10:00:00Z"}
DUOSHUO_ROW = {"post_id": 1, "thread_id": 7, "message": "one", "created_at": "2013-05-02T10:00:00+08:00"}


@pytest.mark.parametrize(
    ("wrap", "row"),
    [
        (lambda rows: [{"id": "/p/", "title": "", "comments": rows}], ISSO_ROW),
        (lambda rows: {"discussions": {"nodes": [{"title": "p", "comments": {"nodes": rows}}]}}, GISCUS_ROW),
        (lambda rows: {"threads": [{"thread_id": 7, "url": "/p/"}], "posts": rows}, DUOSHUO_ROW),
        (lambda rows: {**COMMENTO, "comments": rows}, COMMENTO["comments"][0]),
        (lambda rows: {"type": "waline", "data": {"Comment": rows}}, WALINE[0]),
    ],
)
def test_a_member_of_a_list_that_is_no_comment_is_named(read: Any, wrap: Any, row: dict[str, Any]) -> None:
    _, comments, skipped = read(wrap(["a text", row, 5]))
    assert len(comments) == 1
    assert [
        (one.text, one.location.endswith(where)) for one, where in zip(skipped, ("row 1", "row 3"), strict=True)
    ] == [
        ("a text", True),
        ("5", True),
    ]


def test_wxr_made_for_disqus(read: Any) -> None:
    file = """<?xml version="1.0"?><rss version="2.0" xmlns:dsq="http://www.disqus.com/"
 xmlns:wp="http://wordpress.org/export/1.0/"><channel><item><title>The phone</title>
<link>https://old.example/phone</link><dsq:thread_identifier>phone-7</dsq:thread_identifier>
<wp:post_date_gmt></wp:post_date_gmt><wp:comment><wp:comment_id>1</wp:comment_id>
<wp:comment_author>Grace</wp:comment_author><wp:comment_date_gmt>2007-05-02 10:00:00</wp:comment_date_gmt>
<wp:comment_content>It rings.</wp:comment_content><wp:comment_approved>1</wp:comment_approved></wp:comment></item>
</channel></rss>"""
    (page,), (record,), _ = read(file)
    assert (page.url, page.key, page.title) == ("https://old.example/phone", "phone-7", "The phone")
    assert (record.author, record.body, record.page) == ("Grace", "It rings.", page.id)

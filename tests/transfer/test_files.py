"""Other kinds of file of the same systems: JSON, CSV and databases; encodings; what is broken about them."""

import json
import sqlite3
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from commentsvc.transfer import csv_files, reading
from commentsvc.transfer.records import ParseOptions, SourceComment, SourceState
from tests.cast import BOB
from tests.transfer.conftest import Bring, exported
from tests.transfer.samples import disqus, post, wp, wxr
from tests.visitors import Visitor

ISSO = [
    {
        "id": "/p/",
        "title": "The%20phone",
        "comments": [
            {"id": 0, "author": "Grace", "text": "one **b**", "created": "2007-05-02 18:00:00", "remote_addr": "::"},
            {"id": 0, "author": "Linus", "text": "two", "created": "2007-05-02 19:00:00", "email": "l@mail.example"},
        ],
    }
]


def test_isso_as_json(read: Any) -> None:
    """Its numbers may all be the same."""
    pages, (first, second), _ = read(ISSO)
    assert (pages[0].url, pages[0].title) == ("/p/", "The phone")
    assert first.id != second.id
    assert (first.text, first.written.hour, second.email) == ("markdown", 18, "l@mail.example")


def test_what_is_no_object_is_reported(read: Any) -> None:
    _, comments, skipped = read([*ISSO, None, "a comment, perhaps"])
    assert len(comments) == 2
    assert [(one.location, one.text) for one in skipped] == [("row 2", "None"), ("row 3", "a comment, perhaps")]


def test_a_damaged_array_gives_what_it_has(read: Any) -> None:
    whole = json.dumps([WALINE_ROW | {"objectId": str(number)} for number in range(3)])
    _, comments, (skipped,) = read(whole[:-30])
    assert [one.id for one in comments] == ["0", "1"]
    assert skipped.text.startswith('{"objectId"') or "objectId" in skipped.text


def test_rows_without_ids_are_all_taken(bring: Bring) -> None:
    rows = [WALINE_ROW | {"objectId": "", "comment": one} for one in "ab"]
    for already in (0, 2):
        report = bring(json.dumps(rows), name="waline")
        assert (report.total, report.already) == (2 - already, already)


def test_a_field_without_an_end(read: Any) -> None:
    with patch.object(csv_files, "MAX_FIELD", 500):
        _, comments, skipped = read(WALINE_CSV + '"4","' + "x" * 1_000)
    assert len(comments) == 2
    assert skipped[-1].location == "line 6"


@pytest.mark.parametrize("where", [1, 3, 4])
def test_a_field_without_an_end_spoils_no_other_line(read: Any, where: int) -> None:
    lines = WALINE_CSV.splitlines(keepends=True)
    lines.insert(where, '"9","never closed\n')
    _, comments, skipped = read("".join(lines))
    assert len(comments) == 2
    assert {one.location for one in skipped} >= {f"line {where + 1}"}
    assert len(skipped) == 2, "and the row that was too short"


def test_what_databases_write_for_nothing(read: Any) -> None:
    head = WALINE_CSV.splitlines()[0]
    _, (comment,), _ = read(rf"{head}{NEWLINE}1,NULL,\N,NULL,NULL,hi,NULL,\N,/a/")
    assert (comment.author, comment.email, comment.parent, comment.body) == ("", "", "", "hi")


@pytest.mark.parametrize(
    ("name", "value"), [("body", 1), ("author", None), ("thread", ["p"]), ("website", 5), ("email", {"a": 1})]
)
def test_a_member_of_another_type_spoils_its_row_alone(bring: Bring, bob: Visitor, name: str, value: Any) -> None:
    bob.comment(BOB, body="one")
    *others, comment = exported().splitlines()
    wrong = json.dumps(json.loads(comment) | {"id": 99, name: value})
    report = bring("\n".join([*others, wrong, comment]), site="other", origins=["https://blog.example"])
    assert report.total == 1
    assert [count for _, count, _ in report.left_out] == [1]


def test_half_an_emoji_in_isso(read: Any) -> None:
    halves = {"id": 0, "author": "\ud83d", "text": "a\ude00", "created": "2007-05-02 18:00:00", "remote_addr": "::"}
    _, (comment,), skipped = read([ISSO[0] | {"comments": [halves]}])
    assert (comment.author, comment.body, skipped) == ("\ud83d", "a\ude00", [])


def test_isso_has_no_zone(read: Any) -> None:
    _, (first, _), _ = read(ISSO, timezone="Europe/Berlin")
    assert first.written.isoformat() == "2007-05-02T18:00:00+02:00"


WALINE_ROW = {
    "objectId": "1",
    "nick": "Grace",
    "comment": "one",
    "insertedAt": "2020-01-01T00:00:00Z",
    "url": "https://blog.example/p/",
}
NEWLINE = "\n"
WALINE_CSV = '''"id","nick","mail","status","insertedAt","comment","pid","rid","url"
"1","Grace","grace@mail.example","approved","2007-05-02T10:00:00Z","one
""line""",,,"/p/"
"2","Linus","","waiting","2007-05-02T11:00:00Z","two","1","1","/p/"
"3","a row"
'''


def test_waline_as_csv(read: Any) -> None:
    _, (first, second), (broken,) = read(WALINE_CSV)
    assert (first.body, first.email, first.parent) == ('one\n"line"', "grace@mail.example", "")
    assert (second.parent, second.state) == ("1", SourceState.PENDING)
    assert broken.location == "line 5"


def test_waline_as_database(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "waline.sqlite")
    database.executescript(
        """CREATE TABLE wl_Comment (id INTEGER, user_id INTEGER, comment TEXT, insertedAt TEXT, ip TEXT, link TEXT,
        mail TEXT, nick TEXT, pid INTEGER, rid INTEGER, sticky INTEGER, status TEXT, url TEXT);
        INSERT INTO wl_Comment VALUES
        (1, NULL, 'one', '2007-05-02 10:00:00', '', '', '', 'Grace', 0, 0, 1, 'approved', '/p/'),
        (2, NULL, 'two', '2007-05-02 11:00:00', '', '', '', 'Linus', 1, 1, NULL, 'spam', '/p/');"""
    )
    database.close()
    found = list(reading.records(tmp_path / "waline.sqlite", "auto", ParseOptions()))
    first, second = (one for one in found if isinstance(one, SourceComment))
    assert (first.parent, first.is_pinned, second.parent, second.state) == ("", True, "1", SourceState.SPAM)


def test_serendipity_as_csv(read: Any) -> None:
    file = """id;entry_id;parent_id;timestamp;title;author;email;url;ip;body;type;subscribed;status;referer
1;7;0;1178100000;;Grace;;;;With *stars*;NORMAL;false;approved;
2;7;1;1178100001;;Linus;;;;yes;NORMAL;false;pending;
"""
    pages, (first, second), _ = read(file, permalink="/archives/{id}.html")
    assert [page.url for page in pages] == ["/archives/7.html"]
    assert (first.text, second.parent, second.state) == ("markup", "1", SourceState.PENDING)


def test_hashover_as_database(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "hashover.sqlite")
    database.executescript(
        """CREATE TABLE comments (domain TEXT, thread TEXT, comment TEXT, body TEXT, status TEXT, date TEXT, name TEXT,
        email TEXT, website TEXT, ipaddr TEXT);
        INSERT INTO comments VALUES
        ('old.example', 'p-phone', '3', 'one', '', '2007-05-02T10:00:00Z', 'Grace', '', '', ''),
        ('old.example', 'p-phone', '3-1', 'two', 'pending', '2007-05-02T11:00:00Z', 'Linus', '', '', '');"""
    )
    database.close()
    found = list(reading.records(tmp_path / "hashover.sqlite", "auto", ParseOptions()))
    first, second = (one for one in found if isinstance(one, SourceComment))
    assert (first.page, second.parent) == ("old.example/p-phone", "old.example/p-phone/3")
    assert second.state == SourceState.PENDING


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    "rows",
    [
        [
            {"version": 1, "users": [], "posts": []},
            {
                "id": "a",
                "pid": "",
                "text": "x",
                "user": {"name": "G"},
                "time": "2007-05-02T10:00:00Z",
                "locator": {"site": "old", "url": "https://old.example/p/"},
            },
        ],
        [
            {
                "id": "/p/",
                "title": "P",
                "comments": [{"id": 1, "author": "G", "text": "x", "created": 1178100000, "remote_addr": "1.2.3.0"}],
            }
        ],
    ],
    ids=["remark42", "isso"],
)
def test_windows_puts_a_byte_order_mark_before_a_text(read: Any, rows: list[Any], codec: str) -> None:
    text = "\n".join(map(json.dumps, rows)) if "version" in rows[0] else json.dumps(rows)
    _, comments, _ = read(text.encode(codec))
    assert [one.author for one in comments] == ["G"]


def test_a_closed_page_of_remark42(read: Any) -> None:
    head = {"version": 1, "users": [], "posts": [{"url": "https://old.example/p/", "read_only": True}]}
    row = {"id": "a", "pid": "", "text": "x", "user": {"name": "G"}, "time": "2007-05-02T10:00:00Z"}
    lines = [head, row | {"locator": {"site": "old", "url": "https://old.example/p/"}}]
    pages, _, _ = read("\n".join(json.dumps(one) for one in lines))
    assert pages[0].is_closed


@pytest.mark.parametrize(
    ("encode", "declared"),
    [("utf-16", "UTF-16"), ("utf-8-sig", "UTF-8"), ("latin-1", "ISO-8859-1"), ("utf-8", "utf-16")],
)
def test_encodings_of_xml(read: Any, encode: str, declared: str) -> None:
    file = wxr(wp(1, "ünï")).replace("UTF-8", declared).encode(encode)
    _, (comment,), _ = read(file)
    assert comment.body == "ünï"


@pytest.mark.every_value
@pytest.mark.parametrize(
    ("codec", "label", "text"),
    [
        ("gb18030", "gb2312", "镕"),
        ("gb18030", "x-gbk", "镕"),
        ("cp932", "shift_jis", "①"),
        ("cp932", "windows-31j", "①"),
        ("cp932", "x-sjis", "①"),
        ("euc_jp", "x-euc-jp", "電話"),
        ("iso2022_jp", "iso-2022-jp", "爾後"),  # one of them has the byte of a "<"
        ("cp949", "euc-kr", "똠"),
        ("cp949", "ks_c_5601-1987", "똠"),
        ("big5hkscs", "big5", "喺"),
        ("cp1251", "x-cp1251", "телефон"),
        ("cp1252", "iso-8859-1", "“quoted”"),
    ],
)
def test_charsets_are_those_of_browsers(read: Any, codec: str, label: str, text: str) -> None:
    """Any number of comments, so that the file is read in many pieces."""
    file = wxr(*(wp(number, f"{number} {text}") for number in range(1, 40))).replace("UTF-8", label).encode(codec)
    _, found, left_out = read(file)
    assert [comment.body for comment in found] == [f"{number} {text}" for number in range(1, 40)]
    assert not left_out


def test_a_byte_that_fits_nowhere_spoils_no_comment(read: Any) -> None:
    file = wxr(wp(1, "one"), wp(2, "two"), wp(3, "three")).replace("UTF-8", "gb2312").encode("gb18030")
    _, found, _ = read(file.replace(b"two", b"tw\xff"))
    assert [comment.body for comment in found] == ["one", "tw\ufffd", "three"]


@pytest.mark.parametrize("char", ["\uffff", "\ufffe", "\x01"])
def test_what_no_xml_may_hold_spoils_no_comment(read: Any, char: str) -> None:
    texts = [f"<p>text {number}</p>" for number in range(10)]
    file = wxr(*(wp(number, text.replace("5<", f"5 {char}<")) for number, text in enumerate(texts)))
    _, found, left_out = read(file)
    assert [comment.body for comment in found] == [text.replace("5<", "5 <") for text in texts]
    assert not left_out


@pytest.mark.parametrize("before", ["\n\n  ", "`", "Notice: Undefined variable in /wp-content/plugins\n"])
def test_what_stands_before_the_xml(read: Any, before: str) -> None:
    assert len(read(before + wxr(wp(1)))[1]) == 1


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("", "http://old.example/?p=1496"),
        ("/2007/05/", "http://old.example/?p=1496"),
        ("http://localhost:4000/x", "http://old.example/?p=1496"),
        ("http://127.0.0.1/x", "http://old.example/?p=1496"),
        ("https://old.example/x/", "https://old.example/x/"),
    ],
)
def test_an_address_in_the_identifier_of_disqus(read: Any, link: str, url: str) -> None:
    there = "https://old.example/2007/05/phone/"
    file = disqus(post(1)).replace(f"<id>7 {there}</id>", "<id>1496 http://old.example/?p=1496</id>")
    pages, _, _ = read(file.replace(f"<link>{there}</link>", f"<link>{link}</link>"))
    assert pages[0].url == url

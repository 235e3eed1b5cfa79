"""Formats that are databases: as SQLite files and as dumps."""

import sqlite3
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from commentsvc import settings
from commentsvc.transfer import dumps, opening, reading
from commentsvc.transfer.opening import NotReadable
from commentsvc.transfer.records import (
    Notice,
    ParseOptions,
    Record,
    SkippedRecord,
    SourceArticle,
    SourceComment,
    SourceState,
)

SERENDIPITY = """
CREATE TABLE `serendipity_entries` (
  `id` int(11) NOT NULL, `title` varchar(200) DEFAULT NULL, `timestamp` int(10), PRIMARY KEY (`id`), KEY `x` (`title`)
);
CREATE TABLE serendipity_permalinks (permalink varchar(255), entry_id int, type varchar(200));
CREATE TABLE serendipity_comments (id int, entry_id int, parent_id int, timestamp int, title varchar(150),
  author varchar(80), email varchar(200), url varchar(200), ip varchar(64), body text, type varchar(100),
  subscribed char(5), status varchar(50), referer varchar(200));
INSERT INTO serendipity_entries VALUES (7, 'The phone; it''s (mine)', 1178000000), (8,'Nobody',1178000001);
INSERT INTO serendipity_permalinks VALUES ('archives/7-The-phone.html', 7, 'entry');
INSERT INTO serendipity_comments VALUES
 (1,7,0,1178100000,'','Grace','grace@mail.example','https://grace.example/','203.0.113.9','With *stars* :-)',
  'NORMAL','false','approved',''),
 (2,7,1,1178100010,'','Bob','','','','it''s (2); here','NORMAL','false','pending',NULL),
 (3,7,0,1178100020,'Of phones','Cat blog','','https://cats.example/1','','They ring.','TRACKBACK','false',
  'approved',''),
 (4,7,0,1178100030,'','x','','','','COMMENT_DELETED','NORMAL','false','approved','');
"""
TYPECHO = """
CREATE TABLE typecho_contents (cid integer, title varchar(200), slug varchar(200), created int);
CREATE TABLE typecho_comments (coid integer, cid int, created int, author varchar(200), mail varchar(200),
  url varchar(200), ip varchar(64), text text, type varchar(16), status varchar(16), parent int);
INSERT INTO typecho_contents VALUES (3, 'The phone', 'phone', 1178000000);
INSERT INTO typecho_comments VALUES (1, 3, 1178100000, 'Grace', 'g@mail.example', '', '', '<!--markdown-->**b**',
 'comment', 'waiting', 0);
"""
CUSDIS = """
CREATE TABLE projects (id text, title text);
CREATE TABLE pages (id text, slug text, url text, title text, projectId text);
CREATE TABLE comments (id text, pageId text, created_at int, deletedAt int, by_email text, by_nickname text,
  content text, approved int, parentId text);
INSERT INTO projects VALUES ('p', 'old');
INSERT INTO pages VALUES ('g', '/phone', 'https://old.example/phone', 'The phone', 'p');
INSERT INTO comments VALUES ('a', 'g', 1178100000000, NULL, 'g@mail.example', 'Grace', '**b**', 1, NULL),
 ('b', 'g', 1178100000001, 1178100000009, '', 'Bob', 'gone', 1, 'a');
"""
ESCAPED = r"""
INSERT INTO `wp`.`serendipity_comments` (`id`, `entry_id`, `timestamp`, `body`) VALUES (1, 7, 1178100000,
'one\r\ntwo \'quoted\' \\ 100\% \"so\" ''too'''),(2,7,1178100001,0x4869),(3, 7, 1178100002, NULL);
INSERT INTO serendipity_comments VALUES (broken
"""


def file_of(path: Path, sql: str) -> Path:
    database = sqlite3.connect(path)
    database.executescript(sql)
    database.commit()
    database.close()
    return path


def read(path: Path, name: str = "auto", **how: str) -> list[Record]:
    return list(reading.records(path, name, ParseOptions(**how)))


@pytest.mark.parametrize("kind", ["file", "dump"])
def test_serendipity(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "file":
        file_of(path, SERENDIPITY.replace(", KEY `x` (`title`)", ""))
    else:
        path.write_text(SERENDIPITY)
    found = read(path, "auto" if kind == "file" else "serendipity")
    first, second, trackback, gone = (one for one in found if isinstance(one, SourceComment))
    assert (first.author, first.body, first.text) == ("Grace", "With *stars* :-)", "markup")
    assert (second.parent, second.body, second.state) == ("1", "it's (2); here", SourceState.PENDING)
    assert (trackback.kind, trackback.title, trackback.website) == ("trackback", "Of phones", "https://cats.example/1")
    assert gone.state == SourceState.DELETED
    pages = {one.id: one for one in found if isinstance(one, SourceArticle)}
    assert (pages["7"].url, pages["7"].title) == ("/archives/7-The-phone.html", "The phone; it's (mine)")
    assert pages["8"].url == "/archives/8-nobody.html"


def test_typecho(tmp_path: Path) -> None:
    found = read(file_of(tmp_path / "x", TYPECHO), permalink="/{date:%Y/%m}/{slug}.html")
    (comment,) = (one for one in found if isinstance(one, SourceComment))
    assert (comment.body, comment.text, comment.state) == ("**b**", "markdown", SourceState.PENDING)
    assert [one.url for one in found if isinstance(one, SourceArticle)] == ["/2007/05/phone.html"]


def test_cusdis(tmp_path: Path) -> None:
    found = read(file_of(tmp_path / "x", CUSDIS))
    comment, gone = (one for one in found if isinstance(one, SourceComment))
    assert comment.written is not None
    assert (comment.page, comment.state, comment.written.year) == ("g", SourceState.APPROVED, 2007)
    assert (gone.parent, gone.state) == ("a", SourceState.DELETED)


def dumped(text: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The comments in a dump, and where one cannot be read."""
    skipped: list[SkippedRecord] = []
    rows = [row for _, row in dumps.rows_of_dump(text, {"comments": frozenset({"body"})}, skipped.append)]
    return rows, [one.location for one in skipped]


def test_a_dump_with_columns_escapes_and_damage() -> None:
    rows, skipped = dumped(ESCAPED)
    assert [row["body"] for row in rows] == ["one\r\ntwo 'quoted' \\ 100% \"so\" 'too'", "Hi", None]
    assert skipped == ["line 4"]


OF_SQLITE = r"""PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE comments (id integer primary key, body text);
INSERT INTO comments VALUES(1,replace(replace('one\ntwo\rthree','\r',char(13)),'\n',char(10)));
INSERT INTO comments VALUES(2,'C:\new\table');
INSERT INTO comments (body) VALUES(unistr('a\u000ab\\c\+01F600'));
COMMIT;
"""


def test_a_dump_by_sqlite() -> None:
    """Its program writes line breaks by functions, since 3.50 by ``unistr``, and a backslash as one."""
    rows, skipped = dumped(OF_SQLITE)
    assert [row["body"] for row in rows] == ["one\ntwo\rthree", r"C:\new\table", "a\nb\\c😀"]
    assert not skipped


@pytest.mark.parametrize("how", [[], ["--inserts"], ["--column-inserts", "--rows-per-insert=2"]])
def test_a_dump_by_postgresql_itself(app: Flask, database_name: str, how: list[str]) -> None:
    if database_name != "postgresql":
        pytest.skip("about PostgreSQL")
    url = settings.current().database.replace("+psycopg", "", 1)
    texts = ["one\ntwo\ttabs", r"C:\new\. and \N", "it's; (so)", "", None, "\\.\nCOPY comments (id) FROM stdin;\n1"]
    with psycopg.connect(url, autocommit=True) as database:
        database.execute('CREATE TABLE cusdis_comments (id serial, body text, approved bool, "pageId" bytea)')
        for one in texts:
            values = "INSERT INTO cusdis_comments (body, approved, \"pageId\") VALUES (%s, true, 'x')"
            database.execute(values, (one,))
        run = ["pg_dump", "--table=cusdis_comments", *how, url]
        dump = subprocess.run(run, check=True, capture_output=True, text=True).stdout
        database.execute("DROP TABLE cusdis_comments")
    rows, skipped = dumped(dump)
    assert [(row["body"], str(row["approved"]).lower()[0], row["pageId"]) for row in rows] == [
        (one, "t", r"\x78") for one in texts
    ]
    assert not skipped


def test_a_dump_by_mysql() -> None:
    """Its shapes, as its manual has them: the tests of WordPress use a real one."""
    rows, skipped = dumped(
        r"""-- MySQL dump 10.13
INSERT INTO `posts` VALUES (1,'INSERT INTO comments (body) VALUES (\'never\');
INSERT INTO comments (body) VALUES (1);');
REPLACE INTO `comments` (`id`, `body`, `raw`) VALUES (1,_binary 'a\nb',0x4869),(2,NOW(),''),(3,'c',_binary 0x4869);
INSERT INTO `comments` (`body`) VALUES ('d'), ('never ended
"""
    )
    assert [(row["body"], row.get("raw")) for row in rows] == [("a\nb", "Hi"), ("c", "Hi"), ("d", None)]
    assert skipped == ["line 4", "line 5"]


@pytest.mark.parametrize(
    ("written", "bodies"),
    [
        ("INSERT OR REPLACE INTO comments (id, body) VALUES (1, 'a');", ["a"]),
        ("INSERT DELAYED IGNORE INTO `my-blog`.`x_comments` (body) VALUES ('a');", ["a"]),
        ("INSERT INTO db.public.\"x_comments\" (body) VALUES ('a');", ["a"]),
        ("insert into comments (body) values ('a')\ngo\ninsert into comments (body) values('b')\ngo\n", ["a", "b"]),
        (
            "INSERT INTO comments (body) /* it's */ VALUES\n('a'), -- it's ('x'),\n('b'),/* ;('y') */('c');",
            ["a", "b", "c"],
        ),
        (
            "/*!40000 INSERT INTO comments (body) VALUES ('a') */;\nINSERT INTO comments (body) VALUES ('b');",
            ["a", "b"],
        ),
        ("/*\nINSERT INTO comments (body) VALUES ('x');\n*/\nINSERT INTO comments (body) VALUES ('a');", ["a"]),
        (
            "COMMENT ON TABLE x IS '\nINSERT INTO comments (body) VALUES (1);';\n"
            "INSERT INTO comments (body) VALUES ('a');",
            ["a"],
        ),
        (
            "DO $x$ BEGIN\nINSERT INTO comments (body) VALUES ('x');\nEND $x$;\n"
            "INSERT INTO comments (body) VALUES ('a');",
            ["a"],
        ),
        (
            "DELIMITER ;;\nCREATE TRIGGER x BEGIN\nINSERT INTO comments (body) VALUES ('x');\nEND ;;\nDELIMITER ;\n"
            "INSERT INTO comments (body) VALUES ('a');",
            ["a"],
        ),
        (
            "INSERT INTO comments (body) VALUES ('a') ON DUPLICATE KEY UPDATE body = 'it''s;';\n"
            "INSERT INTO comments (body) VALUES ('b');",
            ["a", "b"],
        ),
        ("INSERT INTO comments VALUES (1, 'a');\nCREATE TABLE comments (id int, body text);", ["a"]),
        ("CREATE TABLE comments (id, \"key\" text, body);\nINSERT INTO comments VALUES (1, 'x', 'a');", ["a"]),
        (
            "CREATE TABLE comments (e enum('a,b','c)d'), `check` int, body text, KEY x (body(10)), CHECK (e > 1));\n"
            "INSERT INTO comments VALUES ('a,b', 1, 'a');",
            ["a"],
        ),
        (
            "CREATE TABLE comments (id int, n int GENERATED ALWAYS AS (length(body)) VIRTUAL, body text);\n"
            "INSERT INTO comments VALUES (1, 'a');",
            ["a"],
        ),
        (
            "INSERT INTO comments (body) VALUES ('a'::text), (E'it\\'s \\u00e9\\303\\251'), "
            "(U&'\\00e9'), (E'\\U0001F600\\x41');",
            ["a", "it's éé", "é", "😀A"],
        ),
        (
            "INSERT INTO comments (body) VALUES ('on' 'e'), (\"it's\"), (_utf8mb4'two'), (N'three'), (X'4869');",
            ["one", "it's", "two", "three", "Hi"],
        ),
        (
            "CREATE TABLE wp_comments (id int);\nINSERT INTO wp_comments VALUES (1);\n"
            "INSERT INTO serendipity_comments (body) VALUES ('a');",
            ["a"],
        ),
        ("BEGIN TRANSACTION;\nINSERT INTO comments (body) VALUES ('C:\\'), ('b\\n');", ["C:\\", "b\\n"]),
    ],
)
def test_statements_as_programs_write_them(written: str, bodies: list[str]) -> None:
    rows, skipped = dumped(written)
    assert [row["body"] for row in rows] == bodies
    assert not skipped


@pytest.mark.parametrize(
    "written",
    [
        "INSERT INTO comments (body) SELECT 'a';",
        "INSERT INTO comments VALUES (1, 'a');",
        "INSERT INTO comments (id, body) VALUES ('a');",
        "INSERT INTO comments (body) VALUES (unhex('41'));",
        "INSERT INTO comments (body) VALUES ('never ended",
        "COPY comments (id, body) FROM stdin;\n1\n\\.\n",
        "COPY comments (id, body) FROM stdin;\n1\tnever ended",
        "COPY comments (id, body) FROM stdin;\n1\t\\Uffffffff\n\\.\n",
        "COPY comments (id, body) FROM stdin WITH (FORMAT csv);\n1,a\n\\.\n",
    ],
)
def test_what_a_dump_leaves_open_is_reported_once(written: str) -> None:
    rows, skipped = dumped(written)
    assert not rows
    assert len(skipped) == 1


def test_dumps_of_isso_have_numbers(tmp_path: Path) -> None:
    (tmp_path / "x").write_text(
        "PRAGMA foreign_keys=OFF;\nCREATE TABLE threads (id, uri, title);\nINSERT INTO threads VALUES(1,'/a/','A');\n"
        "CREATE TABLE comments (tid, id, parent, created, mode, text);\n"
        "INSERT INTO comments VALUES(1,1,NULL,1200000001.5,1,'shown');\n"
        "INSERT INTO comments VALUES(1,2,1,1200000002,2,'pending');\n"
    )
    shown, pending = (one for one in read(tmp_path / "x", "isso") if isinstance(one, SourceComment))
    assert (shown.state, pending.state, pending.parent) == (SourceState.APPROVED, SourceState.PENDING, "1")


def test_a_time_that_no_calendar_has(tmp_path: Path) -> None:
    (tmp_path / "x").write_text(CUSDIS.replace("1178100000000", "9" * 500))
    assert next(one for one in read(tmp_path / "x", "cusdis") if isinstance(one, SourceComment)).written is None


def test_what_lies_beside_a_dump_in_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        packed.writestr("README.txt", "Hello")
        packed.writestr("all.sql", SERENDIPITY)
    found = read(tmp_path / "x.zip", "serendipity")
    assert len([one for one in found if isinstance(one, SourceComment)]) == 4
    assert [one.location for one in found if isinstance(one, SkippedRecord)] == ["file 1"]


def test_what_a_dump_has_and_nobody_can_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "x").write_text(SERENDIPITY.replace("'Grace',", "soundex('Grace'),"))
    found = read(tmp_path / "x", "serendipity")
    (skipped,) = (one for one in found if isinstance(one, SkippedRecord))
    assert (skipped.location, skipped.why) == ("line 12", dumps.UNREADABLE)
    assert skipped.text.startswith("(1,7,0,1178100000,'',soundex(")
    assert {one.author for one in found if isinstance(one, SourceComment)} == {"Bob", "Cat blog", "x"}


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=5), st.booleans())
def test_any_text_is_read_as_it_was_written(texts: list[str], has_escapes: bool) -> None:
    written = [one.replace("\\", "\\\\") if has_escapes else one for one in texts]
    values = ",".join("('" + one.replace("'", "''") + "')" for one in written)
    head = "" if has_escapes else "SET standard_conforming_strings = on;\n"
    insert = "INSERT INTO comments (body) VALUES"
    rows, skipped = dumped(f"{head}{insert} {values};\n{insert} ('last');")
    assert [row["body"] for row in rows] == [*texts, "last"]
    assert not skipped


CSV = "id;entry_id;parent_id;timestamp;title;author;email;url;ip;body;type;subscribed;status;referer"
OLD_CSV = f"{CSV}\n1;7;0;1178100000;;Jürgen;;;;schön;NORMAL;false;approved;\n"


@pytest.mark.parametrize(("text", "name"), [(SERENDIPITY.replace("Grace", "Jürgen"), "serendipity"), (OLD_CSV, "auto")])
def test_an_encoding_that_is_guessed_is_said(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / "x"
    path.write_text(text, encoding="cp1252")
    assert Notice(opening.OF_UNKNOWN_ENCODING) in read(path, name)
    assert "Jürgen" in {one.author for one in read(path, name) if isinstance(one, SourceComment)}
    assert not [one for one in read(path, name, charset="cp1252") if isinstance(one, Notice)]
    path.write_text(text, encoding="utf-8-sig")
    assert not [one for one in read(path, name) if isinstance(one, Notice)]


def test_a_dump_has_to_be_named(tmp_path: Path) -> None:
    (tmp_path / "x").write_text(SERENDIPITY)
    with pytest.raises(NotReadable) as refusal:
        read(tmp_path / "x")
    assert refusal.value.sentence == reading.A_DUMP


def test_no_program_in_a_file_is_run(tmp_path: Path) -> None:
    path = file_of(tmp_path / "x", "CREATE TABLE comments (id); CREATE VIEW threads AS SELECT 1 AS id, 'x' AS uri")
    with pytest.raises(NotReadable):
        read(path)

"""Files as other systems export them, small and our own."""

import sqlite3
from pathlib import Path
from xml.sax.saxutils import escape

OLD = "https://old.example"
WXR = """<?xml version="1.0" encoding="UTF-8" ?>
<rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>Old blog</title><link>{home}</link>
<wp:wxr_version>1.2</wp:wxr_version><wp:base_site_url>http://wordpress.com/</wp:base_site_url>
<wp:base_blog_url>{home}</wp:base_blog_url>
{items}</channel></rss>"""
ITEM = """<item><title>{title}</title><link>{home}/2007/05/phone/</link><wp:post_id>7</wp:post_id>
<wp:post_date_gmt>2007-05-01 10:00:00</wp:post_date_gmt><wp:status>{status}</wp:status>
<wp:comment_status>closed</wp:comment_status><wp:post_type>post</wp:post_type>
{comments}</item>"""


def wxr(*comments: str, home: str = OLD, status: str = "publish", title: str = "The &amp;amp; phone") -> str:
    """A WordPress export of one article."""
    item = ITEM.format(home=home, status=status, title=title, comments="\n".join(comments))
    return WXR.format(home=home, items=item)


def wp(number: int, text: str = "A text.", parent: int = 0, **fields: str) -> str:
    """One comment of a WordPress export."""
    said = {
        "comment_id": str(number),
        "comment_author": "Grace",
        "comment_author_email": "grace@mail.example",
        "comment_author_url": "http://",
        "comment_author_IP": "203.0.113.9",
        "comment_date": "2007-05-02 12:00:00",
        "comment_date_gmt": f"2007-05-02 10:00:{number:02}",
        "comment_approved": "1",
        "comment_type": "comment",
        "comment_parent": str(parent),
        **{f"comment_{name}": value for name, value in fields.items()},
    }
    inside = "".join(f"<wp:{name}>{escape(value)}</wp:{name}>" for name, value in said.items())
    return f"<wp:comment>{inside}<wp:comment_content><![CDATA[{text}]]></wp:comment_content></wp:comment>"


def disqus(*posts: str, link: str = f"{OLD}/2007/05/phone/") -> str:
    """A Disqus export of one thread."""
    thread = (
        f'<thread dsq:id="100"><id>7 {link}</id><forum>old</forum><link>{link}</link><title>The phone</title>'
        "<createdAt>2007-05-01T10:00:00Z</createdAt><isClosed>false</isClosed><isDeleted>false</isDeleted></thread>"
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><disqus xmlns="http://disqus.com"'
        f' xmlns:dsq="http://disqus.com/disqus-internals">{"".join(posts)}{thread}</disqus>'
    )


def post(number: int, text: str = "<p>A text.</p>", parent: int = 0, own: str = "", **flags: str) -> str:
    """One post of a Disqus export."""
    said = {"isDeleted": "false", "isSpam": "false", **flags}
    when = said.pop("createdAt", f"2007-05-02T10:00:{number % 60:02}Z")
    who = said.pop("author", "Linus")
    more = "".join(f"<{name}>{value}</{name}>" for name, value in said.items())
    above = f'<parent dsq:id="{parent}"/>' if parent else ""
    return (
        f'<post dsq:id="{number}"><id>{own}</id><message><![CDATA[{text}]]></message>'
        f"<createdAt>{when}</createdAt>{more}"
        f"<author><name>{who}</name><username>linus</username></author>"
        f'<thread dsq:id="100"/>{above}</post>'
    )


def isso(path: Path) -> Path:
    """An Isso database with a thread, a reply to a deleted comment, and one that waits."""
    database = sqlite3.connect(path)
    database.executescript(
        """
        CREATE TABLE threads (id INTEGER PRIMARY KEY, uri VARCHAR(256) UNIQUE, title VARCHAR(256));
        CREATE TABLE comments (tid REFERENCES threads(id), id INTEGER PRIMARY KEY, parent INTEGER,
            created FLOAT NOT NULL, modified FLOAT, mode INTEGER, remote_addr VARCHAR,
            text VARCHAR, author VARCHAR, email VARCHAR,
            website VARCHAR, likes INTEGER DEFAULT 0, dislikes INTEGER DEFAULT 0, voters BLOB);
        INSERT INTO threads VALUES (1, '/2007/05/phone/', NULL);
        INSERT INTO comments VALUES
            (1, 1, NULL, 1178100000.5, NULL, 4, '0.0.0.0', '', NULL, NULL, NULL, 0, 0, ''),
            (1, 2, 1, 1178100010.5, 1178100500, 1, '203.0.113.0', 'With **stars** and `code`', 'Bob', NULL,
             'bob.example', 1, 0, ''),
            (1, 3, NULL, 1178100020.5, NULL, 2, '203.0.113.0', 'I wait', NULL, 'x@', NULL, 0, 0, '');
        """
    )
    database.commit()
    database.close()
    return path

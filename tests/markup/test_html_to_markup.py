"""Other systems' HTML and Markdown in our markup: the same words, and nothing that turns into marks by accident."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commentsvc.markup import html_to_markup, markdown_to_markup, plain_text
from commentsvc.markup.html_to_markup import convert, escape
from commentsvc.markup.render import render

LINK = "https://x.example/a/long/address"


@pytest.mark.parametrize(
    ("html", "markup"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<b>bold</b> <strong>too</strong> <em>and</em> <u>so</u> on", "*bold* *too* _and_ _so_ on"),
        ("<b> with spaces </b>around", "*with spaces* around"),
        ("<b>two<br>lines</b>", "*two*\n*lines*"),
        ("un<b>believ</b>able", "unbelievable"),
        (f'<a href="{LINK}">words</a>', f"[words]({LINK})"),
        (f'<a href="{LINK}">https://x.example/a/lo…</a>', LINK),
        (f'<a href="{LINK}">{LINK}</a>', LINK),
        ('<a href="mailto:a@b.example">write</a> <a href="javascript:x">x</a> <a href="/a">y</a>', "write x y"),
        ("<blockquote><p>said</p><p>twice</p></blockquote>yes", "> said\n>\n> twice\n\nyes"),
        ("<ul><li>one<li>two</ul><ol><li>a<li>b</ol>", "- one\n- two\n\n1. a\n2. b"),
        ("<pre>a\n  b</pre>", "```\na\n  b\n```"),
        ("<code>x</code> and <code>a`b</code>", "`x` and a`b"),
        ("<h2>Title</h2>text<hr>more<hr>", "*Title*\n\ntext\n\n***\n\nmore"),
        ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", "a | b\nc | d"),
        ('<img alt=":-)" src="x.gif"> <img src="https://x.example/a.png">', ":-)   https://x.example/a.png"),
        ("<script>x</script><style>y</style>words", "words"),
        ("2*3*4 a_b_c *x* _y_", "2*3*4 a_b_c \\*x\\* \\_y\\_"),
        ("&gt; no quote", " > no quote"),
        ("- no list", " - no list"),
        ("&lt;b&gt; &amp;amp;", "<b> &amp;"),
        ("<div>a<div>b</div>c</div>", "a\n\nb\n\nc"),
    ],
)
def test_html(html: str, markup: str) -> None:
    assert convert(html).markup == markup


def test_wordpress_keeps_line_breaks() -> None:
    assert convert("one\ntwo\n\nthree <em>x</em>", breaks=True).markup == "one\ntwo\n\nthree _x_"


@pytest.mark.parametrize(
    ("markdown", "markup"),
    [
        ("**bold** and *it* and `code`", "*bold* and _it_ and `code`"),
        ("- one\n- two", "- one\n- two"),
        (f"[words]({LINK}) <b>html</b>", f"[words]({LINK}) *html*"),
        ("> said\n\nyes", "> said\n\nyes"),
        ("line\nline", "line\nline"),
        ("```py\nx = 1\n```", "```\nx = 1\n```"),
    ],
)
def test_markdown(markdown: str, markup: str) -> None:
    assert markdown_to_markup.convert(markdown).markup == markup


def test_markdowns_strikethrough_is_reported() -> None:
    converted = markdown_to_markup.convert("This is ~~wrong~~ right.")
    assert converted.markup == "This is wrong right."
    assert converted.lost == {html_to_markup.STRUCK_OR_RAISED: 1}


def test_what_is_lost_is_counted() -> None:
    lost = convert("<h1>a</h1><table><tr><td>b</table><del>c</del><iframe src=x></iframe>").lost
    assert {"headings", "tables", "strikethrough, superscript or subscript text", "media"} <= set(lost)


def test_deep_nesting_is_read_as_text() -> None:
    assert "deep" in convert("<div>" * 400 + "deep" + "</div>" * 400).markup


PIECES = st.sampled_from(
    [
        *(
            "a",
            "b ",
            " c",
            "*",
            "_",
            "**",
            "[x](https://a.example)",
            ">",
            "- ",
            "1. ",
            "`",
            "```",
            "\n",
            "\\",
            ":-)",
            "&lt;",
        ),
        *(
            "<b>",
            "</b>",
            "<i>",
            "</i>",
            "<p>",
            "</p>",
            "<br>",
            "<ul>",
            "<li>",
            "</ul>",
            "<blockquote>",
            "</blockquote>",
        ),
        *('<a href="https://a.example/x">', "</a>", "<code>", "</code>", "<hr>", "<h2>", "</h2>", "é", "語"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_words_stay_or_it_says_so(html: str) -> None:
    found = convert(html)
    assert render(found.markup) is not None
    tree = plain_text.tree(html)
    source = "" if tree is None else " ".join(html_to_markup._visible(tree, []))
    assert "text changed" in found.lost or html_to_markup._has_words(found.markup, source)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab *_[](>-1.`\n:)/"), max_size=30))
def test_plain_text_says_exactly_this(text: str) -> None:
    shown = render(escape(text))
    assert "<strong>" not in shown
    assert "<u>" not in shown
    assert "<blockquote>" not in shown
    assert "<ul>" not in shown


@pytest.mark.parametrize(
    ("html", "markup"),
    [
        ("请看<a href='https://e.example/a'>https://e.example/a</a>吧", "请看https://e.example/a 吧"),
        ("“<a href='https://e.example/a'>https://e.example/a</a>”的", "“https://e.example/a”的"),
        ("<a href='https://e.example/a'>https://e.example/a</a>，好", "https://e.example/a，好"),
        ("<b>重点</b>内容 https://e.example/a，好", "*重点*内容 https://e.example/a，好"),
        ('<b>k</b> "https://e.example/a"y', '*k* "https://e.example/a"y'),
        ("<b>k</b> https://e.example/a)y", "*k* https://e.example/a)y"),
        ("文_件_名.txt 中*文*字", r"文\_件\_名.txt 中\*文\*字"),
        ("snake_case_name and a*b*c", "snake_case_name and a*b*c"),
    ],
)
def test_scripts_without_spaces_keep_addresses_and_signs(html: str, markup: str) -> None:
    converted = convert(html)
    assert (converted.markup, dict(converted.lost)) == (markup, {})

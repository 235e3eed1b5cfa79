"""The rules about links see every link that readers can click, in whatever script it stands."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commentsvc import links
from commentsvc.markup.render import render
from commentsvc.spam import addresses
from commentsvc.spam.signals import Facts

ADDRESS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["https://", "HTTP://", "www."]),
        st.sampled_from(["spam.example", "x.example", "bücher.example"]),
        st.sampled_from(["", "/path", "/a”b", "?a=1", "/(x)"]),
    ),
)
BESIDE = st.sampled_from(
    [*"，。、“”«»’ \na1@.-_*()[]", "请看", "谢谢", "です", "и", "é", "[words](", "❤️"],
)


@given(st.lists(BESIDE | st.tuples(ADDRESS, BESIDE).map("".join), max_size=8).map("".join))
def test_no_link_is_overlooked(text: str) -> None:
    shown = {links.host_of(unescape(href)) for href in re.findall(r'<a href="([^"]+)"', render(text))}
    assert shown <= {links.host_of(found) for found in addresses.in_text(text)}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("见 https://x.example，https://y.example、https://z.example 这里有文字", 3),
        ("请看https://spam.example 谢谢", 1),
        ("谢谢www.spam.example", 1),
        ("awww.cute", 0),
        ("no address", 0),
    ],
)
def test_they_are_counted(text: str, count: int) -> None:
    assert len(Facts(body=text).links) == count

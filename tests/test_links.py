"""Addresses: one article is one thread, however its address is written."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commentsvc import links
from commentsvc.hosts import readable
from commentsvc.links import origin_of, same_page, thread_key

SAME = [
    "https://blog.example/2020/05/phone.html",
    "http://BLOG.example/2020/05/phone.html#comments",
    "https://blog.example/2020/05/phone.html?utm_source=feed&utm_medium=x",
    "https://blog.example/2020/05/phone.html/?fbclid=123",
    "/2020/05/phone.html",
    "2020/05/phone.html",
    "2020/05/phone.html/",
    "2020/%30%35/phone.html",
]


@pytest.mark.parametrize("address", SAME)
def test_one_article_is_one_thread(address: str) -> None:
    assert thread_key(address) == "2020/05/phone.html"


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("https://blog.example/", ""),
        ("https://blog.example", ""),
        ("https://blog.example/index.html", ""),
        ("https://blog.example/a/index.htm", "a"),
        ("https://blog.example/?p=12", "?p=12"),
        ("https://blog.example/index.php?p=12&gclid=x", "index.php?p=12"),
        ("https://blog.example/caf%C3%A9", "café"),
        ("https://blog.example/cafe\u0301", "café"),
        ("https://blog.example/CAF%c3%a9", "CAFé"),
        ("https://blog.example/a%2Fb%3Fc%23d%25e", "a%2Fb%3Fc%23d%25e"),
        ("https://blog.example/100%", "100%25"),
        ("https://blog.example/%ff", "%FF"),
        ("https://blog.example/2026/%E4%B8%AD%E6%96/", "2026/中%E6%96"),  # cut in the middle of a character
        ("https://blog.example/a%E9%C3%A9", "a%E9é"),
        ("post-17", "post-17"),
        (" post 17\n", "post 17"),
        ("%20/post%2017/%C2%A0", "post 17"),
        (" https://blog.example/a?b=1 ", "a?b=1"),
        ("//blog/2020/05/phone.html", "blog/2020/05/phone.html"),
        ("https://blog.example/?123", "?123"),
        ("https://blog.example/?a;b&c=%3b", "?a;b&c=%3B"),
        ("https://blog.example/?q=a+b&q=a%20b", "?q=a+b&q=a%20b"),
        ("https://blog.example/?q=caf%c3%a9", "?q=caf%C3%A9"),
        ("https://blog.example/?q=caf\u00e9", "?q=caf%C3%A9"),
        ("https://blog.example/?q=%E9", "?q=%E9"),
        ("https://blog.example/?q=it's", "?q=it%27s"),
        ("https://blog.example/?&", ""),
        ("https://blog.example/a/./b/../c", "a/c"),
        ("#eins", "#eins"),  # an id, as an element may give it
        ("#!/post/1", "#!/post/1"),
        ("https://blog.example/#eins", ""),
        ("https:/blog.example/x", "x"),  # as proxies make it that merge slashes
        ("../../admin/queue", "admin/queue"),
        ("https://blog.example/%2e%2E/admin", "admin"),
        ("..%2f..%2fadmin", "..%2F..%2Fadmin"),  # is one segment, which no browser takes apart
        ("a\ufffeb\uffffc\x9bd", "abcd"),
    ],
)
def test_what_matters_stays(address: str, key: str) -> None:
    assert thread_key(address) == key


@pytest.mark.parametrize("name", ["srsltid", "igsh", "gbraid", "ttclid", "_gl", "mtm_source", "li_fat_id", "UTM_ID"])
def test_who_clicked_where_is_no_part_of_an_address(name: str) -> None:
    """Parameters that browsers take away; the list has its date in ``tracking``."""
    assert thread_key(f"https://blog.example/a?{name}=x1&p=1") == "a?p=1"


@pytest.mark.parametrize("name", ["ref", "id", "source", "p", "s", "page", "utmost"])
def test_what_may_choose_the_page_stays(name: str) -> None:
    assert thread_key(f"https://blog.example/a?{name}=x1") == f"a?{name}=x1"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://xn--bcher-kva.example", "https://bücher.example"),
        ("https://xn--bcher-kva.example:8080/a?b#c", "https://bücher.example:8080/a?b#c"),
        ("https://blog.example", "https://blog.example"),
        ("xn--mll-hoa.example", "müll.example"),
    ],
)
def test_a_host_is_shown_as_people_type_it(address: str, shown: str) -> None:
    assert readable(address) == shown


@given(st.text(max_size=60) | st.from_regex(r"/?([a-z%0-9/]|index\.html){0,20}(\?[a-z=&%]{0,10})?", fullmatch=True))
def test_normalising_twice_changes_nothing(address: str) -> None:
    once = thread_key(address)
    assert thread_key(once) == once


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Blog.example:443/x", "https://blog.example"),
        ("http://blog.example:8080/", "http://blog.example:8080"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("javascript:alert(1)", None),
        ("//blog.example", None),
        ("http://", None),
        ("http://blog.example:x/", None),
        ("http://[", None),
        ("https://B\u00fccher.example/", "https://xn--bcher-kva.example"),
        ("https://fa\u00df.de", "https://xn--fa-hia.de"),
        ("https://\u2603.example", "https://xn--n3h.example"),
        ("https://my_host.example", "https://my_host.example"),
        ("https://*.example.org", None),
        ("https://x.example,https://y.example", None),
        ("https://x.example;script-src", None),
        ("https://[v1.a]", None),
        ("https://x.example:0", None),
        ("https://[0:0:0:0:0:0:0:1]", "https://[::1]"),
        ("https://a b.example", None),
        ("https://" + "\u00fc" * 70 + ".example", None),
        ("https://[fe80::1%eth0]", None),
        ("https://x..example", None),
        ("https://.example", None),
        ("https://xn--a.example", None),
        ("https://xn--xn---epa.example", None),
        ("https://ex%61mple.org", "https://example.org"),
        ("https://b%C3%BCcher.example", "https://xn--bcher-kva.example"),
        ("https://a%2Fb.example", None),
        ("https://%ff.example", None),
        ("https://example.org%00.evil.example", None),
        ("https://0\u05d0.example", None),  # begins with a digit, and is written from right to left (RFC 5893, 2)
        ("https://\u05d0a.example", None),
        ("https://\u0301a.example", None),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://xn--i-7iq.example", "https://xn--i-7iq.example"),
        ("https://[::1]x:80", None),
        ("http://127.1", "http://127.0.0.1"),
        ("http://0x7f.1", "http://127.0.0.1"),
        ("http://2130706433", "http://127.0.0.1"),
        ("http://192.168.010.1", "http://192.168.8.1"),
        ("http://1.2.3.4.", "http://1.2.3.4"),
        ("http://1.2.3.256", None),
        ("http://x.1", None),
        ("https://blog\u200d.example", None),
        ("https://\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example", "https://xn--mgba3gch31f060k.example"),
    ],
)
def test_origins(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize("key", ["?x=/../../../admin", "a?b=/./../c", "a?/%2e%2e/%2E%2E/admin/sign-in"])
def test_no_address_of_a_thread_leads_elsewhere(key: str) -> None:
    """A browser resolves dot segments, wherever in the path they are (URL Standard, 4.4)."""
    path = links.thread_path("blog", links.thread_key(key))
    segments = [unquote(segment) for segment in path.split("/")]
    assert segments[0] == "blog"
    assert not {".", ".."} & set(segments)


def test_same_page_needs_the_same_origin() -> None:
    assert same_page("https://blog.example/a/", "https://blog.example/a#x")
    assert not same_page("https://blog.example/a", "https://other.example/a")
    assert not same_page("nonsense", "nonsense")


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("https://Blog.Example/a", "blog.example"),
        ("www.blog.example", "blog.example"),
        ("www.com", "www.com"),
        ("blog.example:8080/x", "blog.example"),
        ("http://u:p@blog.example:99999/", "blog.example"),
        ("https://blog.example.", "blog.example"),
        ("https://blog.example),", "blog.example"),
        ("https://blog.example*", "blog.example"),
        ("ftp://blog.example", "blog.example"),
        ("https://blog.example\\x", "blog.example"),
        ("https://%62log.example", "blog.example"),
        ("https://blog。example", "blog.example"),
        ("https://bl\u00adog.example", "blog.example"),
        ("https://BÜCHER.example", "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("https://stra\u00dfe.example", "xn--strae-oqa.example"),
        ("https://STRA\u1e9eE.example", "xn--strae-oqa.example"),
        ("https://\u2603.co.uk/", "xn--n3h.co.uk"),
        ("\u2764.github.io", "xn--qei.github.io"),
        ("https://\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com", "xn--mgba3gch31f060k.com"),  # with a joiner
        ("exa\u200dmple.com", "example.com"),
        ("https://[2001:db8::1]:443/x", "[2001:db8::1]"),
        ("https://[1::2::3]/", ""),
        ("https://blog.example\u00bb", "blog.example"),
        ("", ""),
        ("https://", ""),
        ("https://" + "a." * 200 + "example", ""),
        ("https://" + "ü" * 70 + ".example", ""),
    ],
)
def test_one_host_however_it_is_written(written: str, host: str) -> None:
    assert links.host_of(written) == host


@given(st.text(max_size=300))
def test_any_text_may_be_asked_for_its_host(text: str) -> None:
    assert len(links.host_of(text)) <= links.MAX_HOST_LENGTH

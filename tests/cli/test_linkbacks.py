"""``ping`` and ``doctor ARTICLE_URL``: what they print, about pages over HTTP."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commentsvc.cli import run
from commentsvc.linkbacks import trackback
from tests.running import put_database
from tests.servers import Web, free_port, web

SERVER = "https://comments.example"
ARTICLE = "/2020/05/phone.html"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def blog() -> Iterator[Web]:
    """Our blog, and in other folders, everybody else."""
    with web() as site:
        yield site


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], blog: Web) -> Command:
    """Run a command beside a site for the blog."""
    put_database(tmp_path / "data")
    monkeypatch.setenv("COMMENTSVC_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COMMENTSVC_BASE_URL", SERVER)
    monkeypatch.setenv("COMMENTSVC_FETCH_ALLOW", blog.address)

    def type_(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(""))
        status = run(list(words))
        return status, *capsys.readouterr()

    type_("site", "add", "blog", blog.url)
    return type_


class TestPing:
    """Telling others, now."""

    def test_each_link_has_a_line(self, command: Command, blog: Web) -> None:
        with web() as other, web() as third:
            other.page("/end", "", status=202)
            target = other.page("/post", '<link rel="webmention" href="/end">')
            deaf = other.page("/deaf", "hello")
            hidden = third.page("/post", "hello")
            anchors = "".join(f'<a href="{url}">x</a>' for url in (target, deaf, hidden))
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("COMMENTSVC_FETCH_ALLOW", f"{blog.address},{other.address}")
                status, out, err = command("ping", blog.page(ARTICLE, anchors))
            assert (status, err) == (1, "1 of 3 pages could not be told; the admin pages list them, too.\n")
            assert f"✓ {target}: webmention, status 202" in out
            assert f"– {deaf}: takes no linkbacks" in out
            assert f"✗ {hidden}: port" in out

    def test_an_article_without_links(self, command: Command, blog: Web) -> None:
        status, out, _ = command("ping", blog.page(ARTICLE, "<p>x</p>"))
        assert (status, out) == (0, "No linkbacks to send: the page links to no other site.\n")

    def test_an_article_that_is_not_there(self, command: Command, blog: Web) -> None:
        status, _, err = command("ping", blog.page(ARTICLE, "x", status=404))
        assert (status, err) == (1, f"{blog.url}{ARTICLE}: there is no such page.\n")

    def test_an_article_at_a_private_address(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COMMENTSVC_FETCH_ALLOW", "")
        command("site", "set", "blog", "http://127.0.0.1")
        status, _, err = command("ping", "http://127.0.0.1/x")
        assert status == 1
        assert "name it in COMMENTSVC_FETCH_ALLOW" in err

    def test_a_link_to_nowhere_and_one_that_was_taken_out(self, command: Command, blog: Web) -> None:
        with web() as other, pytest.MonkeyPatch.context() as patch:
            patch.setenv("COMMENTSVC_FETCH_ALLOW", f"{blog.address},{other.address}")
            assert "✗ " in command("ping", blog.page(ARTICLE, f'<a href="{other.url}/nowhere">x</a>'))[1]
            other.page("/end", "", status=202)
            target = other.page("/post", '<link rel="webmention" href="/end">')
            command("ping", blog.page(ARTICLE, f'<a href="{target}">x</a>'))
            said = command("ping", blog.page(ARTICLE, "<p>x</p>"))[1]
            assert said == f"✓ {target}: webmention, status 202, no longer linked\n"

    def test_an_article_of_nobody(self, command: Command) -> None:
        status, _, err = command("ping", "https://elsewhere.example/")
        assert status == 1
        assert err.startswith("https://elsewhere.example/ is not a page of a site on this server; ")

    def test_an_article_that_cannot_be_read(self, command: Command, blog: Web) -> None:
        status, _, err = command("ping", blog.page(ARTICLE, "x", status=500))
        assert status == 1
        assert "could not be read: the page answers with status 500. The worker tries again later." in err
        assert "The worker is reading this article" not in err

    def test_a_feed_is_a_rule(self, command: Command, blog: Web) -> None:
        blog.page("/feed", "<rss version='2.0'><channel><title>x</title></channel></rss>")
        assert command("site", "set", "blog", "--feed", f"{blog.url}/feed")[:2] == (0, "Changed blog.\n")
        assert f"feed       {blog.url}/feed" in command("site", "list")[1]
        status, _, err = command("site", "set", "blog", "--feed", f"{blog.url}/nowhere", "--webmentions", "hold")
        assert (status, "The feed cannot be read at the moment: the feed answers with status 404." in err) == (0, True)
        assert command("site", "set", "blog", "--feed", "none")[0] == 0
        assert "webmentions hold\n" in command("site", "list")[1]
        assert command("site", "set", "blog", "--feed", "nonsense")[0] == 2


def template(blog: Web, **changes: str) -> str:
    """An article with every line that docs/linkbacks.md gives; ``changes`` replace or drop them."""
    here = f"{blog.url}{ARTICLE}"
    ping = f"{SERVER}/trackback/blog{ARTICLE}"
    lines = {
        "canonical": f'<link rel="canonical" href="{here}">',
        "webmention": f'<link rel="webmention" href="{SERVER}/webmention">',
        "pingback": f'<link rel="pingback" href="{SERVER}/pingback">',
        "trackback": f'<link rel="trackback" type="application/x-www-form-urlencoded" href="{ping}">',
        "script": f'<script type="module" src="{SERVER}/embed.js"></script>',
        "rdf": trackback.rdf(here, "The phone", ping),
        "element": f'<comment-thread site="blog"><a href="{SERVER}/t/blog{ARTICLE}">Comments</a></comment-thread>',
    } | changes
    return "<!doctype html><title>The phone</title>" + "\n".join(lines.values())


def canonical(url: str) -> str:
    return f'<link rel="canonical" href="{url}">'


OPTIONAL = ("Webmention", "Pingback", "Trackback", "RDF block")


class TestDoctor:
    """What is missing on a page."""

    def findings(self, command: Command, url: str) -> dict[str, str]:
        """What is said of the page, by the name of the check."""
        lines = command("doctor", "--all", url)[1].splitlines()
        return {
            name[2:]: name[0] + said for name, _, said in (line.partition(":") for line in lines) if name[1:2] == " "
        }

    def test_a_page_with_everything(self, command: Command, blog: Web) -> None:
        found = self.findings(command, blog.page(ARTICLE, template(blog)))
        names = (
            "Site",
            "Canonical link",
            "Script",
            "Comment element",
            "Webmention",
            "Pingback",
            "Trackback",
            "RDF block",
        )
        assert {found[name][0] for name in (*names, "Content security policy", "Cookies")} == {"✓"}

    def test_addresses_count_from_the_base(self, command: Command, blog: Web) -> None:
        first, _, rest = ARTICLE.strip("/").partition("/")
        based = f'<base href="/{first}/"><link rel="canonical" href="{rest}">'
        found = self.findings(command, blog.page(ARTICLE, template(blog, canonical=based)))
        assert found["Canonical link"][0] == "✓"

    @pytest.mark.parametrize(
        ("name", "changes", "said"),
        [
            ("Canonical link", {"canonical": ""}, "missing"),
            ("Canonical link", {"canonical": canonical("https://elsewhere.example/")}, "not on any site address"),
            ("Canonical link", {"canonical": canonical("/other.html")}, "its comments are there"),
            ("Script", {"script": ""}, f'missing. Add: <script type="module" src="{SERVER}/embed.js">'),
            ("Script", {"script": f'<script src="{SERVER}/embed.js"></script>'}, "loaded as a module"),
            ("Script", {"script": '<script src="http://old.example/embed.js"></script>'}, "another server"),
            ("Comment element", {"element": ""}, "missing"),
            ("Comment element", {"element": '<comment-thread site="blig"></comment-thread>'}, "it names the blog"),
            ("Comment element", {"element": '<comment-thread site="blog"></comment-thread>'}, "without JavaScript"),
            ("Webmention", {"webmention": ""}, f'add: <link rel="webmention" href="{SERVER}/webmention">'),
            ("Webmention", {"webmention": '<link rel="webmention" href="https://w.example/">'}, "but it should be"),
            ("Pingback", {"pingback": ""}, "missing"),
            ("Pingback", {"pingback": f"<link href='{SERVER}/pingback' rel='pingback'>"}, "does not recognize"),
            ("Trackback", {"trackback": "", "rdf": ""}, "missing"),
            ("Trackback", {"trackback": f'<link rel="trackback" href="{SERVER}/trackback/x">'}, "but it should be"),
            ("RDF block", {"rdf": ""}, "<rdf:RDF"),
            ("RDF block", {"rdf": trackback.rdf("https://x.example/", "x", "y")}, "must be exactly"),
        ],
    )  # fmt: skip
    def test_what_is_missing_or_wrong(
        self, command: Command, blog: Web, name: str, changes: dict[str, str], said: str
    ) -> None:
        url = blog.page(ARTICLE, template(blog, **changes))
        mark = "–" if set(changes.values()) == {""} and name in OPTIONAL else "✗"
        status, out, _ = command("doctor", "--all", url)
        assert status == 1
        assert ("Comments work on" in out) == (mark == "–")
        assert self.findings(command, url)[name].startswith(mark)
        assert said in out

    def test_the_two_lines_are_enough(self, command: Command, blog: Web) -> None:
        """What is optional is named as such, and what only old software looks for is not named at all."""
        url = blog.page(ARTICLE, template(blog, webmention="", pingback="", trackback="", rdf=""))
        out = command("doctor", url)[1]
        page = out.partition("Comments work on")[2]
        assert page
        assert "– Webmention: missing" in page
        assert "✗" not in page
        assert "RDF" not in page

    def test_a_title_that_ends_the_block(self, command: Command, blog: Web) -> None:
        here = f"{blog.url}{ARTICLE}"
        for title in ("a --> b", "a -- b"):
            block = f'<!-- <rdf:RDF><rdf:Description dc:identifier="{here}" dc:title="{title}" /></rdf:RDF> -->'
            found = self.findings(command, blog.page(ARTICLE, template(blog, rdf=block)))
            assert "two hyphens" in found["RDF block"]

    @pytest.mark.parametrize(
        ("policy", "sign"),
        [
            ("default-src 'self'", "✗"),
            (f"default-src {SERVER}", "✓"),
            (f"script-src {SERVER}; connect-src https:; img-src *; media-src *.example", "✓"),
            (f"default-src 'none'; script-src {SERVER}; connect-src {SERVER}; img-src {SERVER}", "✗"),
            ("script-src 'strict-dynamic' 'nonce-x'", "✓"),
            ("script-src http://comments.example", "✓"),  # which browsers upgrade
            ("script-src https://comments.example:443", "✓"),
            ("script-src comments.example:*", "✓"),
            ("script-src *.example", "✓"),
            ("script-src https://comments.example:8443", "✗"),
            ("script-src https://example", "✗"),
            ("script-src data:", "✗"),
            ("upgrade-insecure-requests", "✓"),
        ],
    )
    def test_security_policies(self, command: Command, blog: Web, policy: str, sign: str) -> None:
        in_header = blog.page(ARTICLE, template(blog), Content_Security_Policy=policy)
        assert self.findings(command, in_header)["Content security policy"][0] == sign
        meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        in_page = blog.page(ARTICLE, template(blog, meta=meta))
        assert self.findings(command, in_page)["Content security policy"][0] == sign

    def test_a_protocol_that_is_off_is_not_missed(self, command: Command, blog: Web) -> None:
        command("site", "set", "blog", "--trackbacks", "off", "--pingbacks", "off")
        url = blog.page(ARTICLE, template(blog, trackback="", rdf="", pingback=""))
        assert {"Trackback", "RDF block", "Pingback"} & set(self.findings(command, url)) == set()

    @pytest.mark.parametrize(
        ("status", "headers", "said"),
        [
            (404, {}, "returns status 404"),
            (302, {"Location": "/elsewhere"}, "status 302 and redirects to /elsewhere"),
            (200, {"Content_Type": "image/png"}, "is image/png, not an HTML page"),
        ],
    )
    def test_what_is_no_article(
        self, command: Command, blog: Web, status: int, headers: dict[str, str], said: str
    ) -> None:
        assert said in command("doctor", blog.page(ARTICLE, "x", status=status, **headers))[1]

    def test_pages_of_nobody_and_of_nowhere(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        with web() as other:
            # No terminal asks here, so it tells nobody which private addresses answer.
            assert "could not be loaded (port" in command("doctor", other.page("/", "x"))[1]
            monkeypatch.setenv("COMMENTSVC_FETCH_ALLOW", other.address)
            assert "does not belong to any blog here" in command("doctor", other.page("/", "x"))[1]
        assert "could not be loaded" in command("doctor", f"http://127.0.0.1:{free_port()}/")[1]
        assert "could not be loaded (not a web address)" in command("doctor", "nonsense")[1]

    def test_a_proxy_whose_word_is_not_taken(
        self, command: Command, blog: Web, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("commentsvc.cli.reachability.tokens.sign", lambda *_: "signed")
        blog.page("/health?doctor=signed", '{"reasons":[],"status":"well","unknown_proxy":true}')
        monkeypatch.setenv("COMMENTSVC_BASE_URL", blog.url)
        assert "✗ Proxy: the proxy in front is not trusted" in command("doctor")[1]
        blog.page("/health?doctor=signed", '{"reasons":[],"status":"well","unknown_proxy":false}')
        assert "✓ Proxy" in command("doctor")[1]

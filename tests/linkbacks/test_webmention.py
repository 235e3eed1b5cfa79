"""W3C Webmention, as a receiver: each demand of the recommendation, over HTTP."""

import json
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from commentsvc import settings as all_settings
from commentsvc.db import db
from commentsvc.errors import READING_INTERRUPTED
from commentsvc.linkbacks import receiving, verifying
from commentsvc.models import Comment, Email, Ping, Thread
from tests.cast import ARTICLE, ARTICLE_URL, BLOG, OTHER_BLOG
from tests.jobs import run_job
from tests.servers import Web
from tests.time import FrozenClock
from tests.visitors import Visitor

SOURCE = "https://exchange.example/rotary"


def mention(client: FlaskClient, source: str = SOURCE, target: str = ARTICLE_URL, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/webmention", data={"source": source, "target": target}, headers=named)


def progress(client: FlaskClient, answer: TestResponse) -> str:
    """What the status page says to a program."""
    status = client.get(answer.headers["Location"])
    assert status.status_code == 200
    return str(status.json["status"])


class TestAsking:
    """What a sender posts, and what it is answered at once."""

    def test_it_is_taken_and_has_a_status_page(self, client: FlaskClient, the_ping: Callable[[], Ping]) -> None:
        answer = mention(client)
        assert answer.status_code == 201
        assert answer.headers["Location"].startswith("https://comments.example/webmention/")
        assert answer.json == {"source": SOURCE, "target": ARTICLE_URL, "status": "queued", "url": None}
        assert progress(client, answer) == "queued"
        assert (the_ping().protocol, the_ping().target) == ("webmention", ARTICLE_URL)
        assert db.session.scalar(select(func.count(Thread.id))) == 0, "receiving opens no thread"

    def test_other_fields_are_ignored(self, client: FlaskClient) -> None:
        answer = client.post("/webmention", data={"source": SOURCE, "target": ARTICLE_URL, "vouch": "x", "state": "y"})
        assert answer.status_code == 201

    @pytest.mark.parametrize(
        ("source", "target"),
        [
            ("", ARTICLE_URL), (SOURCE, ""), ("", ""), ("exchange.example", ARTICLE_URL), (SOURCE, "blog"),
            ("ftp://exchange.example/", ARTICLE_URL), ("javascript:alert(1)", ARTICLE_URL), (SOURCE, "mailto:a@b.test"),
            ("http://[", ARTICLE_URL), (SOURCE, "http://["), (f"{ARTICLE_URL}#", ARTICLE_URL),
            (ARTICLE_URL, ARTICLE_URL),
            (SOURCE, "https://nobody.example/"), ("not-a-url", "neither"), (SOURCE, "https://blog.example.evil/x"),
            (SOURCE, "https://comments.example/admin/queue"), (SOURCE, "https://comments.example/t/nobody/x"),
            (f"{SOURCE}?{'x' * 3000}", ARTICLE_URL), (SOURCE, f"{ARTICLE_URL}?{'x' * 3000}"),
            ("https://comments.example/t/blog/x", ARTICLE_URL), (f"{SOURCE}/a b", ARTICLE_URL),
            (f"{SOURCE}/\uffff", ARTICLE_URL), (SOURCE, f"{ARTICLE_URL}\ufffe"),
            (SOURCE, f"{ARTICLE_URL}\0"), (f"{SOURCE}\0", ARTICLE_URL), (SOURCE, f"{BLOG}/\nx"), (SOURCE, f"{BLOG}/ b"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_is_refused_before_anything_is_fetched(
        self, client: FlaskClient, source: str, target: str
    ) -> None:
        answer = mention(client, source, target)
        assert answer.status_code == 400
        assert answer.json["title"]
        assert not db.session.scalar(select(Ping.id))

    @pytest.mark.parametrize(
        ("target", "key"),
        [
            ("https://comments.example/t/blog/%3Fp%3D12", "?p=12"),
            ("https://comments.example/t/blog/c%2523/intro", "c%23/intro"),
            ("https://comments.example/t/blog/100%2525", "100%25"),
            ("HTTPS://COMMENTS.EXAMPLE:443/t/blog/x?lang=de", "x"),
        ],
    )
    def test_our_own_page_of_an_article_is_that_article(
        self, client: FlaskClient, the_ping: Callable[[], Ping], target: str, key: str
    ) -> None:
        assert mention(client, target=target).status_code == 201
        assert the_ping().key == key

    def test_the_fragment_of_a_target_does_not_matter(self, client: FlaskClient, the_ping: Callable[[], Ping]) -> None:
        assert mention(client, target=f"{ARTICLE_URL}#comments").status_code == 201
        assert the_ping().key == ARTICLE

    def test_each_site_has_its_own(self, client: FlaskClient, the_ping: Callable[[], Ping]) -> None:
        mention(client, target=f"{OTHER_BLOG}/{ARTICLE}")
        assert the_ping().site.key == "other"

    def test_again_is_the_same(self, client: FlaskClient, the_ping: Callable[[], Ping]) -> None:
        first, second = mention(client), mention(client)
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.headers["Location"] == second.headers["Location"]
        assert the_ping()

    def test_cookies_and_origins_change_nothing(self, client: FlaskClient, ada: Visitor) -> None:
        assert mention(ada.client, Origin="https://evil.example", Sec_Fetch_Site="cross-site").status_code == 201
        assert mention(client, f"{SOURCE}/2").headers.get("Set-Cookie") is None

    def test_switched_off(self, client: FlaskClient, rules: Callable[..., None]) -> None:
        rules("blog", webmentions="off")
        answer = mention(client)
        assert answer.status_code == 400
        assert answer.json["title"] == "This article does not accept mentions."

    def test_too_many(self, client: FlaskClient) -> None:
        answers = [mention(client, f"https://{number}.example/") for number in range(61)]
        assert "many mentions" in answers[60].json["title"]
        assert answers[59].status_code == 201
        assert answers[60].status_code == 429
        assert int(answers[60].headers["Retry-After"]) > 0

    def test_more_than_any_webmention(self, client: FlaskClient) -> None:
        assert client.post("/webmention", data={"source": "x" * 70_000}).status_code == 413

    def test_an_article_with_a_key_of_its_own_is_found_by_its_address(
        self, client: FlaskClient, bob: Visitor, the_ping: Callable[[], Ping]
    ) -> None:
        bob.comment(key="phone", url=ARTICLE_URL, title="The phone")
        mention(client)
        assert the_ping().key == "phone"


class TestPeople:
    """The same in a browser."""

    def test_a_form_at_the_endpoint(self, client: FlaskClient) -> None:
        page = client.get(f"/webmention?target={ARTICLE_URL}", headers={"Accept": "text/html"})
        assert f'value="{ARTICLE_URL}"' in page.text
        answer = mention(client, Accept="text/html,application/xhtml+xml,*/*;q=0.8")
        assert answer.status_code == 201
        assert "Received." in answer.text

    def test_who_fills_in_the_form_is_led_to_the_status(self, client: FlaskClient) -> None:
        form = {"source": SOURCE, "target": ARTICLE_URL, "by_hand": "1"}
        answer = client.post("/webmention?lang=de", data=form, headers={"Accept": "text/html"})
        assert answer.status_code == 303
        status = client.get(answer.headers["Location"], headers={"Accept": "text/html"}).text
        assert "Eingegangen." in status
        assert f'<a href="{ARTICLE_URL}">' in status

    @pytest.mark.parametrize(
        ("source", "target", "status"),
        [("nonsense", ARTICLE_URL, 400), (SOURCE, "https://nobody.example/", 400), (SOURCE, SOURCE, 400)],
    )
    def test_a_slip_loses_nothing_that_was_typed(
        self, client: FlaskClient, source: str, target: str, status: int
    ) -> None:
        answer = client.post("/webmention", data={"source": source, "target": target, "by_hand": "1"})
        assert answer.status_code == status
        assert 'role="alert"' in answer.text
        assert f'value="{source}"' in answer.text
        assert f'value="{target}"' in answer.text

    def test_refusals_are_pages(self, client: FlaskClient) -> None:
        answer = mention(client, "nonsense", Accept="text/html,*/*;q=0.8")
        assert (answer.status_code, answer.mimetype) == (400, "text/html")
        assert "is not a complete web address" in answer.text

    def test_the_thread_leads_to_the_form(self, client: FlaskClient, rules: Callable[..., None]) -> None:
        assert (
            "/webmention?lang=en&amp;target=https%3A//blog.example/2020/05/phone.html"
            in client.get(f"/embed/blog/{ARTICLE}").text
        )
        rules("blog", webmentions="off", version=1)
        assert "/webmention?" not in client.get(f"/t/blog/{ARTICLE}").text

    @pytest.mark.parametrize("receipt", ["1", "1-", "1-0123456789abcdef", "x-y", "9" * 30 + "-x", "1-é"])
    def test_nobody_guesses_anothers_status(self, client: FlaskClient, receipt: str) -> None:
        mention(client)
        assert client.get(f"/webmention/{receipt}").status_code == 404


class TestDiscovery:
    """How senders find the endpoint."""

    def test_what_is_off_is_not_offered(self, client: FlaskClient, rules: Callable[..., None]) -> None:
        rules("blog", webmentions="off", pingbacks="off", trackbacks="off")
        page = client.get(f"/t/blog/{ARTICLE}")
        assert "X-Pingback" not in page.headers
        assert "Link" not in page.headers
        for word in ('rel="webmention"', 'rel="pingback"', 'rel="trackback"', "rdf:RDF", "/webmention"):
            assert word not in page.text

    def test_header_and_element(self, client: FlaskClient) -> None:
        page = client.get(f"/t/blog/{ARTICLE}")
        assert '<https://comments.example/webmention>; rel="webmention"' in page.headers.getlist("Link")
        assert '<link rel="webmention" href="https://comments.example/webmention">' in page.text


@pytest.mark.usefixtures("allowed")
class TestVerification:
    """What counts as a link, and what the sender hears of it."""

    def test_a_link_is_shown(self, client: FlaskClient, neighbour: Web, linking: Callable[[], str]) -> None:
        answer = mention(client, neighbour.page("/post", linking()))
        run_job("verify pings")
        status = client.get(answer.headers["Location"]).json
        assert status["status"] == "shown"
        assert status["url"].startswith("https://comments.example/t/blog/")
        assert "Why &amp; how" in client.get(f"/t/blog/{ARTICLE}").text
        page = client.get(answer.headers["Location"], headers={"Accept": "text/html"}).text
        assert "Your page is now shown below the article." in page

    @pytest.mark.parametrize(
        "html",
        [
            '<a href="{}">x</a>', '<img src="{}">', '<video src="{}"></video>', '<audio src="{}"></audio>',
            '<video poster="{}"></video>', '<iframe src="{}"></iframe>', '<object data="{}"></object>',
            '<blockquote cite="{}">x</blockquote>', '<q cite="{}">x</q>', '<map><area href="{}"></map>',
            "<a href='{}'>x</a>", "<a href={}>x</a>", "<A HREF='{}'>x</A>",
        ],
    )  # fmt: skip
    def test_elements_that_name_it(
        self, client: FlaskClient, neighbour: Web, html: str, the_ping: Callable[[], Ping]
    ) -> None:
        mention(client, neighbour.page("/post", html.format(ARTICLE_URL)))
        run_job("verify pings")
        assert the_ping().state == "verified"

    @pytest.mark.parametrize(
        "html",
        [
            "<p>{}</p>", "<!-- <a href='{}'>x</a> -->", "&lt;a href='{}'&gt;", "<script>'<a href=\"{}\">'</script>",
            "<template><a href='{}'>x</a></template>", "<noscript><a href='{}'>x</a></noscript>",
            "<textarea><a href='{}'>x</a></textarea>", "<a href='{}l'>x</a>", "<a href='{}/x'>x</a>",
            "<a href='{}?utm_source=x'>x</a>", "<a data-href='{}'>x</a>", "<input value='{}'>", "nothing",
            "<a href='http://blog.example/2020/05/phone.html'>x</a>",
        ],
    )  # fmt: skip
    def test_what_only_looks_like_it(
        self, client: FlaskClient, neighbour: Web, html: str, the_ping: Callable[[], Ping]
    ) -> None:
        answer = mention(client, neighbour.page("/post", html.format(ARTICLE_URL)))
        run_job("verify pings")
        assert (the_ping().state, progress(client, answer)) == ("refused", "no-link")

    @pytest.mark.parametrize(
        ("target", "href"),
        [
            (f"{BLOG}/ü/•?a=ß", f"{BLOG}/%C3%BC/%E2%80%A2?a=%c3%9f"),
            (f"{BLOG}/%F0%9F%90%88", f"{BLOG}/🐈"),
            (f"{BLOG}/?a=1&b=2", f"{BLOG}/?a=1&amp;b=2"),
            (f"{BLOG}/a%23b", f"{BLOG}/a%23b"),
            (f"{BLOG}/x?utm_source=a", f"{BLOG}/x?utm_source=a"),
            (f"{BLOG}/x#part", f"{BLOG}/x"),
            (BLOG, f"{BLOG}/"),
            ("HTTPS://Blog.Example:443/x", f"{BLOG}/x"),
        ],
    )
    def test_other_spellings_of_an_address(
        self, client: FlaskClient, neighbour: Web, target: str, href: str, the_ping: Callable[[], Ping]
    ) -> None:
        mention(client, neighbour.page("/post", f'<a href="{href}">x</a>'), target)
        run_job("verify pings")
        assert the_ping().state == "verified"

    @pytest.mark.parametrize(
        ("body", "content_type", "state"),
        [
            (f"I read {ARTICLE_URL}.", "text/plain", "verified"),
            (f"({ARTICLE_URL})", "text/plain; charset=utf-8", "verified"),
            (f"I read {ARTICLE_URL}l", "text/plain", "refused"),
            (json.dumps({"a": [{"b": ARTICLE_URL}]}), "application/json", "verified"),
            (json.dumps({ARTICLE_URL: "x"}), "application/json", "refused"),
            (json.dumps({"a": f"see {ARTICLE_URL}"}), "application/json", "refused"),
            (json.dumps({"url": ARTICLE_URL}), "application/feed+json", "verified"),
            ("[" * 100_000, "application/json", "refused"),
            (f'<a href="{ARTICLE_URL}">x</a>', "application/xhtml+xml", "verified"),
            (f'<a href="{ARTICLE_URL}">x</a>', "image/png", "refused"),
        ],
    )
    def test_other_kinds_of_pages(
        self,
        client: FlaskClient,
        neighbour: Web,
        body: str,
        content_type: str,
        state: str,
        the_ping: Callable[[], Ping],
    ) -> None:
        mention(client, neighbour.page("/post", body, Content_Type=content_type))
        run_job("verify pings")
        assert the_ping().state == state

    @pytest.mark.parametrize("content_type", ["text/plain", "text/html"])
    def test_a_ban_looks_at_where_a_redirect_ends(
        self, client: FlaskClient, neighbour: Web, ada: Visitor, the_ping: Callable[[], Ping], content_type: str
    ) -> None:
        ada.admin_post("/admin/bans", form_at="/admin/bans", kind="word", value="casino")
        neighbour.page("/casino", f'I read <a href="{ARTICLE_URL}">{ARTICLE_URL}</a>', Content_Type=content_type)
        mention(client, neighbour.page("/old", "", status=302, Location="/casino"))
        run_job("verify pings")
        assert the_ping().state == "refused"

    def test_a_redirect_is_followed(self, client: FlaskClient, neighbour: Web, linking: Callable[[], str]) -> None:
        neighbour.page("/new", linking())
        answer = mention(client, neighbour.page("/old", "", status=302, Location="/new"))
        run_job("verify pings")
        assert progress(client, answer) == "shown"

    def test_the_request_says_what_it_wants_and_who_asks(self, client: FlaskClient, neighbour: Web) -> None:
        mention(client, neighbour.page("/post", "x"))
        run_job("verify pings")
        ((_, headers),) = neighbour.asked
        assert headers["Accept"].startswith("text/html")
        assert "Webmention" in headers["User-Agent"]

    def test_private_sources_are_not_fetched_and_look_like_any_that_is_away(
        self, client: FlaskClient, neighbour: Web
    ) -> None:
        private = mention(client, "http://169.254.169.254/latest/")
        neighbour.pages["/away"] = lambda handler: handler.connection.close()
        away = mention(client, f"{neighbour.url}/away")
        for _ in range(2):
            run_job("verify pings")
        assert progress(client, private) == progress(client, away) == "unreachable"

    def test_a_blog_that_a_moderator_approved_may_bring_much(
        self,
        client: FlaskClient,
        neighbour: Web,
        linking: Callable[[], str],
        ada: Visitor,
        time: FrozenClock,
        shown: Callable[[], list[Comment]],
    ) -> None:
        """A bridge to social networks brings everything from one host."""
        for number in range(9):
            mention(client, neighbour.page(f"/{number}", linking()))
            run_job("verify pings")
        states = [one.state for one in shown()]
        assert (states[0], states[-1]) == ("approved", "pending")
        ada.decide(shown()[-1].id, "approval")
        mention(client, neighbour.page("/more", linking()))
        run_job("verify pings")
        assert shown()[-1].state == "approved"

    def test_what_is_held_is_said_to_be_held_even_where_it_is_called_spam(
        self, client: FlaskClient, neighbour: Web, linking: Callable[[], str], rules: Callable[..., None]
    ) -> None:
        rules("blog", disallowed_words="phone")
        answer = mention(client, neighbour.page("/post", linking()))
        run_job("verify pings")
        assert [one.state for one in db.session.scalars(select(Comment))] == ["spam"]
        assert progress(client, answer) == "held"

    def test_the_rule_of_each_protocol(
        self,
        client: FlaskClient,
        neighbour: Web,
        linking: Callable[[], str],
        rules: Callable[..., None],
        shown: Callable[[], list[Comment]],
    ) -> None:
        rules("blog", moderation="all", webmentions="publish", trackbacks="hold", pingbacks="like-comments")
        mention(client, neighbour.page("/1", linking()))
        client.post(f"/trackback/blog/{ARTICLE}", data={"url": neighbour.page("/2", linking())})
        for _ in range(2):
            run_job("verify pings")
        assert {one.kind: one.state for one in shown()} == {"webmention": "approved", "trackback": "pending"}

    def test_a_webmention_tells_more_than_a_trackback_of_the_same_page(
        self,
        client: FlaskClient,
        neighbour: Web,
        linking: Callable[[], str],
        shown: Callable[[], list[Comment]],
        time: FrozenClock,
    ) -> None:
        source = neighbour.page("/post", linking())
        client.post(f"/trackback/blog/{ARTICLE}", data={"url": source, "title": "Other words"})
        run_job("verify pings")
        mention(client, source)
        time.pass_(minutes=10)
        run_job("verify pings")
        assert [(one.kind, one.title) for one in shown()] == [("webmention", "Why & how")]

    def test_one_sender_takes_not_everything_there_is(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(receiving, "MAX_FOR_ARTICLE", 6)
        client.environ_base["REMOTE_ADDR"] = "198.51.100.1"
        statuses = [mention(client, f"https://{number}.example/").status_code for number in range(4)]
        assert statuses == [201, 201, 201, 429]
        client.environ_base["REMOTE_ADDR"] = "198.51.100.2"
        assert mention(client, SOURCE).status_code == 201

    def test_a_host_is_one_however_it_is_spelt(self, client: FlaskClient, the_ping: Callable[[], Ping]) -> None:
        mention(client, "http://ｖictim.example/")
        assert the_ping().source_host == "victim.example"

    def test_who_leads_us_to_somebody_in_trouble_does_so_once(
        self, client: FlaskClient, neighbour: Web, time: FrozenClock
    ) -> None:
        victim = neighbour.page("/victim", "", status=503).replace("127.0.0.1", "localhost")
        both = frozenset({neighbour.address, neighbour.address.replace("127.0.0.1", "localhost")})
        all_settings.use(all_settings.current().model_copy(update={"fetch_allow": both}))
        mention(client, neighbour.page("/evil", "", status=302, Location=victim))
        for _ in range(6):
            run_job("verify pings")
            time.pass_(days=1)
        assert [path for path, _ in neighbour.asked] == ["/evil", "/victim"]

    def test_words_and_domains_are_looked_for_wherever_they_are_shown(
        self,
        client: FlaskClient,
        neighbour: Web,
        rules: Callable[..., None],
        ada: Visitor,
        shown: Callable[[], list[Comment]],
    ) -> None:
        rules("blog", disallowed_words="zyxspam")
        said = '<h1 class="p-name">{}</h1><a class="p-author h-card" href="https://{}/">x</a>'
        page = f'<div class="h-entry">{said}<a href="{ARTICLE_URL}">x</a></div>'
        mention(client, neighbour.page("/1", page.format("Buy ZYXSPAM now", "a.example")))
        mention(client, neighbour.page("/2", page.format("Hello", "zyxspam.example")))
        for _ in range(2):
            run_job("verify pings")
        assert [one.state for one in shown()] == ["spam", "spam"]

    def test_a_worker_that_dies_of_a_page_does_not_die_for_ever(
        self, client: FlaskClient, neighbour: Web, time: FrozenClock, the_ping: Callable[[], Ping]
    ) -> None:
        mention(client, f"{neighbour.url}/poison")
        for _ in range(6):
            db.begin_write()
            verifying.claim()
            db.session.commit()
            time.pass_(minutes=3)
        assert (the_ping().state, the_ping().reason) == ("failed", READING_INTERRUPTED)

    def test_what_waits_for_a_server_in_trouble_keeps_nobody_out(
        self, client: FlaskClient, neighbour: Web, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(receiving, "MAX_WAITING", 1)
        monkeypatch.setattr(receiving, "SHARE_OF_SENDER", 1)
        neighbour.page("/trouble", "", status=503)
        assert mention(client, f"{neighbour.url}/trouble").status_code == 201
        assert mention(client, SOURCE).status_code == 429
        run_job("verify pings")
        assert mention(client, SOURCE).status_code == 201
        monkeypatch.setattr(receiving, "MAX_OF_SENDER", 2)
        assert mention(client, f"{SOURCE}/2").status_code == 429

    def test_what_the_page_says_is_text(self, client: FlaskClient, neighbour: Web) -> None:
        evil = (
            '<div class="h-entry"><a class="p-author h-card" href="javascript:alert(1)"><script>alert(1)</script>'
            '"onload="x</a><h1 class="p-name">&lt;script&gt;alert(1)&lt;/script&gt;</h1>'
            f'<a class="u-in-reply-to" href="{ARTICLE_URL}"></a>'
            '<div class="e-content">&lt;img src=x onerror=alert(1)&gt;<img src=x onerror=alert(2)></div></div>'
        )
        mention(client, neighbour.page("/post", evil))
        run_job("verify pings")
        page = client.get(f"/t/blog/{ARTICLE}").text
        assert "&lt;img src=x onerror=alert(1)&gt;" in page
        assert "<img src=x" not in page
        assert "javascript:" not in re.sub(r"<script type=.application/ld.*?</script>", "", page, flags=re.S)


@pytest.mark.usefixtures("allowed")
class TestUpdates:
    """The same source, told again."""

    def test_a_changed_page_changes_what_is_shown(
        self, client: FlaskClient, neighbour: Web, time: FrozenClock, shown: Callable[[], list[Comment]]
    ) -> None:
        source = neighbour.page("/post", f'<title>One</title><p>first <a href="{ARTICLE_URL}">x</a></p>')
        answer = mention(client, source)
        run_job("verify pings")
        neighbour.page("/post", f'<title>Two</title><p>second <a href="{ARTICLE_URL}">x</a></p>')
        again = mention(client, source)
        assert again.headers["Location"] == answer.headers["Location"]
        assert run_job("verify pings") == 0, "not the same source twice within ten minutes"
        time.pass_(minutes=10)
        run_job("verify pings")
        ((one),) = shown()
        assert (one.title, one.body) == ("Two", "second x")
        page = client.get(f"/t/blog/{ARTICLE}").text
        assert page.count('class="u-mention') == 1
        assert "first x" not in page

    def test_a_changed_page_is_judged_anew(
        self,
        client: FlaskClient,
        neighbour: Web,
        time: FrozenClock,
        rules: Callable[..., None],
        shown: Callable[[], list[Comment]],
        ada: Visitor,
    ) -> None:
        rules("blog", hold_words="casino")
        source = neighbour.page("/post", f'<p>nice <a href="{ARTICLE_URL}">x</a></p>')
        mention(client, source)
        run_job("verify pings")
        neighbour.page("/post", f'<p>the best casino <a href="{ARTICLE_URL}">x</a></p>')
        mention(client, source)
        time.pass_(minutes=10)
        run_job("verify pings")
        ((one),) = shown()
        assert one.state == "pending"
        assert "Previous version" in ada.client.get("/admin/queue").text
        (message,) = db.session.scalars(select(Email))
        assert re.fullmatch(r"<[\w.-]+@comments\.example>", message.message_id)

    @pytest.mark.parametrize(
        ("html", "status"),
        [
            ("<p>no link any more</p>", 200),
            ("gone", 410),
            (f'<meta http-equiv="Status" content="410 GONE"><a href="{ARTICLE_URL}">x</a>', 200),
        ],
    )
    def test_a_page_that_takes_it_back_is_believed_at_once(
        self,
        client: FlaskClient,
        neighbour: Web,
        time: FrozenClock,
        linking: Callable[[], str],
        html: str,
        status: int,
        ada: Visitor,
    ) -> None:
        source = neighbour.page("/post", linking())
        answer = mention(client, source)
        run_job("verify pings")
        neighbour.page("/post", html, status=status)
        mention(client, source)
        time.pass_(minutes=10)
        run_job("verify pings")
        assert progress(client, answer) == "withdrawn"
        assert "Why &amp; how" not in client.get(f"/t/blog/{ARTICLE}").text
        assert "the linking page is gone" in ada.client.get("/admin/log?of=decisions").text

    @pytest.mark.parametrize("spelling", ["{}?utm_source=x", "{}/", "{}#x", "https://comments.example/t/blog/{}"])
    @pytest.mark.parametrize("protocol", ["webmention", "trackback"])
    def test_nobody_else_can_take_it_back(
        self,
        client: FlaskClient,
        neighbour: Web,
        time: FrozenClock,
        linking: Callable[[], str],
        rules: Callable[..., None],
        shown: Callable[[], list[Comment]],
        spelling: str,
        protocol: str,
    ) -> None:
        """By telling us of it again, with another spelling of the article or by another protocol."""
        source = neighbour.page("/post", linking())
        if protocol == "webmention":
            mention(client, source)
        else:
            client.post(f"/trackback/blog/{ARTICLE}", data={"url": source})
        run_job("verify pings")
        rules("blog", moderation="first")
        spelled = spelling.format(ARTICLE if spelling.startswith("https") else ARTICLE_URL)
        assert mention(client, source, spelled).status_code == 201
        time.pass_(minutes=10)
        assert run_job("verify pings") == 1
        assert shown()[0].state == "approved"

    @pytest.mark.parametrize("status", [401, 403, 404, 451])
    def test_a_page_that_is_forbidden_takes_nothing_back(
        self,
        client: FlaskClient,
        neighbour: Web,
        time: FrozenClock,
        linking: Callable[[], str],
        shown: Callable[[], list[Comment]],
        status: int,
    ) -> None:
        source = neighbour.page("/post", linking())
        mention(client, source)
        run_job("verify pings")
        neighbour.page("/post", "no", status=status)
        mention(client, source)
        time.pass_(minutes=10)
        run_job("verify pings")
        assert shown()[0].state == "approved"

    def test_an_update_is_not_held_by_the_rule_that_held_it_before(
        self,
        client: FlaskClient,
        neighbour: Web,
        time: FrozenClock,
        rules: Callable[..., None],
        ada: Visitor,
        shown: Callable[[], list[Comment]],
    ) -> None:
        """A moderator said yes; from then on only what is said speaks against it."""
        rules("blog", webmentions="hold")
        source = neighbour.page("/post", f'<p>first <a href="{ARTICLE_URL}">x</a></p>')
        mention(client, source)
        run_job("verify pings")
        ada.decide(shown()[0].id, "approval")
        neighbour.page("/post", f'<p>second <a href="{ARTICLE_URL}">x</a></p>')
        mention(client, source)
        time.pass_(minutes=10)
        run_job("verify pings")
        assert [(one.state, one.body) for one in shown()] == [("approved", "second x")]

    def test_a_page_that_comes_back_is_shown_again(
        self, client: FlaskClient, neighbour: Web, time: FrozenClock, linking: Callable[[], str]
    ) -> None:
        source = neighbour.page("/post", linking())
        for html, status in ((linking(), 200), ("gone", 410), (linking(), 200)):
            neighbour.page("/post", html, status=status)
            mention(client, source)
            time.pass_(minutes=10)
            run_job("verify pings")
        assert "Why &amp; how" in client.get(f"/t/blog/{ARTICLE}").text

    def test_what_a_moderator_took_away_stays_away(
        self,
        client: FlaskClient,
        neighbour: Web,
        time: FrozenClock,
        linking: Callable[[], str],
        ada: Visitor,
        shown: Callable[[], list[Comment]],
    ) -> None:
        source = neighbour.page("/post", linking())
        mention(client, source)
        run_job("verify pings")
        ada.decide(shown()[0].id, "trash")
        neighbour.page("/post", f"<title>New</title>{linking()}")
        answer = mention(client, source)
        time.pass_(minutes=10)
        run_job("verify pings")
        assert shown()[0].state == "trashed"
        assert progress(client, answer) == "declined"

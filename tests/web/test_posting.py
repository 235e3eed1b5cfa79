"""Posting through page, element and API: what is taken, what is refused, and that nothing typed is lost."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import pytest
from flask import Flask
from lxml import html
from sqlalchemy import func, select

from commentsvc.db import db
from commentsvc.models import Comment, Site, Thread
from tests.cast import ADA, ARTICLE, ARTICLE_URL, BLOG, BOB, GRACE, MALLORY, OTHER_BLOG
from tests.time import FrozenClock
from tests.visitors import Visitor, answer_to, hidden_fields, row, texts_of


def number_of_comments() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Comment.id))) or 0


IS_SOLVED = '<p class="notice good" role="status">Done. You can send your comment now.'


class TestThePage:
    """The page that needs no script."""

    def test_a_comment_appears_at_once(self, bob: Visitor) -> None:
        answer = bob.post(BOB)
        assert answer.status_code == 303
        assert re.search(r"/t/blog/2020/05/phone\.html\?posted=approved#comment-\d+$", answer.headers["Location"])
        page = bob.client.get(answer.headers["Location"])
        said = re.findall(r'<li class="depth-0" id="comment-\d+">(.*?)</li>', page.text, re.S)[0]
        assert "Thank you. Your comment has been published." in said, "at the comment, where the browser goes"
        assert page.text.count("Thank you.") == 1
        assert "<strong>cord</strong>" in texts_of(page)[0]
        assert 'alt=":-)"' in texts_of(page)[0]

    def test_what_is_said_stands_at_the_newest_also_while_it_waits(
        self, bob: Visitor, rules: Callable[..., None]
    ) -> None:
        bob.post(BOB)
        rules("blog", moderation="all")
        answer = bob.post(GRACE, email=GRACE.email, notify="on")
        page = bob.client.get(answer.headers["Location"])
        said = re.findall(r'<li class="depth-0" id="comment-(\d+)">(.*?)</li>', page.text, re.S)
        assert [("awaiting approval. Until then" in text, "we have sent you an email" in text) for _, text in said] == [
            (False, False),
            (True, True),
        ]
        assert page.text.count("Thank you.") == page.text.count("we have sent you an email") == 1

    def test_reading_opens_no_thread_but_writing_does(self, bob: Visitor) -> None:
        bob.open_form()
        assert db.session.scalar(select(func.count(Thread.id))) == 0
        bob.comment()
        assert db.session.scalars(select(Thread.url)).all() == [ARTICLE_URL]

    def test_answers_stand_below_what_they_answer(self, bob: Visitor, visit: Callable[[], Visitor]) -> None:
        first, grace = bob.comment(), visit()
        bob.comment(body="Something else")
        answer = grace.comment(GRACE, parent_id=str(first))
        page = grace.client.get(f"/t/blog/{ARTICLE}?view=threaded").text
        assert (
            page.index(f'id="comment-{first}"') < page.index(f'id="comment-{answer}"') < page.index("<p>Something else")
        )
        assert f'<li class="depth-1" id="comment-{answer}">' in page
        linear = grace.client.get(f"/t/blog/{ARTICLE}?view=linear").text
        assert linear.index("Something else") < linear.index(f'id="comment-{answer}"')
        assert f'<a class="answers" part="meta" href="#comment-{first}">to Bob</a>' in linear

    def test_reply_link_leads_to_a_form_for_that_comment(self, bob: Visitor) -> None:
        first = bob.comment()
        page = bob.client.get(f"/t/blog/{ARTICLE}?reply_to={first}")
        assert "Reply to Bob" in page.text
        assert hidden_fields(page)["parent_id"] == str(first)

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"author": "  "}, "Please fill in this field."),
            ({"body": " \n "}, "Please write a comment first."),
            ({"body": "> \n>"}, "Please write a comment first."),
            ({"body": "```\n\n```"}, "Please write a comment first."),
            ({"body": "\u200b\u2800\u3164"}, "Please write a comment first."),
            ({"author": "\u3164\u115f"}, "Please fill in this field."),
            ({"email": "not one"}, "Please enter an email address such as name@example.org"),
            ({"email": "a@b.example, c@d.example"}, "Please enter an email address such as name@example.org"),
            ({"website": "javascript:alert(1)"}, "Please enter a web address such as https://example.org"),
            ({"website": "https://user:pw@evil.example"}, "Please enter a web address such as https://example.org"),
            ({"author": "x" * 81}, "Please use at most 80 characters (currently 81)."),
            ({"body": "y" * 20_001}, "Please use at most 20000 characters (currently 20001)."),
            ({"notify": "on"}, "To be notified of replies, please enter your email address."),
        ],
    )
    def test_a_wrong_field_is_named_and_all_is_kept(self, bob: Visitor, fields: dict[str, str], sentence: str) -> None:
        typed = {"body": "my long text", "website": "https://bob.example"} | fields
        answer = bob.post(BOB, **typed)
        assert answer.status_code == 422
        assert sentence in answer.text
        for value in typed.values():
            assert value in unescape(answer.text) or not value.strip()
        assert number_of_comments() == 0

    def test_a_solved_picture_need_not_be_solved_twice(self, bob: Visitor) -> None:
        again = hidden_fields(answer := bob.post(BOB, author=""))
        assert IS_SOLVED in answer.text
        answer = bob.send(again | {"author": "Bob", "body": BOB.says})
        assert answer.status_code == 303

    def test_preview_shows_and_stores_nothing(self, bob: Visitor) -> None:
        answer = bob.post(BOB, preview="1", body="so *bold*")
        assert "so <strong>bold</strong>" in answer.text
        assert "so *bold*</textarea>" in answer.text
        assert number_of_comments() == 0

    def test_preview_keeps_the_picture_and_its_answer(self, bob: Visitor) -> None:
        form = bob.fill(BOB)
        preview = bob.send(form | {"preview": "1"})
        assert hidden_fields(preview)["challenge_token"] == form["challenge_token"]
        assert f'value="{form["challenge_answer"]}"' in preview.text
        solved = bob.send(form | {"author": ""})
        again = bob.send(hidden_fields(solved) | {"body": BOB.says, "preview": "1"})
        assert IS_SOLVED in again.text
        assert bob.send(hidden_fields(again) | {"author": "Bob", "body": BOB.says}).status_code == 303

    def test_a_wrong_picture_hides_no_other_mistake(self, bob: Visitor) -> None:
        answer = bob.post(BOB, author="", email="x", challenge_answer="AAAAAA")
        assert answer.status_code == 403
        assert "That did not match" in answer.text
        assert 'id="author-wrong"' in answer.text
        assert 'id="email-wrong"' in answer.text

    def test_a_held_answer_stands_where_it_will_stand(
        self, bob: Visitor, visit: Callable[[], Visitor], rules: Callable[..., None]
    ) -> None:
        first, other, grace = bob.comment(), bob.comment(body="Something else"), visit()
        rules("blog", moderation="all")
        held = grace.comment(GRACE, parent_id=str(first))
        page = grace.client.get(f"/t/blog/{ARTICLE}").text
        assert (
            page.index(f'id="comment-{first}"')
            < page.index(f'id="comment-{held}"')
            < page.index(f'id="comment-{other}"')
        )
        assert f'<li class="depth-1" id="comment-{held}">' in page

    def test_another_picture_keeps_the_text(self, bob: Visitor) -> None:
        form = bob.fill(BOB)
        answer = bob.send(form | {"another": "1"})
        assert answer.status_code == 200
        assert BOB.says in answer.text
        assert hidden_fields(answer)["challenge_token"] != form["challenge_token"]

    def test_german_readers_are_answered_in_german(self, bob: Visitor) -> None:
        answer = bob.send(bob.fill(BOB, body=""), headers={"Accept-Language": "de-AT,de;q=0.9"})
        assert "Bitte schreiben Sie zuerst etwas." in answer.text

    def test_a_held_comment_is_seen_by_its_writer_only(
        self, bob: Visitor, visit: Callable[[], Visitor], rules: Callable[..., None]
    ) -> None:
        rules("blog", moderation="all")
        where = bob.post(BOB).headers["Location"]
        assert "Awaiting approval: only you can see this" in bob.client.get(where).text
        stranger = visit().client.get(f"/t/blog/{ARTICLE}").text
        assert "cord" not in stranger
        assert "0 comments" in stranger


class TestTheEmbed:
    """The element, on a page of the blog."""

    def test_a_comment_comes_back_as_its_fragment(self, bob: Visitor) -> None:
        answer = bob.send(
            bob.fill(BOB) | {"url": ARTICLE_URL, "title": "The phone"}, endpoint="embed", headers={"Origin": BLOG}
        )
        assert answer.status_code == 201
        assert "<strong>cord</strong>" in answer.text
        assert answer.headers["Access-Control-Allow-Origin"] == BLOG
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert db.session.scalar(select(Thread.title)) == "The phone"

    @pytest.mark.parametrize(
        ("page", "article"),
        [
            ("The phone – A blog", "The phone"),
            ("a BLOG | The phone", "The phone"),
            ("The phone - A blog", "The phone"),
            ("Life with A blog", "Life with A blog"),
            ("A blog", "A blog"),
        ],
    )
    def test_the_blogs_name_is_no_part_of_an_articles_title(self, bob: Visitor, page: str, article: str) -> None:
        bob.comment(title=page, url=ARTICLE_URL)
        assert db.session.scalar(select(Thread.title)) == article

    def test_a_held_one_comes_back_marked(self, bob: Visitor, rules: Callable[..., None]) -> None:
        rules("blog", moderation="all")
        answer = bob.send(bob.fill(BOB), endpoint="embed", headers={"Origin": BLOG})
        assert answer.status_code == 202
        assert "only you can see this" in answer.text

    def test_a_wrong_field_comes_back_with_the_form(self, bob: Visitor) -> None:
        answer = bob.send(bob.fill(BOB, body=""), endpoint="embed", headers={"Origin": BLOG})
        assert answer.status_code == 422
        assert 'id="body-wrong"' in answer.text
        assert answer.headers["Access-Control-Allow-Origin"] == BLOG

    def test_the_fragment_is_the_same_for_everybody(self, bob: Visitor, visit: Callable[[], Visitor]) -> None:
        bob.comment()
        one = bob.client.get(f"/embed/blog/{ARTICLE}")
        other = visit().client.get(f"/embed/blog/{ARTICLE}", headers={"Accept-Language": "de"})
        assert one.data == other.data
        assert "Set-Cookie" not in other.headers
        unchanged = bob.client.get(f"/embed/blog/{ARTICLE}", headers={"If-None-Match": one.headers["ETag"]})
        assert unchanged.status_code == 304

    def test_without_cookies_the_visitor_token_serves(
        self, app: Flask, visit: Callable[[], Visitor], time: FrozenClock
    ) -> None:
        client = app.test_client(use_cookies=False)
        client.environ_base.update(visit().client.environ_base)
        challenge = client.post("/api/v1/challenges", json={"site": "blog", "key": ARTICLE}).json
        time.pass_(seconds=10)
        form = {"author": "Bob", "body": "no cookies", "challenge_token": challenge["token"]}
        form["challenge_answer"] = answer_to(challenge["token"])
        refused = client.post(f"/embed/blog/{ARTICLE}", data=form)
        assert refused.status_code == 403
        assert "Please allow cookies" in refused.text
        taken = client.post(f"/embed/blog/{ARTICLE}", data=form, headers={"X-Commentsvc-Visitor": challenge["visitor"]})
        assert taken.status_code == 201


class TestTheApi:
    """The API, for programs."""

    def post(self, bob: Visitor, **fields: object) -> object:
        challenge = bob.client.post("/api/v1/challenges", json={"site": "blog", "key": ARTICLE}).json
        body = {
            "author": "Bob",
            "body": "by a *program*",
            "email": BOB.email,
            "challenge": {"token": challenge["token"], "answer": answer_to(challenge["token"])},
        }
        return bob.client.post(f"/api/v1/threads/blog/{ARTICLE}/comments", json=body | fields)

    def test_the_front_page_has_a_thread_too(self, bob: Visitor) -> None:
        """Its key is empty, so two slashes meet; no path means the same."""
        for path in ("/api/v1/threads/blog//comments", "/api/v1/threads/blog/comments"):
            answer = bob.client.post(path, json={"body": "x"})
            assert answer.json["type"] == "urn:commentsvc:refusal:cookie-missing"

    def test_a_comment_comes_back_as_everybody_sees_it(self, bob: Visitor) -> None:
        answer = self.post(bob)
        assert answer.status_code == 201
        assert answer.json["body_html"] == "<p>by a <strong>program</strong></p>"
        assert "email" not in answer.json
        thread = bob.client.get(f"/api/v1/threads/blog/{ARTICLE}").json
        assert thread["count"] == 1
        assert thread["comments"][0]["id"] == answer.json["id"]

    def test_a_held_one_is_accepted(self, bob: Visitor, rules: Callable[..., None]) -> None:
        rules("blog", moderation="all")
        answer = self.post(bob)
        assert answer.status_code == 202
        assert answer.json["state"] == "pending"

    def test_refusals_are_problems_with_names(self, bob: Visitor) -> None:
        answer = self.post(bob, author="", website="x")
        assert answer.status_code == 422
        assert answer.content_type == "application/problem+json"
        assert answer.json["type"] == "urn:commentsvc:refusal:invalid-fields"
        assert set(answer.json["errors"]) == {"author", "website"}

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000, b'{"body": 7}', b'"\\ud800"', b"\xff\xfe"])
    def test_broken_json_is_refused_kindly(self, bob: Visitor, body: bytes) -> None:
        answer = bob.client.post(f"/api/v1/threads/blog/{ARTICLE}/comments", data=body, content_type="application/json")
        assert answer.status_code == 400
        assert "did not understand" in answer.json["title"]

    def test_forms_are_not_taken_for_json(self, bob: Visitor) -> None:
        answer = bob.client.post(f"/api/v1/threads/blog/{ARTICLE}/comments", data={"body": "x"})
        assert answer.status_code == 400

    def test_nobody_sets_what_is_not_theirs(self, bob: Visitor) -> None:
        answer = self.post(bob, id=4711, state="spam", kind="trackback", moderator_id=1, created_at="2001-01-01")
        comment = row(answer.json["id"])
        assert (comment.state, comment.kind, comment.moderator_id, comment.created_at.year) == (
            "approved",
            "comment",
            None,
            2026,
        )
        assert comment.id != 4711

    def test_counts_of_many_threads_at_once(self, bob: Visitor) -> None:
        bob.comment()
        answer = bob.client.get(
            "/api/v1/counts", query_string={"site": "blog", "key": [ARTICLE, f"/{ARTICLE}?utm_source=x", "other"]}
        )
        assert answer.json["counts"] == {ARTICLE: 1, f"/{ARTICLE}?utm_source=x": 1, "other": 0}

    def test_one_bad_key_costs_the_others_nothing(self, bob: Visitor) -> None:
        bob.comment()
        asked = {"site": "blog", "key": [ARTICLE, "x" * 3000, "http://[", "", "\0"]}
        counts = bob.client.get("/api/v1/counts", query_string=asked).json["counts"]
        assert counts == {ARTICLE: 1, "x" * 3000: 0, "http://[": 0, "": 0, "\0": 0}
        counts = bob.client.get("/api/v1/counts?site=blog&key=caf%E9").json["counts"]
        assert counts == {"caf%E9": 0}, "what is no UTF-8 is part of a name"

    def test_preview_renders_as_posting_does(self, bob: Visitor) -> None:
        answer = bob.client.post("/api/v1/preview", json={"site": "blog", "body": "*so* <b>"})
        assert answer.json == {"html": "<p><strong>so</strong> &lt;b&gt;</p>"}


class TestTwice:
    """The same thing sent again."""

    def test_a_double_click_is_one_comment(self, bob: Visitor) -> None:
        form = bob.fill(BOB)
        first, second = bob.send(form), bob.send(form)
        assert second.status_code == 303
        assert first.headers["Location"] == second.headers["Location"]
        assert number_of_comments() == 1

    def test_sixteen_clicks_at_once_are_one_comment(self, bob: Visitor, app: Flask) -> None:
        form = bob.fill(BOB)
        cookie = bob.client.get_cookie("__Host-visitor", domain="comments.example")

        def send(_: int) -> int:
            client = app.test_client()
            client.environ_base.update(bob.client.environ_base)
            client.set_cookie("__Host-visitor", cookie.value, domain="comments.example", secure=True)
            return client.post(f"/t/blog/{ARTICLE}", data=form).status_code

        with ThreadPoolExecutor(16) as pool:
            assert set(pool.map(send, range(16))) == {303}
        assert number_of_comments() == 1

    def test_the_same_text_again_is_pointed_out(self, bob: Visitor) -> None:
        first = bob.comment(BOB)
        answer = bob.post(BOB)
        assert answer.status_code == 409
        assert f'href="#comment-{first}"' in answer.text
        assert BOB.says in answer.text

    def test_thanks_to_two_people_are_two_comments(self, bob: Visitor, visit: Callable[[], Visitor]) -> None:
        """The same words below another comment are no repetition; short ones of somebody else neither."""
        ada, carol = bob.comment(body="It rings."), bob.comment(body="It does not.")
        for parent in (ada, carol):
            assert bob.post(body="Thanks!", parent_id=str(parent)).status_code == 303
        assert bob.post(body="Thanks!", parent_id=str(ada)).status_code == 409
        assert visit().post(GRACE, body="Thanks!", parent_id=str(ada)).status_code == 303
        assert visit().post(GRACE, body="It is not the phone that rings, but its cord. " * 3).status_code == 303
        assert bob.post(body="It is not the phone that rings, but its cord. " * 3).status_code == 409


class TestGates:
    """Each refuses alone, with a sentence, and keeps the text."""

    def refused(self, bob: Visitor, form: dict[str, str], status: int, sentence: str, **request: object) -> None:
        answer = bob.send(form, **request)
        assert answer.status_code == status
        assert sentence in answer.text
        assert BOB.says in answer.text
        assert number_of_comments() == 0

    def test_honeypot(self, bob: Visitor) -> None:
        form = bob.fill(BOB)
        self.refused(bob, form | {"leave_empty": "555"}, 403, "perhaps by autofill")
        assert bob.send(form).status_code == 303, "the answer to the picture still serves"

    def test_minimum_time(self, bob: Visitor, time: FrozenClock) -> None:
        form = bob.open_form() | {"author": "Bob", "body": BOB.says}
        form["challenge_answer"] = answer_to(form["challenge_token"])
        self.refused(bob, form, 403, "That was so quick")
        time.pass_(seconds=3)
        assert bob.send(form).status_code == 303

    @pytest.mark.parametrize(
        "origin", [OTHER_BLOG, "https://blog.example.evil", "https://evilblog.example", "null", "http://blog.example"]
    )
    def test_origin(self, bob: Visitor, origin: str) -> None:
        self.refused(bob, bob.fill(BOB), 403, "can only be posted from the blog itself", headers={"Origin": origin})

    def test_a_foreign_page_without_origin(self, bob: Visitor) -> None:
        foreign = {"Sec-Fetch-Site": "cross-site"}
        self.refused(bob, bob.fill(BOB), 403, "can only be posted from the blog itself", headers=foreign)

    def test_our_page_at_another_address_says_which_to_open(self, bob: Visitor, ada: Visitor) -> None:
        """As http://127.0.0.1:8000, where the settings say localhost."""
        elsewhere = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
        said = "Please open https://comments.example and try again"
        self.refused(bob, bob.fill(BOB), 403, said, headers=elsewhere)
        answer = ada.client.post("/admin/sign-in", data={"email": ADA.email}, headers=elsewhere)
        assert (answer.status_code, said in answer.text) == (403, True)

    def test_throttle(self, bob: Visitor, rules: Callable[..., None]) -> None:
        rules("blog", comments_per_minute=1)
        bob.send(bob.fill(BOB, body="x"), site="blog", key="another")
        answer = bob.send(bob.fill(BOB))
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert BOB.says in answer.text

    def test_throttled_again_after_a_solved_check(self, bob: Visitor, rules: Callable[..., None]) -> None:
        """What the device has computed still counts."""
        rules("blog", comments_per_minute=1)
        bob.send(bob.fill(BOB, body="x"), site="blog", key="another")
        form = bob.fill(BOB) | {"challenge_asked": "1", "challenge_work": "a solution", "challenge_answer": ""}
        page = bob.client.post(f"/embed/blog/{ARTICLE}", data=form, headers={"Origin": BLOG}).text
        assert 'name="challenge_work" value="a solution"' in page
        assert f'name="challenge_token" value="{form["challenge_token"]}"' in page
        assert '<div class="puzzle" hidden>' in page

    def test_closed_thread(self, bob: Visitor) -> None:
        bob.comment(body="first")
        form = bob.fill(BOB)
        db.begin_write()
        db.session.execute(Thread.__table__.update().values(access="closed"))
        db.session.commit()
        answer = bob.send(form)
        assert answer.status_code == 403
        assert "closed" in answer.text
        assert BOB.says not in texts_of(answer)

    def test_an_article_that_is_not_the_blogs(self, bob: Visitor) -> None:
        self.refused(bob, bob.fill(BOB, url="https://evil.example/x"), 403, "can only be posted from the blog itself")

    def test_too_large(self, bob: Visitor) -> None:
        answer = bob.client.post(f"/t/blog/{ARTICLE}", data={"body": "x" * 300_000})
        assert answer.status_code == 413
        assert "shorten" in answer.text

    def test_lone_surrogates(self, bob: Visitor) -> None:
        answer = bob.client.post(
            f"/api/v1/threads/blog/{ARTICLE}/comments", data=b'{"body": "\\ud83d"}', content_type="application/json"
        )
        assert answer.status_code == 400

    def test_parents_from_elsewhere(self, bob: Visitor) -> None:
        elsewhere = bob.comment(key="another")
        self_answer = bob.post(GRACE, parent_id=str(elsewhere))
        assert self_answer.status_code == 422
        assert "is not shown right now" in self_answer.text
        for nobody in ("99999", "99999999999999999999", "-1", "0", "x"):
            assert bob.post(GRACE, parent_id=nobody).status_code == 422


class TestStrangers:
    """What readers never meet."""

    def test_no_script_survives(self, bob: Visitor) -> None:
        bob.comment(MALLORY, website="https://evil.example/\"onmouseover='x'", author='"><script>x</script>')
        page = html.fromstring(bob.client.get(f"/t/blog/{ARTICLE}").text)
        assert [one.get("type") for one in page.iter("script")] == ["application/ld+json"], "data, not a program"
        assert not [name for one in page.iter() for name in one.attrib if name.startswith("on")]
        assert "</script>" in json.loads(page.find(".//script").text)["comment"][0]["text"]

    def test_no_address_is_shown_anywhere(self, bob: Visitor, visit: Callable[[], Visitor]) -> None:
        first = bob.comment(BOB, email=BOB.email, notify="on")
        visit().comment(GRACE, email=GRACE.email, parent_id=str(first))
        reader = visit().client
        pages = [
            f"/t/blog/{ARTICLE}",
            f"/t/blog/{ARTICLE}?view=linear",
            f"/embed/blog/{ARTICLE}",
            f"/api/v1/threads/blog/{ARTICLE}",
            f"/api/v1/counts?site=blog&key={ARTICLE}",
            "/health",
        ]
        for page in pages:
            answer = reader.get(page)
            everything = answer.text + str(answer.headers)
            for secret in ("canary", "203.0.113"):
                assert secret not in everything, page

    def test_stacked_marks_are_cut_down(self, bob: Visitor) -> None:
        assert row(bob.comment(body="a" + "\u0301" * 50)).body == "a" + "\u0301" * 4

    @pytest.mark.parametrize(
        "stack", ["\u05d0" + "\u0591\u05b0" * 100, "\u0e01" + "\u0e47" * 200, "x" + "\u0489" * 200]
    )
    def test_of_any_script(self, bob: Visitor, stack: str) -> None:
        assert row(bob.comment(body=stack)).body == stack[:9]

    def test_letters_keep_the_marks_that_they_are_read_with(self, bob: Visitor) -> None:
        """Hebrew with points and cantillation, a Tibetan stack; and the first line its indentation."""
        text = "    בְּרֵאשִׁ֖ית\u0591\u05bd\u05bf\u05c1 ཧཱུཾ\u0f71\u0f74\u0f7e\u0f39\u0f37 and Latin words"
        assert row(bob.comment(body=f"\n\n{text}")).body == text

    @pytest.mark.parametrize("address", ["a..b@docomo.ne.jp", "a.@docomo.ne.jp"])
    def test_an_address_that_a_carrier_gave_is_taken(self, bob: Visitor, address: str) -> None:
        assert row(bob.comment(email=address)).email == address

    def test_a_page_that_tells_nobody_its_address_may_write(self, bob: Visitor) -> None:
        """Browsers say ``Origin: null`` of a page with ``Referrer-Policy: no-referrer``."""
        form = bob.fill()
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        assert bob.send(form, headers=headers).status_code == 303
        for site in ("cross-site", "same-site", None):
            headers = {"Origin": "null"} | ({"Sec-Fetch-Site": site} if site else {})
            assert bob.send(bob.fill(body=f"from {site}"), headers=headers).status_code == 403

    def test_sites_do_not_leak_into_each_other(self, bob: Visitor) -> None:
        bob.comment()
        assert "cord" not in bob.client.get(f"/t/other/{ARTICLE}").text
        assert bob.client.get(f"/api/v1/threads/other/{ARTICLE}").json["count"] == 0

    def test_templates_in_text_stay_text(self, bob: Visitor) -> None:
        bob.comment(author="{{7*7}}", body="{{7*7}} %(x)s {0.__class__}")
        page = bob.client.get(f"/t/blog/{ARTICLE}").text
        assert "{{7*7}} %(x)s {0.__class__}" in page
        assert "49" not in texts_of(bob.client.get(f"/t/blog/{ARTICLE}"))[0]


def test_the_author_is_marked(ada: Visitor, site: Site) -> None:
    """A moderator who is signed in writes without a picture, and is shown as the author."""
    form = ada.open_form()
    answer = ada.send(form | {"author": "Ada", "body": "I wrote this article."})
    assert answer.status_code == 303
    assert '<span class="badge" part="badge">Author</span>' in ada.client.get(f"/t/blog/{ARTICLE}").text

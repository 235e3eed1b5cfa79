"""The list: searched, filtered, decided about many at a time, answered, edited, moved; and everything taken back."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select

from commentsvc.db import db
from commentsvc.models import Comment, LearnedWord, Moderator, ModeratorAction, Note, Revision, SavedReply, Site, Thread
from commentsvc.models.comment import reason_tag
from tests.cast import ADA, ARTICLE, BLOG, BOB, GRACE, HEDY, MALLORY
from tests.visitors import Visitor, hidden_fields, row

Rules = Callable[..., None]


@pytest.fixture
def held(bob: Visitor, rules: Rules) -> list[int]:
    """Three comments that wait, the oldest first."""
    rules("blog", moderation="all")
    return [bob.comment(body=f"number {number}") for number in range(3)]


def shown(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<li id="comment-(\d+)">', page)]


class TestFilters:
    """Whatever is known of a comment finds it."""

    def test_rows_tell_what_helps_to_decide(self, ada: Visitor, bob: Visitor, rules: Rules) -> None:
        first = bob.comment(BOB, body="approved *before*", email=BOB.email)
        rules("blog", moderation="all")
        second = bob.comment(BOB, body="waits", parent_id=str(first))
        page = ada.client.get("/admin/queue").text
        assert "this blog holds all comments" in page
        assert f'href="/admin/queue?person={second}&amp;state=any">Also by this person: Approved 1</a>' in page
        assert "<b><bdi>Bob</bdi>:</b> approved before" in page
        assert 'href="/admin/threads/' in page

    def test_a_reason_that_is_true_no_longer_is_gone(self, ada: Visitor, bob: Visitor, rules: Rules) -> None:
        rules("blog", moderation="first")
        first, _second = bob.comment(BOB, body="one"), bob.comment(BOB, body="two")
        said = "<span>no other comment by this author has been approved yet</span>"
        assert ada.client.get("/admin/queue").text.count(said) == 2
        ada.decide(first, "approval")
        page = ada.client.get("/admin/queue").text
        assert said not in page
        assert "Also by this person: Approved 1" in page

    def test_moderators_learn_where_to_write_themselves(self, ada: Visitor, bob: Visitor, rules: Rules) -> None:
        rules("blog", moderation="all")
        hint = "This comment has your email address."
        bob.comment(BOB, email=BOB.email)
        assert hint not in ada.client.get("/admin/queue").text
        bob.comment(ADA, email=ADA.email, body="from the blog itself")
        assert ada.client.get("/admin/queue").text.count(hint) == 1

    def test_what_somebody_deleted_themselves_is_no_verdict_about_them(
        self, ada: Visitor, bob: Visitor, rules: Rules
    ) -> None:
        deleted = bob.comment(BOB, body="a slip of the pen")
        page = bob.client.get(f"/comments/{deleted}/revision")
        bob.client.post(f"/comments/{deleted}/removal", data=hidden_fields(page))
        rules("blog", moderation="all")
        second = bob.comment(BOB, body="waits")
        assert "Also by this person" not in ada.client.get("/admin/queue").text
        ada.decide(second, "trash")
        bob.comment(BOB, body="waits, too")
        assert "Also by this person: Trash 1" in ada.client.get("/admin/queue").text

    def test_everything_of_a_person(self, ada: Visitor, bob: Visitor, visit: Callable[[], Visitor]) -> None:
        mine = [bob.comment(BOB), bob.comment(BOB, body="second", email="bob@mail.example")]
        elsewhere = visit().comment(BOB, body="from another browser", email="bob@mail.example")
        stranger = visit().comment(GRACE)
        page = ada.client.get(f"/admin/queue?state=any&person={mine[1]}").text
        assert shown(page) == [elsewhere, *reversed(mine)]
        assert stranger not in shown(page)
        assert "All comments by Bob" in page

    def test_by_reason_day_kind_address_name_and_words(self, ada: Visitor, held: list[int]) -> None:
        address = row(held[0]).address_hash
        mark = reason_tag("this blog holds all comments").replace("=", "%3D")
        for query in (f"reason={mark}", "since=2026-11-23&until=2026-11-23", "kind=comment", f"address={address}"):
            assert len(shown(ada.client.get(f"/admin/queue?state=pending&{query}").text)) == 3, query
        for query in ("reason=%3Dr00000000", "since=2026-11-24", "until=2026-11-22", "kind=webmention", "author=Eve"):
            assert shown(ada.client.get(f"/admin/queue?state=pending&{query}").text) == [], query
        assert shown(ada.client.get("/admin/queue?q=number").text) == held[::-1]

    @pytest.mark.every_value
    @pytest.mark.parametrize(
        "query", ["since=yesterday", "kind=x&state=y", "person=9999999999999", "thread=-1", "reason=%27", "q=%22%00"]
    )
    def test_nonsense_is_as_good_as_nothing(self, ada: Visitor, held: list[int], query: str) -> None:
        assert ada.client.get(f"/admin/queue?{query}").status_code in (200, 404)

    def test_a_search_from_any_list_finds_all_states(self, ada: Visitor, held: list[int]) -> None:
        ada.admin_post(f"/admin/comments/{held[0]}/spam")
        form = ada.client.get("/admin/queue").text.partition('<form class="find"')[2].partition("</form>")[0]
        state = form.partition('<select id="state"')[2].partition("</select>")[0]
        assert "selected" not in state, "the first one, any, is sent"
        assert shown(ada.client.get("/admin/queue?q=number&state=any").text) == held[::-1]
        again = ada.client.get("/admin/queue?q=number&state=spam").text
        assert '<option value="spam" selected>' in again, "what was chosen stays chosen"

    def test_what_was_searched_for_stays_after_an_action(self, ada: Visitor, held: list[int]) -> None:
        page = ada.client.get("/admin/queue?state=any&q=number")
        listed = hidden_fields(page)["listed"]
        answer = ada.admin_post(f"/admin/comments/{held[0]}/spam", listed=listed)
        assert answer.headers["Location"].startswith("/admin/queue?state=any&q=number&action=")

    def test_nobody_is_known_by_what_they_wrote_on_another_blog(self, hedy: Visitor, bob: Visitor) -> None:
        """Numbers of public comments are public; who wrote them elsewhere under another name is not."""
        elsewhere = bob.comment(GRACE, "blog")
        mine = bob.comment(BOB, "other", "x.html")
        assert shown(hedy.client.get(f"/admin/queue?state=any&person={elsewhere}").text) == []
        assert shown(hedy.client.get(f"/admin/queue?state=any&person={mine}").text) == [mine]
        assert "Approved 1" not in hedy.client.get(f"/admin/queue?state=any&person={mine}").text

    @pytest.mark.every_value
    @pytest.mark.parametrize(
        "path",
        [
            "/admin/threads?after=2020-01-01T00:00:00%2B00:00,999999999999999999999999",
            "/admin/queue?author=x&until=9999-12-31",
            "/admin/queue?author=x&since=0001-01-01",
            "/admin/queue?state=any&before=2147483648",
            "/admin/queue?q=a*+b*+c*+ab*+abc*+abcd*",
        ],
    )
    def test_odd_questions_are_answered(self, ada: Visitor, held: list[int], path: str) -> None:
        assert ada.client.get(path).status_code == 200

    def test_odd_forms_are_answered(self, ada: Visitor, held: list[int]) -> None:
        for listed in ("state=any", "author=a%00b", "q=%00"):
            fields = {"verb": "hold", "all": "1", "newest": "2147483647", "listed": listed}
            assert ada.admin_post("/admin/comments/decisions", **fields).status_code == 303
        thread = row(held[0]).thread_id
        assert ada.admin_post(f"/admin/threads/{thread}/address", address="é" * 400).status_code == 422
        for path, fields in (
            ("/admin/sites", {"key": "x", "name": "a\0b", "origins": "https://x.example"}),
            ("/admin/sites/x", {"akismet_url": "https://a\0", "name": "\0", "language": "x" * 4000}),
            ("/admin/sites/x/page-check", {"url": "https://a\0"}),
        ):
            assert ada.admin_post(path, **fields).status_code in (303, 422), path

    def test_a_moderator_finds_nothing_of_other_blogs(self, hedy: Visitor, held: list[int]) -> None:
        for query in ("q=number", f"person={held[0]}", "author=Bob", "state=any", f"thread={row(held[0]).thread_id}"):
            page = hedy.client.get(f"/admin/queue?{query}").text
            assert shown(page) == [], query
            assert "A blog" not in page, query


@pytest.fixture
def colleague(hedy: Visitor) -> Visitor:
    """Hedy, who decides about both blogs for once."""
    db.begin_write()
    who = db.session.scalars(select(Moderator).where(Moderator.email == HEDY.email)).one()
    who.sites.append(Site.named("blog"))
    db.session.commit()
    return hedy


class TestMany:
    """One action for many comments."""

    def test_the_chosen_ones(self, ada: Visitor, held: list[int]) -> None:
        chosen = [f"{number} " for number in held[:2]]
        assert ada.admin_post("/admin/comments/decisions", verb="approval", chosen=chosen).status_code == 303  # type: ignore[arg-type]
        assert [row(number).state for number in held] == ["approved", "approved", "pending"]
        ada.undo_last()
        assert [row(number).state for number in held] == ["pending"] * 3

    def test_all_that_were_found(self, ada: Visitor, bob: Visitor, held: list[int]) -> None:
        newest = str(held[-1])
        late = bob.comment(body="number 4, which nobody saw")
        fields = {"verb": "spam", "all": "1", "newest": newest, "listed": "state=pending&q=number"}
        answer = ada.admin_post("/admin/comments/decisions", **fields)
        assert [row(number).state for number in held] == ["spam"] * 3
        assert row(late).state == "pending"
        assert "3 comments: Marked as spam." in ada.client.get(answer.headers["Location"]).text
        ada.undo_last()
        assert {row(number).state for number in held} == {"pending"}

    def test_what_changed_since_it_was_seen_stays(self, ada: Visitor, held: list[int]) -> None:
        chosen = [f"{held[0]} pending 2020-01-01", f"{held[1]} pending "]
        answer = ada.admin_post("/admin/comments/decisions", verb="approval", chosen=chosen)  # type: ignore[arg-type]
        assert [row(number).state for number in held[:2]] == ["pending", "approved"]
        told = "Comments that have changed in the meantime were left alone: 1"
        assert told in ada.client.get(answer.headers["Location"]).text

    def test_what_a_colleague_decided_meanwhile_stays(self, ada: Visitor, colleague: Visitor, held: list[int]) -> None:
        """Whoever wants something else must see first what the other one did."""
        for number in held[:2]:
            colleague.decide(number, "spam")
        chosen = [f"{number} pending " for number in held]
        answer = ada.admin_post("/admin/comments/decisions", verb="approval", chosen=chosen)  # type: ignore[arg-type]
        assert [row(number).state for number in held] == ["spam", "spam", "approved"]
        page = ada.client.get(answer.headers["Location"]).text
        assert "Comments that have changed in the meantime were left alone: 2" in page
        answer = ada.admin_post("/admin/comments/decisions", verb="spam", chosen=chosen[:2])  # type: ignore[arg-type]
        assert "left alone" not in ada.client.get(answer.headers["Location"]).text, "both want the same"

    def test_into_another_thread(self, ada: Visitor, held: list[int]) -> None:
        chosen = [f"{number} " for number in held[:2]]
        there = "https://blog.example/about-cats"
        ada.admin_post("/admin/comments/decisions", verb="move", chosen=chosen, address=there)  # type: ignore[arg-type]
        assert [row(number).thread.key for number in held] == ["about-cats", "about-cats", ARTICLE]
        assert row(held[0]).thread.url == there
        ada.undo_last()
        assert {row(number).thread.key for number in held} == {ARTICLE}

    def test_nowhere_is_said_and_moves_nothing(self, ada: Visitor, held: list[int]) -> None:
        chosen = [f"{held[0]} "]
        for address in ("https://evil.example/x", "", "https://"):
            answer = ada.admin_post("/admin/comments/decisions", verb="move", chosen=chosen, address=address)  # type: ignore[arg-type]
            assert answer.status_code == 422
            said = "This address is not on this blog, which is at https://blog.example"
            assert (said if address else "There is no such comment or article on this blog.") in answer.text


class TestTwoModerators:
    """A list that is no longer true overrides nobody."""

    def test_the_second_is_told_and_nothing_happens(self, ada: Visitor, colleague: Visitor, held: list[int]) -> None:
        colleague.decide(held[0], "spam")
        answer = ada.admin_post(f"/admin/comments/{held[0]}/approval?seen=pending+")
        assert answer.status_code == 409
        assert "Someone has already decided: Spam." in answer.text
        assert row(held[0]).state == "spam"
        ada.client.environ_base["HTTP_X_FRAGMENT"] = "1"  # in place, the row comes along as it is now
        row_now = ada.admin_post(f"/admin/comments/{held[0]}/approval?seen=pending+").text
        assert "Someone has already decided: Spam." in row_now
        assert f'formaction="/admin/comments/{held[0]}/approval?seen=spam%20' in row_now
        assert "Not spam: approve" in row_now
        del ada.client.environ_base["HTTP_X_FRAGMENT"]
        assert ada.admin_post(f"/admin/comments/{held[0]}/approval?seen=spam+").status_code == 303
        assert row(held[0]).state == "approved"

    def test_who_wants_the_same_is_not_stopped(self, ada: Visitor, colleague: Visitor, held: list[int]) -> None:
        colleague.decide(held[0], "spam")
        assert ada.admin_post(f"/admin/comments/{held[0]}/spam?seen=pending+").status_code == 303

    def test_nor_who_changes_their_own_mind(self, ada: Visitor, held: list[int]) -> None:
        ada.decide(held[0], "spam")
        assert ada.admin_post(f"/admin/comments/{held[0]}/approval?seen=pending+").status_code == 303
        assert row(held[0]).state == "approved"


class TestAnswering:
    """Approve and answer in one action."""

    def test_it_stands_below_and_both_are_undone_as_one(
        self, ada: Visitor, held: list[int], visit: Callable[[], Visitor]
    ) -> None:
        assert ada.admin_post(f"/admin/comments/{held[0]}/reply", body="Thank *you*.").status_code == 303
        page = visit().client.get(f"/t/blog/{ARTICLE}").text
        assert "Thank <strong>you</strong>." in page
        assert "number 0" in page
        assert "2 comments" in page
        ada.undo_last()
        assert "0 comments" in visit().client.get(f"/t/blog/{ARTICLE}").text
        assert row(held[0]).state == "pending"

    def test_an_empty_one_is_asked_for_again(self, ada: Visitor, held: list[int]) -> None:
        answer = ada.admin_post(f"/admin/comments/{held[0]}/reply", body="  ")
        assert answer.status_code == 422
        assert "Please write a comment first." in answer.text
        assert row(held[0]).state == "pending"

    def test_a_closed_thread_says_so_and_keeps_the_text(self, ada: Visitor, held: list[int]) -> None:
        ada.admin_post(f"/admin/threads/{row(held[0]).thread_id}", access="closed", title="")
        answer = ada.admin_post(f"/admin/comments/{held[0]}/reply", body="Thank you.")
        assert answer.status_code == 403
        assert "Thank you.</textarea>" in answer.text
        assert row(held[0]).state == "pending"

    def test_saved_replies_are_offered(self, ada: Visitor, held: list[int]) -> None:
        ada.admin_post("/admin/saved-replies", title="Thanks", body="Thank you for writing.")
        page = ada.client.get(f"/admin/comments/{held[0]}").text
        number = re.findall(r"\?saved=(\d+)#reply", page)[0]
        assert ">Thank you for writing.</textarea>" in ada.client.get(f"/admin/comments/{held[0]}?saved={number}").text
        assert ">Thank you for writing.</textarea>" in ada.client.get(f"/admin/saved-replies?edit={number}").text
        answer = ada.admin_post(f"/admin/saved-replies/{number}/removal")
        assert "Thank you for writing.</textarea>" in answer.text, "it may be kept after all"
        assert "saved=" not in ada.client.get(f"/admin/comments/{held[0]}").text
        for title, body in (("", "x"), ("x", ""), ("x", "x" * 5001)):
            assert ada.admin_post("/admin/saved-replies", title=title, body=body).status_code == 422

    def test_saved_replies_are_ones_own_and_the_owners(self, ada: Visitor, hedy: Visitor) -> None:
        ada.admin_post("/admin/saved-replies", title="Thanks", body="Thank you for writing.")
        hedy.admin_post("/admin/saved-replies", title="Thanks", body="Hop along.")
        assert "Hop along." not in ada.client.get("/admin/saved-replies").text
        page = hedy.client.get("/admin/saved-replies").text
        assert "Hop along." in page
        assert "Thank you for writing." in page
        assert len(re.findall(r"/admin/saved-replies/\d+/removal", page)) == 1
        numbers = db.session.scalars(select(SavedReply.id).order_by(SavedReply.id)).all()
        assert hedy.admin_post(f"/admin/saved-replies/{numbers[0]}/removal").status_code == 404

    def test_a_moderator_has_one_face(self, ada: Visitor, held: list[int]) -> None:
        for comment in held[:2]:
            ada.admin_post(f"/admin/comments/{comment}/reply", body=f"Thank you for number {comment}.")
        mine = db.session.scalars(select(Comment.seed).where(Comment.moderator_id.is_not(None))).all()
        assert len(mine) == 2
        assert len(set(mine)) == 1

    def test_a_reply_to_what_was_approved_before(self, ada: Visitor, held: list[int]) -> None:
        ada.decide(held[0], "approval")
        answer = ada.admin_post(f"/admin/comments/{held[0]}/reply", body="Thank you.")
        page = ada.client.get(answer.headers["Location"]).text
        assert "Your reply is published." in page
        assert "Approved, and" not in page


class TestEditing:
    """A moderator changes what stands there; what it said is kept."""

    def test_text_name_and_website(self, ada: Visitor, bob: Visitor, visit: Callable[[], Visitor]) -> None:
        comment = bob.comment(BOB)
        fields = {"author": "Robert", "website": "https://bob.example", "body": "Without the rude word."}
        ada.admin_post(f"/admin/comments/{comment}/text", **fields)
        page = visit().client.get(f"/t/blog/{ARTICLE}").text
        assert "Without the rude word." in page
        assert "Robert" in page
        assert 'class="edited"' in page
        assert db.session.scalars(select(Revision.body)).all() == [BOB.says]
        assert BOB.says in ada.client.get("/admin/queue?state=approved").text
        ada.undo_last()
        now = row(comment)
        assert (now.author, now.body, now.website, now.edited_at) == ("Bob", BOB.says, None, None)
        assert db.session.scalars(select(Revision.body)).all() == []

    def test_an_old_change_is_not_undone_over_a_newer_one(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment(BOB)
        for body in ("second", "third"):
            ada.admin_post(f"/admin/comments/{comment}/text", author="Bob", website="", body=body)
        first = db.session.scalars(select(ModeratorAction.id).order_by(ModeratorAction.id)).first()
        assert ada.admin_post(f"/admin/actions/{first}/reversal").status_code == 409
        assert row(comment).body == "third"
        ada.undo_last()
        ada.undo_last()
        assert row(comment).body == BOB.says

    def test_the_filter_forgets_the_words_it_learned(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment(BOB)
        ada.decide(comment, "spam")
        ada.admin_post(f"/admin/comments/{comment}/text", author="Robert", website="", body=BOB.says)
        assert row(comment).learned_as is None
        assert {one.spam for one in db.session.query(LearnedWord)} == {0}

    def test_nothing_typed_is_lost(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment(BOB)
        answer = ada.admin_post(f"/admin/comments/{comment}/text", author="", website="no address", body="kept")
        assert answer.status_code == 422
        assert ">kept</textarea>" in answer.text
        assert 'value="no address"' in answer.text
        assert "Please fill in this field." in answer.text

    def test_hostile_texts_are_harmless(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment(BOB)
        ada.admin_post(f"/admin/comments/{comment}/text", author='"><script>x', website="", body=MALLORY.says)
        for path in (f"/admin/comments/{comment}", "/admin/queue?state=approved", "/admin/log", f"/t/blog/{ARTICLE}"):
            assert "<script>x" not in ada.client.get(path).text
            assert "<script>alert" not in ada.client.get(path).text


class TestMoving:
    """Below another comment, or under another article, with all that answers it."""

    @pytest.fixture
    def branch(self, bob: Visitor) -> list[int]:
        """A root, an answer, an answer to that; and another root."""
        root = bob.comment(body="root")
        answer = bob.comment(body="answer", parent_id=str(root))
        return [root, answer, bob.comment(body="deep", parent_id=str(answer)), bob.comment(body="another root")]

    def places(self, numbers: list[int]) -> list[tuple[str, int | None, int | None]]:
        return [(row(one).thread.key, row(one).parent_id, row(one).root_id) for one in numbers]

    def test_below_another(self, ada: Visitor, branch: list[int]) -> None:
        root, answer, _, other = branch
        before = self.places(branch)
        ada.admin_post(f"/admin/comments/{root}/place", parent=str(other), address="")
        assert self.places(branch) == [
            (ARTICLE, other, other),
            (ARTICLE, root, other),
            (ARTICLE, answer, other),
            (ARTICLE, None, None),
        ]
        ada.undo_last()
        assert self.places(branch) == before

    def test_to_the_top_and_to_another_article(self, ada: Visitor, branch: list[int]) -> None:
        _, answer, deep, _ = branch
        before = self.places(branch)
        ada.admin_post(f"/admin/comments/{answer}/place", parent="", address="https://blog.example/elsewhere")
        assert self.places([answer, deep]) == [("elsewhere", None, None), ("elsewhere", answer, answer)]
        counts = dict(db.session.execute(select(Thread.key, Thread.comment_count)).all())
        assert counts == {ARTICLE: 2, "elsewhere": 2}
        ada.undo_last()
        assert self.places(branch) == before
        db.session.expire_all()
        assert dict(db.session.execute(select(Thread.key, Thread.comment_count)).all())[ARTICLE] == 4

    def test_the_title_of_the_other_article_stays_there(self, ada: Visitor, bob: Visitor, rules: Rules) -> None:
        """A title comes from the comment's page; it is about the article that the comment leaves."""
        rules("blog", moderation="all")
        number = bob.comment(title="Bread in five steps")
        ada.admin_post(f"/admin/comments/{number}/place", parent="", address=f"{BLOG}/oven")
        assert "Bread in five steps" not in ada.client.get(f"/admin/comments/{number}").text
        ada.admin_post(f"/admin/comments/{number}/approval")
        assert row(number).thread.title == ""

    def test_what_answered_since_comes_along(self, ada: Visitor, bob: Visitor, branch: list[int]) -> None:
        _, answer, _, _ = branch
        ada.admin_post(f"/admin/comments/{answer}/place", parent="", address="https://blog.example/elsewhere")
        late = bob.comment(key="elsewhere", body="since then", parent_id=str(answer))
        ada.undo_last()
        assert self.places([answer, late]) == [(ARTICLE, branch[0], branch[0]), (ARTICLE, answer, branch[0])]

    def test_what_is_gone_meanwhile_is_no_obstacle(self, ada: Visitor, branch: list[int]) -> None:
        root, answer, deep, _ = branch
        ada.admin_post(f"/admin/comments/{answer}/place", parent="", address="")
        db.begin_write()
        db.session.delete(db.session.get_one(Comment, root))
        db.session.commit()
        ada.undo_last()
        assert self.places([answer, deep]) == [(ARTICLE, None, None), (ARTICLE, answer, answer)]

    @pytest.mark.parametrize("parent", ["itself", "an answer to it", "999", "nonsense"])
    def test_where_it_cannot_stand_is_said(self, ada: Visitor, branch: list[int], parent: str) -> None:
        typed = {"itself": str(branch[0]), "an answer to it": str(branch[2])}.get(parent, parent)
        answer = ada.admin_post(f"/admin/comments/{branch[0]}/place", parent=typed, address="")
        assert answer.status_code == 422
        refusals = ("A comment cannot be placed below itself", "There is no such comment or article")
        assert any(refusal in answer.text for refusal in refusals)


class TestNotes:
    """For moderators' eyes."""

    def test_they_stand_in_the_list_and_nowhere_else(
        self, ada: Visitor, hedy: Visitor, bob: Visitor, visit: Callable[[], Visitor]
    ) -> None:
        comment = bob.comment()
        ada.admin_post(f"/admin/comments/{comment}/notes", body="He *means* well.")
        assert "He *means* well." in ada.client.get("/admin/queue?state=approved").text
        assert "means" not in visit().client.get(f"/t/blog/{ARTICLE}").text
        assert "means" not in visit().client.get(f"/api/v1/threads/blog/{ARTICLE}").text
        number = db.session.scalars(select(Note.id)).one()
        assert hedy.admin_post(f"/admin/comments/{comment}/notes/{number}/removal").status_code == 404
        ada.admin_post(f"/admin/comments/{comment}/notes/{number}/removal")
        assert "means" not in ada.client.get(f"/admin/comments/{comment}").text


class TestInPlace:
    """With a script the same actions answer with what changed, and nothing else."""

    def act(self, ada: Visitor, path: str, listed: str = "state=pending", **fields: str) -> str:
        token = hidden_fields(ada.client.get("/admin/queue"))["csrf_token"]
        sent = {"csrf_token": token, "listed": listed, **fields}
        return ada.client.post(path, data=sent, headers={"X-Fragment": "1"}).text

    def test_a_row_leaves_where_its_state_does(self, ada: Visitor, held: list[int]) -> None:
        answer = self.act(ada, f"/admin/comments/{held[0]}/approval")
        assert "<html" not in answer
        assert "Approved." in answer
        assert 'Pending <span class="number">2</span>' in answer
        assert '<bdi>A blog</bdi> <span class="number">2</span>' in answer
        assert shown(answer) == []

    def test_and_stays_where_all_states_are_shown(self, ada: Visitor, held: list[int]) -> None:
        answer = self.act(ada, f"/admin/comments/{held[0]}/approval", listed="state=any")
        assert shown(answer) == [held[0]]

    def test_undoing_brings_rows_back(self, ada: Visitor, held: list[int]) -> None:
        answer = self.act(ada, f"/admin/comments/{held[0]}/spam")
        path = re.findall(r'action="(/admin/actions/\d+/reversal)"', answer)[0]
        assert shown(self.act(ada, path)) == [held[0]]


class TestUndo:
    """Every action is taken back, once, from the bar or the log."""

    def test_from_the_log(self, ada: Visitor, held: list[int]) -> None:
        ada.decide(held[0], "trash")
        ada.decide(held[1], "spam")
        page = ada.client.get("/admin/log").text
        assert "Moved to the trash." in page
        first = db.session.scalars(select(ModeratorAction.id).order_by(ModeratorAction.id)).first()
        answer = ada.admin_post(f"/admin/actions/{first}/reversal", **{"from": "log", "next": "/admin/log"})
        assert answer.headers["Location"] == f"/admin/log?undone={first}"
        assert row(held[0]).state == "pending"
        assert "undone " in ada.client.get("/admin/log").text
        ada.decide(held[0], "approval")
        ada.admin_post(f"/admin/actions/{first}/reversal")
        assert row(held[0]).state == "approved", "once is enough"

    def test_not_what_was_decided_since(self, ada: Visitor, held: list[int]) -> None:
        ada.decide(held[0], "spam")
        first = db.session.scalars(select(ModeratorAction.id)).one()
        ada.decide(held[0], "approval")
        answer = ada.admin_post(f"/admin/actions/{first}/reversal")
        assert answer.status_code == 409
        assert "This can no longer be undone" in answer.text
        assert row(held[0]).state == "approved"

    def test_nobody_undoes_what_they_may_not_do(self, ada: Visitor, hedy: Visitor, held: list[int]) -> None:
        ada.decide(held[0], "spam")
        act = db.session.scalars(select(ModeratorAction.id)).one()
        assert hedy.admin_post(f"/admin/actions/{act}/reversal").status_code == 404
        assert row(held[0]).state == "spam"

    def test_a_ban_with_all_of_theirs(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment()
        ada.admin_post("/admin/bans", comment=str(comment), kind="address", value="", site="", theirs="1")
        assert row(comment).state == "trashed"
        assert "Added a ban." in ada.client.get("/admin/log").text
        ada.undo_last()
        assert row(comment).state == "approved"
        assert bob.post(body="again").status_code == 303

    def test_an_erasure_is_never_offered(self, ada: Visitor, held: list[int]) -> None:
        ada.admin_post("/admin/people/erasure", email="nobody@mail.example")
        ada.decide(held[0], "spam")
        ada.undo_last()
        act = db.session.scalars(select(ModeratorAction.id).where(ModeratorAction.verb == "erasure")).one()
        assert "Erased" not in ada.client.get(f"/admin/queue?undone={act + 1}").text
        assert ada.admin_post(f"/admin/actions/{act}/reversal").status_code == 409

    def test_who_lost_a_blog_undoes_nothing_there(self, ada: Visitor, hedy: Visitor, bob: Visitor) -> None:
        comment = bob.comment(BOB, "other", "x.html")
        hedy.decide(comment, "spam")
        act = db.session.scalars(select(ModeratorAction.id)).one()
        number = db.session.scalars(select(Moderator.id).where(Moderator.email == HEDY.email)).one()
        ada.admin_post(f"/admin/moderators/{number}", form_at="/admin/moderators", role="moderator")
        assert hedy.admin_post(f"/admin/actions/{act}/reversal").status_code == 404
        assert "Marked as spam." not in hedy.client.get("/admin/log").text


class TestOnThePage:
    """A signed-in moderator decides where readers read."""

    def test_what_waits_is_there_with_its_buttons(
        self, ada: Visitor, hedy: Visitor, held: list[int], visit: Callable[[], Visitor]
    ) -> None:
        page = ada.client.get(f"/t/blog/{ARTICLE}")
        assert f'formaction="/admin/comments/{held[0]}/approval?seen=pending+"' in page.text
        for other in (hedy, visit()):
            assert "formaction" not in other.client.get(f"/t/blog/{ARTICLE}").text
        fields = hidden_fields(page) | {"body": ""}
        answer = ada.client.post(f"/admin/comments/{held[0]}/approval?seen=pending+", data=fields)
        assert answer.headers["Location"] == f"/t/blog/{ARTICLE}"
        assert row(held[0]).state == "approved"
        assert (
            f'formaction="/admin/comments/{held[0]}/hold?seen=approved+"' in ada.client.get(f"/t/blog/{ARTICLE}").text
        )

    def test_their_answer_is_posted_as_usual(self, ada: Visitor, bob: Visitor) -> None:
        comment = bob.comment()
        answer = ada.comment(GRACE, parent_id=str(comment))
        assert row(answer).moderator_id is not None


def test_actions_die_with_their_site(ada: Visitor, held: list[int]) -> None:
    ada.decide(held[0], "spam")
    db.begin_write()
    db.session.delete(Site.named("blog"))
    db.session.commit()
    assert db.session.scalars(select(Comment.id)).all() == []
    assert db.session.scalars(select(ModeratorAction.id)).all() == []
    assert ada.client.get("/admin/log").status_code == 200
    assert ada.client.get("/admin/queue").status_code == 200

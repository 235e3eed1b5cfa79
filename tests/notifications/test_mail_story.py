"""From a comment to silence: everything Bob's mailbox sees of it."""

from collections.abc import Callable

from tests.cast import ARTICLE, BOB, GRACE, MALLORY
from tests.post import link_in, only, stop_link, text_of, work
from tests.servers import MailServer
from tests.time import FrozenClock
from tests.visitors import Visitor


def test_from_comment_to_silence(
    bob: Visitor, visit: Callable[[], Visitor], post_office: MailServer, time: FrozenClock
) -> None:
    # Bob comments and wants to hear of answers.
    first = bob.comment(BOB, email=BOB.email, notify="on", title="The phone")
    work()
    asked = only(post_office.messages)
    assert asked["Subject"] == "Please confirm: emails about comments on A blog"

    # He says yes, in the browser that he happened to open the mail with.
    assert "You are subscribed." in visit().client.post(link_in(asked, "confirm")).text

    # Grace answers him, and he hears of it.
    answer = visit().comment(GRACE, parent_id=str(first))
    work()
    reply = post_office.messages[-1]
    assert reply["Subject"] == "Grace replied to you on “The phone”"
    assert f"/t/blog/{ARTICLE}?comment={answer}#comment-{answer}" in text_of(reply)

    # It becomes a lively talk: from his page he follows it all, in one email a day.
    page = link_in(reply, "subscriptions")
    bob.client.post(f"/follow/blog/{ARTICLE}", data={"email": BOB.email})
    visit().client.post(page, data={"change": "settings", "language": "en", "frequency": "daily"})
    for person, body in ((GRACE, "first thing"), (MALLORY, "second thing")):
        visit().comment(person, body=body)
    visit().comment(GRACE, body="third thing", parent_id=str(first))
    work()
    assert len(post_office.messages) == 2
    time.pass_(days=1)
    work()
    digest = post_office.messages[-1]
    assert digest["Subject"] == "3 new comments on A blog"
    for said in ("first thing", "second thing", "third thing"):
        assert said in text_of(digest)

    # One click in his mail program ends it.
    clicked = visit().client.post(stop_link(digest), data={"List-Unsubscribe": "One-Click"})
    assert clicked.status_code == 200

    # Silence.
    visit().comment(GRACE, body="more", parent_id=str(first))
    visit().comment(MALLORY, body="and more")
    time.pass_(days=2)
    work()
    assert len(post_office.messages) == 3

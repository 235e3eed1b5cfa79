"""Threads as bytes: what a hit costs, how fresh it is, and that nothing personal is in it."""

import gzip
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from time import sleep
from unittest.mock import Mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from commentsvc.db import db
from commentsvc.models import Site, Thread
from commentsvc.web import empty_thread, health, snapshots
from commentsvc.web.snapshots import Snapshots
from tests.cast import ARTICLE, BLOG, BOB, GRACE
from tests.visitors import Visitor

PLACES = (f"/embed/blog/{ARTICLE}", f"/api/v1/threads/blog/{ARTICLE}")
OF_MANY = (f"/api/v1/counts?site=blog&key={ARTICLE}", "/feed/blog")


@pytest.fixture(autouse=True)
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a second is soon over: here it passes when a test says so."""
    monkeypatch.setattr(snapshots, "REVALIDATE_AFTER", 1000.0)


@pytest.fixture
def layer(app: Flask) -> Snapshots:
    """The layer in front of the application."""
    found: Snapshots = app.extensions["snapshots"]
    return found


def kept(layer: Snapshots) -> list[object]:
    """What it holds, but for the answers that serve all articles in which nobody wrote."""
    return [name for name in layer._kept if empty_thread.KEY not in name[0]]


@pytest.mark.parametrize("place", PLACES)
class TestAHit:
    """The second time."""

    def test_asks_the_database_nothing(self, client: FlaskClient, questions: list[str], place: str) -> None:
        first = client.get(place)
        questions.clear()
        assert client.get(place).data == first.data
        assert questions == []

    def test_after_a_second_asks_for_the_version_only(
        self, client: FlaskClient, questions: list[str], place: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client.get(place)
        monkeypatch.setattr(snapshots, "REVALIDATE_AFTER", 0.0)
        questions.clear()
        client.get(place)
        assert len(questions) == 1

    def test_is_the_same_for_everybody(self, client: FlaskClient, bob: Visitor, ada: Visitor, place: str) -> None:
        bob.comment(BOB, email=BOB.email)
        answers = [
            client.get(place, headers={"Accept-Language": "de", "Cookie": "x=y"}),
            bob.client.get(place),
            ada.client.get(place),
        ]
        assert len({answer.data for answer in answers}) == 1
        for answer in answers:
            assert "Set-Cookie" not in answer.headers
            assert "public" in answer.headers["Cache-Control"]
            assert answer.headers["Vary"] == "Origin, Accept-Encoding"

    def test_may_be_packed_unchanged_or_headers_only(self, client: FlaskClient, place: str) -> None:
        plain = client.get(place)
        packed = client.get(place, headers={"Accept-Encoding": "br, gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data) == plain.data
        unchanged = client.get(place, headers={"If-None-Match": plain.headers["ETag"]})
        assert (unchanged.status_code, unchanged.data) == (304, b"")
        head = client.head(place)
        assert (head.data, head.headers["Content-Length"]) == (b"", plain.headers["Content-Length"])

    def test_names_the_origin_that_asks_if_it_is_the_sites(self, client: FlaskClient, place: str) -> None:
        for _ in range(2):
            assert client.get(place, headers={"Origin": BLOG}).headers["Access-Control-Allow-Origin"] == BLOG
            foreign = client.get(place, headers={"Origin": "https://evil.example"})
            assert "Access-Control-Allow-Origin" not in foreign.headers

    def test_own_writes_show_at_once(self, client: FlaskClient, bob: Visitor, ada: Visitor, place: str) -> None:
        assert b"cord" not in client.get(place).data
        comment = bob.comment(BOB)
        assert b"cord" in client.get(place).data
        ada.decide(comment, "trash")
        assert b"cord" not in client.get(place).data

    def test_writes_of_others_show_within_a_second(
        self, client: FlaskClient, bob: Visitor, place: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bob.comment(BOB, title="The phone")
        before = client.get(place).data
        db.begin_write()
        db.session.execute(update(Thread).values(version=Thread.version + 1, comment_count=41))
        db.session.commit()
        assert client.get(place).data == before
        monkeypatch.setattr(snapshots, "REVALIDATE_AFTER", 0.0)
        assert b"41" in client.get(place).data

    def test_rules_of_the_site_show_as_well(
        self, client: FlaskClient, place: str, rules: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client.get(place)
        monkeypatch.setattr(snapshots, "REVALIDATE_AFTER", 0.0)
        rules("blog", origins=["https://moved.example"], version=Site.named("blog").version + 1)
        answer = client.get(place, headers={"Origin": "https://moved.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "https://moved.example"

    def test_odd_parameters_make_no_other_snapshot(self, client: FlaskClient, layer: Snapshots, place: str) -> None:
        for query in (
            "",
            "?x=1",
            "?x=2&y=3",
            "?" + "z" * 3000,
            "?utm_source=x",
            "?" + "&".join("a=b" for _ in range(500)),
        ):
            assert client.get(place + query).status_code == 200
        assert len(kept(layer)) == 1


@pytest.mark.parametrize("place", OF_MANY)
class TestAnswersAboutManyThreads:
    """Counts and the feed of a site."""

    def test_a_hit_asks_the_database_nothing(self, client: FlaskClient, questions: list[str], place: str) -> None:
        first = client.get(place)
        questions.clear()
        assert client.get(place).data == first.data
        assert questions == []

    def test_own_writes_show_at_once(self, client: FlaskClient, bob: Visitor, ada: Visitor, place: str) -> None:
        before = client.get(place).data
        comment = bob.comment(BOB)
        with_it = client.get(place).data
        assert with_it != before
        ada.decide(comment, "trash")
        assert client.get(place).data != with_it

    def test_writes_of_others_show_within_a_second(
        self, client: FlaskClient, bob: Visitor, layer: Snapshots, place: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Snapshots, "drop", lambda *_: None)  # as if another process had written
        before = client.get(place).data
        bob.comment(BOB)
        assert client.get(place).data == before
        monkeypatch.setattr(snapshots, "REVALIDATE_AFTER", 0.0)
        assert client.get(place).data != before


class TestHealth:
    """Load balancers ask several times a second."""

    def test_is_known_for_a_second(self, client: FlaskClient, questions: list[str]) -> None:
        first = client.get("/health")
        questions.clear()
        assert client.get("/health").json == first.json == {"status": "well", "reasons": []}
        assert questions == []

    def test_is_checked_again_after_a_second(
        self, client: FlaskClient, questions: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(snapshots, "REVALIDATE_AFTER", 0.0)
        client.get("/health")
        questions.clear()
        client.get("/health")
        assert questions

    def test_invented_tokens_of_doctor_fill_no_memory(self, client: FlaskClient, layer: Snapshots) -> None:
        client.get("/health")
        before = len(layer._kept)
        for number in range(3):
            assert client.get(f"/health?doctor={number}").status_code == 200
        assert len(layer._kept) == before

    def test_a_503_is_not_kept(self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(health, "_reasons", lambda: ["the disk is almost full"])
            assert client.get("/health").status_code == 503
        assert client.get("/health").status_code == 200


def test_hits_and_misses_are_counted(client: FlaskClient) -> None:
    before = snapshots.counts()
    for _ in range(3):
        client.get(PLACES[0])
    assert {name: count - before[name] for name, count in snapshots.counts().items()} == {"hit": 2, "miss": 1}


def test_counts_come_as_numbers_and_in_words(client: FlaskClient, bob: Visitor) -> None:
    bob.comment()
    address = f"/api/v1/counts?site=blog&key=https://blog.example/{ARTICLE}%3Futm_source=x&key=other"
    said = client.get(f"{address}&lang=de").json
    assert said
    assert list(said["counts"].values()) == [1, 0]
    assert list(said["labels"].values()) == ["1 Kommentar", "0 Kommentare"]
    assert said["labels"] != client.get(f"{address}&lang=en").json["labels"]  # type: ignore[index]


def test_the_home_page_has_a_count_too(client: FlaskClient, bob: Visitor) -> None:
    bob.comment(key="")
    assert client.get("/api/v1/counts?site=blog&key=").json["counts"] == {"": 1}  # type: ignore[index]


def test_a_hundred_long_keys_are_answered_and_not_kept(client: FlaskClient, layer: Snapshots) -> None:
    keys = "".join(f"&key={number}-{'x' * 90}" for number in range(100))
    answer = client.get(f"/api/v1/counts?site=blog{keys}")
    assert len(answer.json["counts"]) == 100  # type: ignore[index]
    assert not layer._kept


@pytest.mark.parametrize("spelling", ["lang=EN&page=01", "lang=en-GB&page=1&view=junk", "page=1&lang=en&key=x&site=y"])
def test_one_answer_has_one_name(client: FlaskClient, layer: Snapshots, spelling: str) -> None:
    client.get(f"/embed/blog/{ARTICLE}?lang=en&page=1")
    client.get(f"/embed/blog/{ARTICLE}?{spelling}")
    assert len(kept(layer)) == 1


def test_more_pages_at_once_than_there_are_connections(
    app: Flask, monkeypatch: pytest.MonkeyPatch, visit: Callable[[], Visitor]
) -> None:
    """Who waits for a snapshot holds no connection meanwhile, so nobody waits for nobody."""
    monkeypatch.setattr(snapshots, "REVALIDATE_AFTER", 0.0)
    most = db.engine.pool.size() + db.engine.pool._max_overflow  # type: ignore[attr-defined]
    readers = [visit().client for _ in range(most * 3)]
    with ThreadPoolExecutor(len(readers)) as together:
        for _ in range(2):
            asked = [together.submit(reader.get, f"/t/blog/x{n}") for n, reader in enumerate(readers)]
            assert {one.result().status_code for one in asked} == {200}


@pytest.mark.parametrize(
    "query",
    [
        "x=" + "z" * 9_000 + "&lang=de",
        "lang=fr&lang=de",
        "lang=%64e&x=1",
        "lang=de;view=linear",
        "page=2&lang=de&page=1",
    ],
)
def test_a_crafted_question_changes_nobody_elses_answer(client: FlaskClient, layer: Snapshots, query: str) -> None:
    """What is kept under a name was asked for with the parameters of that name, and no others."""
    place = f"/embed/blog/{ARTICLE}"
    expected = {asked: client.get(place + asked).text for asked in ("", "?lang=en", "?lang=de", "?page=2")}
    layer._kept.clear()
    client.get(f"{place}?{query}")
    for asked, text in expected.items():
        assert client.get(place + asked).text == text, asked


def test_what_is_kept_is_bounded_by_its_bytes(app: Flask, client: FlaskClient, layer: Snapshots) -> None:
    """The oldest go first, and those that are read stay."""
    client.get("/embed/blog/favourite")
    layer.budget = 5 * (layer._bytes + 1000)
    for number in range(40):
        client.get("/embed/blog/favourite")
        client.get(f"/embed/blog/{number}")
    assert layer._bytes <= layer.budget
    rendered = layer._kept["/embed/blog/favourite", ""].rendered
    assert rendered < layer._kept["/embed/blog/39", ""].rendered, "the first one is still there, not a newer one"
    assert ("/embed/blog/0", "") not in layer._kept
    lengths = {name: snapshots._length(name) for name in layer._kept}
    assert layer._bytes == sum(snapshot.size + lengths[name] for name, snapshot in layer._kept.items())
    assert sum(len(names) for names in layer._names.values()) == len(layer._kept)


class TestWritesMeanwhile:
    """Somebody writes while an answer is being rendered."""

    @pytest.fixture
    def during(self, layer: Snapshots, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
        """To do something during the next rendering, and never again."""

        def let(action: Callable[[], None]) -> None:
            inner = layer.app

            def meanwhile(environ, start_response):  # type: ignore[no-untyped-def]
                layer.app = inner
                answer = list(inner(environ, start_response))
                action()
                return answer

            layer.app = meanwhile

        return let

    def test_elsewhere_costs_nothing(
        self, client: FlaskClient, site: Site, layer: Snapshots, during: Callable[..., None], questions: list[str]
    ) -> None:
        site_id = site.id
        during(lambda: [layer.drop(site_id, "elsewhere"), layer.drop_site(site_id + 1)])
        first = client.get(PLACES[0])
        questions.clear()
        assert client.get(PLACES[0]).data == first.data
        assert questions == []

    @pytest.mark.parametrize("what", ["the thread", "the site"])
    def test_there_is_compared_before_it_is_trusted(
        self,
        client: FlaskClient,
        site: Site,
        layer: Snapshots,
        during: Callable[..., None],
        questions: list[str],
        what: str,
    ) -> None:
        site_id = site.id
        during(lambda: layer.drop(site_id, ARTICLE) if what == "the thread" else layer.drop_site(site_id))
        first = client.get(PLACES[0])
        questions.clear()
        assert client.get(PLACES[0]).data == first.data
        assert len(questions) == 1, "the version is asked for, and nothing is rendered"

    def test_what_is_of_before_is_never_shown(
        self, client: FlaskClient, bob: Visitor, during: Callable[..., None]
    ) -> None:
        bob.comment(GRACE)
        form = bob.fill(BOB)
        during(lambda: bob.send(form))
        assert b"cord" not in client.get(PLACES[0]).data
        assert b"cord" in client.get(PLACES[0]).data


def test_many_who_ask_at_once_are_one_rendering(
    app: Flask, layer: Snapshots, visit: Callable[[], Visitor], bob: Visitor
) -> None:
    """Also where a write came in between: nobody gets what was before it."""
    bob.comment()
    inner, rendered, is_asked = layer.app, [], Event()

    def slowly(environ, start_response):  # type: ignore[no-untyped-def]
        rendered.append(environ["PATH_INFO"])
        is_asked.wait(5)
        return inner(environ, start_response)

    layer.app = slowly
    readers = [visit().client for _ in range(8)]
    with ThreadPoolExecutor(len(readers)) as together:
        asked = [together.submit(reader.get, PLACES[0]) for reader in readers]
        sleep(0.3)
        is_asked.set()
        answers = {one.result().data for one in asked}
    assert len(answers) == 1
    assert rendered == [PLACES[0]]


def test_few_render_at_once(layer: Snapshots, visit: Callable[[], Visitor], monkeypatch: pytest.MonkeyPatch) -> None:
    """What many need at once stays in memory. If these take long, the others go ahead."""
    inner, goes_on, under_way = layer.app, Event(), []

    def slowly(environ, start_response):  # type: ignore[no-untyped-def]
        under_way.append(environ["PATH_INFO"])
        goes_on.wait(5)
        return inner(environ, start_response)

    layer.app = slowly
    monkeypatch.setattr(snapshots, "TURN_TIMEOUT", 0.5)
    readers = [visit().client for _ in range(6)]
    with ThreadPoolExecutor(len(readers)) as together:
        asked = [together.submit(one.get, f"/embed/blog/{number}") for number, one in enumerate(readers)]
        sleep(0.3)
        assert len(under_way) == snapshots.MAX_CONCURRENT_RENDERS
        sleep(0.6)
        assert len(under_way) == len(readers)
        goes_on.set()
        assert {one.result().status_code for one in asked} == {200}
    assert layer._renders.acquire(blocking=False)


def test_a_page_has_one_turn_for_all_its_parts(layer: Snapshots, client: FlaskClient) -> None:
    turns, got = Semaphore(1), []

    def acquire(timeout: float) -> bool:
        got.append(turns.acquire(blocking=False))
        return got[-1]

    layer._renders = Mock(acquire=acquire, release=turns.release)
    assert client.get(f"/t/blog/{ARTICLE}").status_code == 200
    assert got
    assert all(got)


def test_what_cannot_be_kept_keeps_nobody_waiting_in_line(layer: Snapshots, visit: Callable[[], Visitor]) -> None:
    readers = [visit().client for _ in range(4)]
    with ThreadPoolExecutor(len(readers)) as together:
        asked = [together.submit(reader.get, "/embed/nobody/x") for reader in readers]
        assert {one.result().status_code for one in asked} == {404}
    assert not layer._pending


def test_reading_goes_on_without_the_database(
    client: FlaskClient, layer: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot that cannot be compared is still the best there is."""
    from sqlalchemy.exc import OperationalError

    asked = []

    def gone(_subject: object) -> None:
        asked.append(1)
        raise OperationalError("SELECT", {}, Exception("gone"))

    first = client.get(PLACES[0])
    monkeypatch.setattr(snapshots, "REVALIDATE_AFTER", 0.0)
    monkeypatch.setattr(layer, "_version_now", gone)
    assert client.get(PLACES[0]).data == first.data
    monkeypatch.setattr(snapshots, "REVALIDATE_AFTER", 1000.0)
    assert client.get(PLACES[0]).data == first.data
    assert len(asked) == 1, "one reader waits for the database, not each of them"


def test_errors_are_not_kept(client: FlaskClient, layer: Snapshots) -> None:
    assert client.get("/embed/nobody/x").status_code == 404
    assert not layer._kept


def test_held_comments_of_others_are_in_no_snapshot(
    bob: Visitor, client: FlaskClient, rules: Callable[..., None]
) -> None:
    rules("blog", moderation="all")
    bob.comment(GRACE)
    for place in PLACES:
        for reader in (bob.client, client):
            assert b"found it" not in reader.get(place).data

"""A large import converts in further processes, and comes to the same."""

import json
import multiprocessing

from tests.transfer.conftest import Bring, exported
from tests.transfer.samples import ITEM, OLD, WXR, wp

PLACES = 40  # more than are converted ahead


def _article(place: int) -> str:
    said = "\n".join(
        wp(
            10 * place + number,
            f"Number {number} of <em>{place}</em>, <b>bold</b>",
            parent=10 * place * min(number, 1),
            comment_date_gmt=f"2007-05-{place % 28 + 1:02} 10:00:0{number}",
        )
        for number in range(3)
    )
    item = ITEM.format(home=OLD, status="publish", title=f"Article {place}", comments=said)
    return item.replace("/2007/05/phone/", f"/p/{place}/").replace("<wp:post_id>7<", f"<wp:post_id>{place}<")


FILE = WXR.format(home=OLD, items="".join(map(_article, range(1, PLACES + 1))))


def test_it_comes_to_the_same(bring: Bring) -> None:
    """Texts, parents, order and report are as without workers, and so is a dry run."""
    dry = bring(FILE, "other", dry=True, workers=2)
    alone = bring(FILE, "other")
    helped = bring(FILE, "blog", workers=2)
    assert helped.as_json() == alone.as_json()
    assert dry.as_json() | {"dry_run": False} == alone.as_json()
    assert _texts("blog") == _texts("other")
    assert _texts("blog")[:2] == [
        ("Number 0 of _1_, *bold*", ""),
        ("Number 1 of _1_, *bold*", "Number 0 of _1_, *bold*"),
    ]
    assert len(_texts("blog")) == 3 * PLACES


def test_a_helper_that_is_killed_is_not_missed(bring: Bring) -> None:
    """As the kernel does when memory runs out."""

    def kill() -> None:
        for worker in multiprocessing.active_children():
            worker.kill()

    report = bring(FILE, workers=1, meanwhile=kill)
    assert report.taken == {"approved comments": 3 * PLACES}
    assert not multiprocessing.active_children()


def _texts(site: str) -> list[tuple[str, str]]:
    """Each text of a site, with the one that it answers."""
    lines = [json.loads(line) for line in exported(site=site).splitlines()]
    texts = {one["id"]: one["body"] for one in lines if "body" in one}
    return [(one["body"], texts.get(one.get("parent_id"), "")) for one in lines if "body" in one]

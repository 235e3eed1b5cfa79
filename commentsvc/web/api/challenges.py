"""Create a challenge for a visitor who wants to write."""

from flask import Blueprint, Response

from commentsvc import i18n, throttle
from commentsvc.captcha.challenge import LIFETIME
from commentsvc.threads.articles import Article
from commentsvc.web import current, forms, gate, security, visitor
from commentsvc.web.api.shapes import Challenge, NewChallenge, Wait, answer, parsed

SPARE = 0.1  # seconds, as clocks differ

blueprint = Blueprint("api_challenges", __name__, url_prefix="/api/v1/challenges")


@blueprint.post("")
def post() -> Response:
    """A token and its three ways to be solved; none of them where nobody asks."""
    throttle.hit(throttle.PICTURES, "challenge", current.source())
    throttle.hit(throttle.PICTURES_NEARBY, "challenge", current.neighbourhood())
    wanted = parsed(NewChallenge)
    article = Article.find(wanted.site, wanted.key)
    i18n.set_language(current.site_language(article.site))
    security.check_origin(article.site)
    person = visitor.current()
    shown = forms.new_challenge(article, person, wanted.instead_of, was_asked=wanted.asked)
    fresh = Challenge(
        token=shown.token,
        image=shown.image if shown.asks else None,
        audio=shown.sound if shown.asks else None,
        work=forms.work(shown),
        visitor=person.token,
        wait=Wait(
            least=gate.MIN_WAIT.total_seconds() + SPARE,
            each_character=gate.PER_CHARACTER.total_seconds(),
            most=gate.MAX_WAIT.total_seconds() + SPARE,
        ),
        waits=forms.will_wait(article, person),
        expires_in=int(LIFETIME.total_seconds()),
    )
    return answer(fresh, article.site, status=201)

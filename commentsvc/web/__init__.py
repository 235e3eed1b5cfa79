"""The routes: every blueprint, grouped by who uses it."""

from flask import Flask

from commentsvc.web import (
    captcha,
    embed,
    errors,
    feeds,
    follow,
    front,
    health,
    latest,
    linkbacks,
    metrics,
    moderation_links,
    own_comments,
    pages,
    privacy,
    security,
    subscriptions,
    templating,
)
from commentsvc.web.admin import (
    account,
    bans,
    channels,
    confirmation,
    email,
    imports,
    log,
    moderators,
    people,
    queue,
    saved_replies,
    set_up,
    sign_in,
    sites,
    stats,
    undoing,
)
from commentsvc.web.admin import comments as admin_comments
from commentsvc.web.admin import linkbacks as admin_linkbacks
from commentsvc.web.admin import subscriptions as admin_subscriptions
from commentsvc.web.admin import threads as admin_threads
from commentsvc.web.api import challenges, counts, held, openapi, preview, threads
from commentsvc.web.api import comments as api_comments
from commentsvc.web.converters import IdConverter, KeyConverter


def init_app(app: Flask) -> None:
    """Register every blueprint."""
    app.url_map.converters.update(id=IdConverter, key=KeyConverter)
    metrics.init_app(app)
    security.init_app(app)
    templating.init_app(app)
    errors.init_app(app)

    # readers and commenters
    app.register_blueprint(front.blueprint)  # /  /robots.txt  /embed.js  /static/…
    app.register_blueprint(pages.blueprint)  # /t/<site>/<key>
    app.register_blueprint(embed.blueprint)  # /embed/<site>/<key>
    app.register_blueprint(own_comments.blueprint)  # /comments/<id>  …/revision  …/removal
    app.register_blueprint(captcha.blueprint)  # /captcha/<token>.png  /captcha/<token>.wav
    app.register_blueprint(latest.blueprint)  # /latest/<site>
    app.register_blueprint(feeds.blueprint)  # /feed/<site>  /feed/<site>/<key>
    app.register_blueprint(follow.blueprint)  # /follow/<site>/<key>
    app.register_blueprint(privacy.blueprint)  # /privacy  …/<token>  …/{export,erasure}
    app.register_blueprint(subscriptions.blueprint)  # /confirm/<token>  /unsubscribe/<token>  /subscriptions/<token>

    # programs
    app.register_blueprint(threads.blueprint)  # /api/v1/threads/<site>/<key>
    app.register_blueprint(api_comments.blueprint)  # /api/v1/threads/<site>/<key>/comments  /api/v1/comments/<id>
    app.register_blueprint(challenges.blueprint)  # /api/v1/challenges
    app.register_blueprint(preview.blueprint)  # /api/v1/preview
    app.register_blueprint(counts.blueprint)  # /api/v1/counts
    app.register_blueprint(held.blueprint)  # /api/v1/held
    app.register_blueprint(openapi.blueprint)  # /api/openapi.json

    # other blogs
    app.register_blueprint(linkbacks.blueprint)  # /trackback/<site>/<key>  /pingback  /webmention  …/<id>

    # moderators
    app.register_blueprint(sign_in.blueprint)  # /admin/sign-in  …/{passkey,link}  /admin/sign-out  /admin/link/<token>
    app.register_blueprint(confirmation.blueprint)  # /admin/confirmation  …/{passkey,link}
    app.register_blueprint(set_up.blueprint)  # /admin/set-up/<token>
    app.register_blueprint(account.blueprint)  # /admin/account  …/{password,passkeys,sessions}/…
    app.register_blueprint(moderators.blueprint)  # /admin/moderators  …/<id>/…
    app.register_blueprint(moderation_links.blueprint)  # /moderate/<token>
    app.register_blueprint(queue.blueprint)  # /admin/queue  /admin/comments/decisions
    app.register_blueprint(undoing.blueprint)  # /admin/actions/<id>/reversal
    app.register_blueprint(admin_comments.blueprint)  # /admin/comments/<id>  …/{approval,reply,text,place,pin,notes}
    app.register_blueprint(admin_threads.blueprint)  # /admin/threads  …/<id>  …/{address,aliases,merger}
    app.register_blueprint(sites.blueprint)  # /admin/sites  …/<key>  …/{page-check,removal}
    app.register_blueprint(imports.blueprint)  # /admin/sites/<key>/import  …/export
    app.register_blueprint(people.blueprint)  # /admin/people  …/{export,erasure}
    app.register_blueprint(stats.blueprint)  # /admin/stats
    app.register_blueprint(saved_replies.blueprint)  # /admin/saved-replies  …/<id>/removal
    app.register_blueprint(bans.blueprint)  # /admin/bans  /admin/bans/<id>/…
    app.register_blueprint(admin_linkbacks.blueprint)  # /admin/linkbacks  …/{received,sent}/<id>/attempts
    app.register_blueprint(log.blueprint)  # /admin/log
    app.register_blueprint(email.blueprint)  # /admin/email  …/<id>  …/tests  …/<id>/{attempts,cancellation}
    app.register_blueprint(admin_subscriptions.blueprint)  # /admin/subscriptions  …/<id>/…  …/recipients/<id>/opening
    app.register_blueprint(channels.blueprint)  # /admin/channels  …/<id>/…  …/deliveries/<id>/attempts

    # operators
    app.register_blueprint(health.blueprint)  # /health
    app.register_blueprint(metrics.blueprint)  # /metrics

"""For any WSGI server: ``wsgi:app``. Letters and pings are then worked on by ``commentsvc work`` beside it."""

from commentsvc import settings
from commentsvc.app import create_app
from commentsvc.schema import upgrade

app = create_app()
upgrade(settings.current().database)

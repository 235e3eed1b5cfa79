"""For any WSGI server: ``wsgi:app``. ``commentsvc work`` beside it sends emails and verifies pings."""

import atexit

from commentsvc import schema, settings
from commentsvc.app import create_app

app = create_app()
schema.upgrade(settings.current().database)
atexit.register(schema.checkpoint, settings.current().database)

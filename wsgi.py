"""For any WSGI server: ``wsgi:app``. Letters and pings are then worked on by ``commentsvc work`` beside it."""

import atexit

from commentsvc import schema, settings
from commentsvc.app import create_app

app = create_app()
schema.upgrade(settings.current().database)
atexit.register(schema.fold_in, settings.current().database)

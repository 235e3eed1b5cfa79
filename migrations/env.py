"""Alembic's environment; ``commentsvc.schema.upgrade`` hands over the connection."""

from alembic import context

import commentsvc.models  # noqa: F401 - makes every table known
from commentsvc.db import Base, is_modelled


def run() -> None:
    """Run the migrations on the connection given, in the caller's transaction."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        render_as_batch=True,
        include_name=is_modelled,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run()

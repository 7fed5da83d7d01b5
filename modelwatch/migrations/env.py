"""Run by Alembic: migrations on the connection that the service hands over."""

from alembic import context

import alerts.tables  # noqa: F401 - registers its tables
from collector.store.tables import metadata


def run() -> None:
    """Bring the connection's database to the newest schema."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True
    )
    with context.begin_transaction():
        context.run_migrations()


if hasattr(context, "config"):  # Alembic runs this; anything else only imports it
    run()

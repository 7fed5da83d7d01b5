"""Brings a database to the schema of this version."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

import alerts.tables  # noqa: F401 - registers its tables
from collector.store.database import Database
from collector.store.tables import metadata


def configuration() -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(database: Database) -> None:
    """Apply the migrations that the database does not have yet: all or none, also when the power fails."""
    config = configuration()
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def create(database: Database) -> None:
    """Create every table in an empty database that nobody will upgrade."""
    metadata.create_all(database.engine)

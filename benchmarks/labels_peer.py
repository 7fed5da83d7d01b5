"""The peer of the label join: a row for each prediction, in a table with a primary key, updated in place."""

from __future__ import annotations

from typing import Any

import numpy as np
import sqlalchemy as sa

from collector.store.database import Database

metadata = sa.MetaData()
Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
made = sa.Table(
    "made",
    metadata,
    sa.Column("id", Key, primary_key=True, autoincrement=False),
    sa.Column("start", sa.BigInteger),
    sa.Column("score", sa.Float),
    sa.Column("prediction", sa.SmallInteger),
    sa.Column("known", sa.BigInteger),
    sa.Column("label", sa.SmallInteger),
)
CAME = "CREATE TEMPORARY TABLE came (id BIGINT PRIMARY KEY, known BIGINT, label SMALLINT)"
JOIN = "UPDATE made SET known = came.known, label = came.label FROM came WHERE made.id = came.id"
COUNT = (
    "SELECT made.start, made.prediction, came.label, count(*) FROM came JOIN made ON made.id = came.id"
    " GROUP BY 1, 2, 3"
)


class Table:
    """Labels come into a temporary table; one UPDATE joins them, and one SELECT counts outcomes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        metadata.create_all(database.engine)

    def add(self, ids: Any, times: Any, scores: Any) -> None:
        """Hold predictions."""
        columns = (ids.view(np.int64), times // 3_600_000_000, scores, (scores >= 0.5) * 1)  # noqa: PLR2004
        self._insert("made (id, start, score, prediction)", columns)

    def label(self, ids: Any, times: Any, labels: Any) -> None:
        """Join labels."""
        with self._database.write() as connection:
            connection.exec_driver_sql("DROP TABLE IF EXISTS came")
            connection.exec_driver_sql(CAME)
            self._rows(connection, "came (id, known, label)", (ids.view(np.int64), times, labels.astype(int)))
            connection.exec_driver_sql(JOIN)
            connection.exec_driver_sql(COUNT).all()

    def _insert(self, into: str, columns: tuple[Any, ...]) -> None:
        with self._database.write() as connection:
            self._rows(connection, into, columns)

    def _rows(self, connection: sa.Connection, into: str, columns: tuple[Any, ...]) -> None:
        rows = zip(*(column.tolist() for column in columns), strict=True)
        driver: Any = connection.connection.driver_connection
        if self._database.postgres:
            with driver.cursor().copy(f"COPY {into} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join("?" * len(columns))
            driver.executemany(f"INSERT INTO {into} VALUES ({marks})", rows)  # noqa: S608 - names of our own

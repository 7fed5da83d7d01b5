"""The exactly-once commit: deliveries and everything that they change, in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from collector.delivery import Delivery, KeyReusedError
from collector.schema import Schema
from collector.store.accounts import Outcome, Receipt
from collector.store.commit import Commit
from collector.store.database import Database
from collector.store.memory import Memory

__all__ = ["Ledger", "Outcome", "Receipt"]
SHARD_BITS = 62


class Ledger:
    """Commits deliveries, exactly once each. One worker's: several may share a database.

    Args:
        database: where everything is kept.
        schemas: every monitored model's schema, by name.
        forgets: whether what is older than a model's label horizon is no longer joined.
    """

    def __init__(self, database: Database, schemas: Mapping[str, Schema], *, forgets: bool = True) -> None:
        self._database, self.schemas, self.forgets = database, schemas, forgets
        self.memory = Memory(schemas, 1 + secrets.randbits(SHARD_BITS))

    def commit(self, delivery: Delivery, now: int) -> Outcome:
        """Commit one delivery.

        Args:
            delivery: the events, and where they came from.
            now: the server's time in microseconds; 0 when the events are not from now.

        Returns:
            The receipt, and whether it is that of an earlier delivery with the same key.

        Raises:
            KeyReusedError: the earlier delivery was another batch.
            FencedError: another worker has moved a position that the delivery starts from.
        """
        (outcome,) = self.commit_all([delivery], now)
        if isinstance(outcome, KeyReusedError):
            raise outcome
        return outcome

    def commit_all(self, deliveries: Sequence[Delivery], now: int) -> list[Outcome | KeyReusedError]:
        """Commit several deliveries, no two with the same key, in one transaction; what each came to.

        Raises:
            FencedError: another worker has moved a position; none of the deliveries is committed.
        """
        models = {model for one in deliveries for model in one.batch.received if model in self.schemas}
        locks = [f"model:{model}" for model in models] or ["nothing"]
        try:
            return self._try(locks, deliveries, now)
        except sa.exc.IntegrityError:
            # another worker may have been first with the same key: a second look finds it
            return self._try(locks, deliveries, now)

    def _try(
        self, locks: Sequence[str], deliveries: Sequence[Delivery], now: int
    ) -> list[Outcome | KeyReusedError]:
        try:
            with self._database.write(*locks) as connection:
                commit = Commit(connection, self.memory, self.schemas, now, forgets=self.forgets)
                return commit.run(deliveries)
        except BaseException:
            self.memory.clear()  # it may be ahead of the database: load again
            raise

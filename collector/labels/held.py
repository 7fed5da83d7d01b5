"""What the label join holds, within one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from collector.labels.blocks import Block
from collector.labels.halves import Halves
from collector.labels.sampling import Sampling


@dataclass(frozen=True)
class Held:
    """What waits for its other half, within a transaction.

    Attributes:
        connection: the transaction.
        halves: what is held; it is changed.
        revision: of the model, that this transaction makes.
        oldest: what is older, in microseconds, is forgotten.
        sampling: which predictions are held where there is no room for all.
    """

    connection: sa.Connection
    halves: Halves
    revision: int
    oldest: int
    sampling: Sampling

    def find(self, side: str, ids: Any) -> Any:
        """See `Halves.find`."""
        return self.halves.find(self.connection, side, ids)

    def add(self, side: str, block: Block, newest: int) -> None:
        """See `Halves.add`."""
        self.halves.add(self.connection, side, block, newest, self.revision, self.oldest)

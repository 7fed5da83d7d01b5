"""What a source hands to the ledger: a batch, and what makes it count once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa

from collector.batch import Batch


class Advance(NamedTuple):
    """A source's move in one partition, such as a Kafka partition's next offset.

    Attributes:
        partition: what the position counts in.
        expected: the position that the source read from; None when it had none.
        following: the position after this delivery.
    """

    partition: str
    expected: int | None
    following: int


class FencedError(Exception):
    """Another worker has moved the position since: drop what was read, and read again from there."""


class KeyReusedError(ValueError):
    """An idempotency key was sent before with another batch: neither is taken for the other."""


@dataclass(frozen=True)
class Delivery:
    """One batch of one source; it and everything that it changes commit in one transaction, once.

    Attributes:
        source: where it came from, such as `http` or `kafka:predictions`; the books are kept by source.
        batch: the validated events.
        key: its idempotency key: what was committed with a key before changes nothing. Empty where positions
            say what was delivered.
        advances: the positions that it moves.
        origins: where each of the batch's rejected rows came from, such as `topic/3@17`; kept with them
            in place of the key. Empty where the key says it.
        also: what else changes in the same transaction.
    """

    source: str
    batch: Batch
    key: str = ""
    advances: tuple[Advance, ...] = ()
    origins: Sequence[str] = ()
    also: Callable[[sa.Connection], None] | None = None

"""Joins requests to their responses: what waits in the database becomes predictions, exactly once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

import sqlalchemy as sa

from collector.delivery import Delivery, FencedError
from collector.schema import Schema
from collector.sources import waiting
from collector.sources.half_reading import HalfReading
from collector.sources.logged import Logged, Service
from collector.sources.request import UNAVAILABLE
from collector.sources.waiting import REFUSED, REQUEST, Half
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.validation.validate import Validator

PASSING = (FencedError, *UNAVAILABLE)  # it is tried again, and works then
EVERY = 0.2
RECOVERY = 2.0
Pair = tuple[Half, Half]
log = logging.getLogger(__name__)


class Pairing:
    """Turns what waits into predictions, many pairs in one transaction. One worker's; several may run.

    Args:
        source: whose halves.
        services: whose requests they are, by `namespace/name`, or by name alone.
        orphan_timeout: how long a half waits for the other.
        database: where they wait, and where predictions are committed.
        schemas: every monitored model's schema, by name.
    """

    def __init__(
        self,
        source: str,
        services: Mapping[str, Service],
        orphan_timeout: timedelta,
        database: Database,
        schemas: Mapping[str, Schema],
    ) -> None:
        self._source, self._services, self._database, self._schemas = source, services, database, schemas
        self._timeout = round(orphan_timeout.total_seconds() * 1e6)
        self._ledger, self._validator = Ledger(database, schemas), Validator(schemas)

    def pair(self, now: int) -> int:
        """Settle the pairs that are complete, the halves that have waited too long, and what was refused.

        Args:
            now: the server's time in microseconds.

        Returns:
            How many halves were settled.

        Raises:
            FencedError: another worker has settled some of them; nothing was changed.
        """
        with self._database.read() as connection:
            complete = waiting.pairs(connection, self._source)
            single = waiting.alone(connection, self._source, now - self._timeout)
        if not complete and not single:
            return 0
        try:
            return self._settle(complete, single, now)
        except PASSING:
            raise
        except Exception:  # one of them must not hold up the others for ever
            log.exception("%s: some halves cannot be settled with others", self._source)
            settled = sum(self._settle_apart([pair], [], now) for pair in complete)
            return settled + sum(self._settle_apart([], [half], now) for half in single)

    def _settle_apart(self, complete: Sequence[Pair], single: Sequence[Half], now: int) -> int:
        try:
            return self._settle(complete, single, now)
        except PASSING:
            raise
        except Exception as error:
            log.exception("%s: a half or a pair is put aside", self._source)
            return self._settle(complete, single, now, fault=f"cannot be counted: {type(error).__name__}")

    def _settle(
        self, complete: Sequence[Pair], single: Sequence[Half], now: int, *, fault: str | None = None
    ) -> int:
        """Commit pairs and single halves together; or only that they cannot be, for a `fault`."""
        reading = HalfReading(self._schemas)
        for request, response in complete:
            if fault is None:
                reading.prediction(Logged.of(request, self._services), Logged.of(response, self._services))
        for half in single:
            if fault is None:
                self._alone(reading, half)
        halves = [*(half for pair in complete for half in pair), *single]
        if fault is not None:
            reading.poison(halves[0], fault)
        batch = reading.batch(self._validator, now / 1e6)
        self._ledger.commit(Delivery(self._source, batch, also=partial(_settled, halves=halves)), now)
        return len(halves)

    def _alone(self, reading: HalfReading, half: Half) -> None:
        if half.part == REFUSED:
            reading.refused(half)
        elif half.part == REQUEST:
            reading.prediction(Logged.of(half, self._services), None)
        else:
            reading.without_request(Logged.of(half, self._services), self._timeout / 1e6)

    def run(self, stop: threading.Event) -> None:
        """Settle what there is, again and again, until `stop` is set; outlasts outages of the database."""
        pause = 0.0
        while not stop.wait(pause):
            try:
                pause = 0.0 if self.pair(time.time_ns() // 1000) else EVERY
            except FencedError:
                pause = EVERY
            except UNAVAILABLE as error:
                log.warning("%s: %s; it is tried again", self._source, error)
                pause = RECOVERY
            except Exception:
                log.exception("%s: pairing failed; it is tried again", self._source)
                pause = RECOVERY


def _settled(connection: sa.Connection, halves: Sequence[Half]) -> None:
    waiting.remove(connection, halves)

"""The books: what became of every event of every delivery, and the receipts that say so."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import sqlalchemy as sa

from collector.batch import Rejection
from collector.delivery import Delivery, FencedError, KeyReusedError
from collector.store import tables
from collector.store.rows import put

ERRORS_TOLD = 20
NUL, REPLACEMENT = "\x00", "\ufffd"


@dataclass(frozen=True)
class Receipt:
    """What became of a delivery; stored with it, so that a repeated delivery gets the same answer."""

    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    errors: list[dict[str, str | int]] = field(default_factory=list)


Outcome = tuple[Receipt, bool]


class Accounts:
    """Keeps the books of some deliveries in one transaction.

    Args:
        connection: the transaction.
        deliveries: no two with the same key.
        now: the server's time in microseconds.
    """

    def __init__(self, connection: sa.Connection, deliveries: Sequence[Delivery], now: int) -> None:
        self._connection, self._deliveries, self._now = connection, deliveries, now
        self._earlier = self._receipts()
        self.duplicates: list[Counter[str]] = [Counter() for _ in deliveries]

    def _receipts(self) -> dict[tuple[str, str], dict[str, object]]:
        """The receipts of those that were committed before."""
        columns = tables.deliveries.c
        keys = [(one.source, one.key) for one in self._deliveries if one.key]
        query = sa.select(columns.source, columns.key, columns.receipt)
        query = query.where(sa.tuple_(columns.source, columns.key).in_(keys))
        return {(row.source, row.key): row.receipt for row in self._connection.execute(query)} if keys else {}

    def new(self) -> list[int]:
        """The places of the deliveries that were not committed before."""
        return [
            place for place, one in enumerate(self._deliveries) if (one.source, one.key) not in self._earlier
        ]

    def advance(self) -> None:
        """Move the positions of new deliveries.

        Raises:
            FencedError: one is not where the delivery began.
        """
        table = tables.positions
        for place in self.new():
            one = self._deliveries[place]
            for step in one.advances:
                identity = {"source": one.source, "partition": step.partition}
                values = {"following": step.following, "at": self._now}
                if step.expected is None:
                    known = self._connection.execute(sa.select(table).filter_by(**identity)).one_or_none()
                    moved = known is None
                    if moved:
                        self._connection.execute(table.insert().values(**identity, **values))
                else:
                    update = table.update().filter_by(**identity, following=step.expected).values(**values)
                    moved = bool(self._connection.execute(update).rowcount)
                if not moved:
                    reason = f"{one.source}/{step.partition} is no longer at {step.expected}"
                    raise FencedError(reason)

    def close(self) -> list[Outcome | KeyReusedError]:
        """Write the books, the rejected rows and the receipts; what each delivery came to."""
        books: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        outcomes: list[Outcome | KeyReusedError] = []
        kept = []
        for one, duplicates in zip(self._deliveries, self.duplicates, strict=True):
            earlier = self._earlier.get((one.source, one.key))
            if earlier is None:
                receipt = self._settle(one, duplicates, books)
                outcomes.append((receipt, False))
                if one.key:
                    stored = asdict(receipt) | {"digest": one.batch.digest}
                    identity = {"source": one.source, "key": one.key}
                    kept.append(identity | {"at": self._now, "receipt": stored})
                continue
            plain = dict(earlier)
            digest = plain.pop("digest", "")
            if digest and one.batch.digest and digest != one.batch.digest:
                outcomes.append(KeyReusedError(f"{one.key!r} came before, with another body"))
                continue
            for model, count in one.batch.received.items():
                books[one.source, model].update(received=count, duplicate=count)
            outcomes.append((Receipt(**plain), True))  # type: ignore[arg-type]  # as it was stored
        if kept:
            self._connection.execute(tables.deliveries.insert(), kept)
        self._keep_rejected()
        self._keep_books(books)
        return outcomes

    def _settle(
        self, one: Delivery, duplicates: Counter[str], books: dict[tuple[str, str], Counter[str]]
    ) -> Receipt:
        """Received = accepted + duplicate + rejected, for every model."""
        refused = Counter(rejection.model for rejection in one.batch.rejections)
        sums: Counter[str] = Counter()
        for model, received in one.batch.received.items():
            bad, again = refused[model], duplicates[model]
            entry = {"received": received, "duplicate": again, "rejected": bad}
            entry["accepted"] = received - bad - again
            books[one.source, model].update(entry)
            sums.update(entry)
        names = ("row", "field", "value", "reason", "fix")
        told = [{name: getattr(item, name) for name in names} for item in one.batch.rejections[:ERRORS_TOLD]]
        return Receipt(sums["received"], sums["accepted"], sums["duplicate"], sums["rejected"], told)

    def _keep_rejected(self) -> None:
        rows = [
            {"at": self._now, "source": one.source, "key": key, **_storable(rejection)}
            for one in (self._deliveries[place] for place in self.new())
            for key, rejection in zip(
                one.origins or [one.key] * len(one.batch.rejections), one.batch.rejections, strict=True
            )
        ]
        if rows:
            self._connection.execute(tables.rejected.insert(), rows)

    def _keep_books(self, books: dict[tuple[str, str], Counter[str]]) -> None:
        for (source, model), entry in sorted(books.items()):
            first = {name: entry[name] for name in ("received", "accepted", "duplicate", "rejected")}
            added = {name: tables.books.c[name] + count for name, count in first.items()}
            put(self._connection, tables.books, {"source": source, "model": model}, added, first)


def _storable(rejection: Rejection) -> dict[str, object]:
    """A rejection's columns: PostgreSQL's texts hold no NUL."""
    columns = {name: value for name, value in asdict(rejection).items() if name in tables.rejected.c}
    return {
        name: value.replace(NUL, REPLACEMENT) if isinstance(value, str) else value
        for name, value in columns.items()
    }

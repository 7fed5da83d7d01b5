"""What came of the traffic in a database, beside what an undisturbed run makes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from collector.store import samples, tables
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.summarize import EVERYTHING, Key
from profiles import Profile
from profiles.sample import BottomK, Sample
from tests.collector.collecting import SCHEMAS, balanced, commit, counted, fix_shape, open_database, same

PIECE = 20_000
Place = tuple[str, int, int]


@dataclass(frozen=True)
class Finding:
    """What came of the traffic.

    Attributes:
        received: by the books.
        accepted: by the books.
        duplicate: by the books.
        rejected: by the books.
        lost: events that are missing from their window, or deployments that are.
        twice: events that a window, or the list of deployments, has too many.
        equal: whether every count of every profile is that of the undisturbed run.
        labels: whether as many labels have met their predictions.
        balanced: whether received = accepted + duplicate + rejected, for every source.
        kept: rejected rows that can be looked at.
    """

    received: int
    accepted: int
    duplicate: int
    rejected: int
    lost: int
    twice: int
    equal: bool
    labels: bool
    balanced: bool
    kept: int

    def faults(self, good: int, bad: int, received: int | None = None) -> list[str]:
        """What is wrong with it, given how many distinct good events and bad rows were sent."""
        checks = {
            f"{self.lost} events are lost": self.lost == 0,
            f"{self.twice} events are counted twice": self.twice == 0,
            f"{self.accepted} events were accepted of {good}": self.accepted == good,
            f"{self.rejected} rows were rejected of {bad}": self.rejected == bad,
            f"{self.kept} rejected rows were kept of {bad}": self.kept == bad,
            f"{self.received} events were received of {received}": received in (None, self.received),
            "the books do not balance": self.balanced,
            "the profiles differ": self.equal,
            "the joined labels differ": self.labels,
        }
        return [text for text, holds in checks.items() if not holds]


@dataclass(frozen=True)
class Undisturbed:
    """What a run makes of the traffic in which nothing happens."""

    profiles: Mapping[Key, Profile]
    deployments: int
    samples: Mapping[int, Sample]

    @classmethod
    def of(cls, good: Sequence[Any]) -> Undisturbed:
        """Commit every event once, in order, in memory."""
        database = open_database(None)
        fix_shape(database)
        ledger = Ledger(database, SCHEMAS)
        for at in range(0, len(good), PIECE):
            commit(ledger, list(good[at : at + PIECE]), str(at))
        made = cls(counted(database), _deployments(database), _samples(database))
        database.close()
        return made

    def found(self, database: Database) -> Finding:
        """Compare a database with it."""
        profiles = counted(database)
        mine, theirs = _rows(self.profiles), _rows(profiles)
        mine["deployments", 0, 0], theirs["deployments", 0, 0] = self.deployments, _deployments(database)
        names = ("received", "accepted", "duplicate", "rejected")
        columns = tables.books.c
        with database.read() as connection:
            sums = [sa.func.coalesce(sa.func.sum(columns[name]), 0) for name in names]
            books = dict(zip(names, map(int, connection.execute(sa.select(*sums)).one()), strict=True))
            kept = connection.execute(sa.select(sa.func.count()).select_from(tables.rejected)).scalar_one()
        return Finding(
            **books,
            lost=(mine - theirs).total(),
            twice=(theirs - mine).total(),
            equal=same(dict(self.profiles), profiles) and self.samples == _samples(database),
            labels=_joined(mine) == _joined(theirs),
            balanced=balanced(database),
            kept=kept,
        )


def _samples(database: Database) -> dict[int, Sample]:
    """The stored sample of each window, whoever wrote its pieces."""
    query = sa.select(tables.samples.c.start).filter_by(model="m").distinct()
    with database.read() as connection:
        starts = list(connection.execute(query).scalars())
        return samples.read(connection, "m", "production", starts, BottomK())


def _rows(profiles: Mapping[Key, Profile]) -> Counter[Place]:
    """How many predictions and joined labels each window has, by version."""
    return Counter(
        {
            (key.version, key.start, key.known): profile.rows
            for key, profile in profiles.items()
            if key.segment == EVERYTHING
        }
    )


def _joined(rows: Counter[Place]) -> int:
    return sum(count for (_, _, known), count in rows.items() if known)


def _deployments(database: Database) -> int:
    with database.read() as connection:
        query = sa.select(sa.func.count()).select_from(tables.deployments)
        return int(connection.execute(query).scalar_one())

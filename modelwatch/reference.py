"""The reference: the windows that the model is known to have been good in, to judge others against."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from collector.batch import Predictions
from collector.fit import ShapeFitter
from collector.labels.join import Join
from collector.refused import rejected
from collector.samples.rows import representative
from collector.samples.sampler import Sampler
from collector.schema import Schema
from collector.sources.files import PassedOver, PredictionFile
from collector.store import tables
from collector.store.database import Database
from collector.store.read import Reader
from collector.store.rows import store_shape, write_profiles
from collector.store.samples import write_reference
from collector.summarize import Cut, Key, summarize, summarize_outcomes
from collector.summarize import windows as windows_of
from profiles import Profile, Shape

Past = Sequence[tuple[int, bool]]
LATEST = 1 << 62  # after every window


@dataclass(frozen=True)
class Windows:
    """Which windows are the reference.

    Attributes:
        role: whether they are windows of a reference file or of production.
        starts: of the windows whose traffic is the reference.
        outcomes: of the windows whose joined labels are.
    """

    role: str
    starts: tuple[int, ...]
    outcomes: tuple[int, ...]


class Reference(BaseModel, ABC):
    """Chooses the reference for a window."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def choose(self, reader: Reader, window: int, past: Past, past_outcomes: Past) -> Windows | None:
        """The reference for the window that starts at `window`; None while there is too little (learning).

        Args:
            reader: reads the model's windows.
            window: the start of the window to judge.
            past: the judged windows, ascending, and whether their traffic was in breach.
            past_outcomes: the same of their joined labels.
        """

    @property
    def file(self) -> Path | None:
        """The file that the reference comes from, if it does."""
        return None

    def needed(self, reader: Reader, past: Past, past_outcomes: Past) -> set[int]:
        """The starts of the windows in production that the next may be judged by: they must be kept."""
        chosen = self.choose(reader, LATEST, past, past_outcomes)
        return {*chosen.starts, *chosen.outcomes} if chosen and chosen.role == "production" else set()


class FileReference(Reference):
    """A file of known-good predictions, with labels where there are any."""

    kind: Literal["file"] = "file"
    path: Path

    def choose(
        self,
        reader: Reader,
        window: int,  # noqa: ARG002 - the same for every window
        past: Past,  # noqa: ARG002 - the same
        past_outcomes: Past,  # noqa: ARG002 - the same
    ) -> Windows | None:
        """Every window of the file."""
        return _every(reader)

    @property
    def file(self) -> Path | None:
        """The file."""
        return self.path


class LearnedReference(Reference):
    """The model's own first windows."""

    kind: Literal["learned"] = "learned"
    windows: int = Field(default=14, ge=2)

    def choose(
        self,
        reader: Reader,
        window: int,
        past: Past,  # noqa: ARG002 - the first windows are good by decree
        past_outcomes: Past,  # noqa: ARG002 - the same
    ) -> Windows | None:
        """The first windows, once they are complete."""
        starts = tuple(reader.starts("production", most=self.windows))
        if len(starts) < self.windows or window <= starts[-1]:
            return None
        return Windows("production", starts, starts)

    def needed(self, reader: Reader, past: Past, past_outcomes: Past) -> set[int]:  # noqa: ARG002 - as above
        """The first windows, complete or not."""
        return set(reader.starts("production", most=self.windows))


class TrailingReference(Reference):
    """The last good windows before this one: follows seasons, and slow drift.

    Windows in breach are left out, unless the breach lasts: after `adopt_after` windows in a row the changed
    world is the new normal. Until there are `at_least` good windows, the file is the reference, if one is
    given; its grids and vocabularies stay.
    """

    kind: Literal["trailing"] = "trailing"
    windows: int = Field(default=28, ge=2)
    at_least: int = Field(default=14, ge=2)
    adopt_after: int = Field(default=14, ge=1)
    path: Path | None = None

    def choose(self, reader: Reader, window: int, past: Past, past_outcomes: Past) -> Windows | None:
        """The last good windows, or the file."""
        good = self._good(past, window)
        if len(good) < self.at_least:
            return _every(reader)
        return Windows("production", good, self._good(past_outcomes, window))

    def _good(self, past: Past, window: int) -> tuple[int, ...]:
        found: list[int] = []
        run: list[int] = []
        for start, breach in past:
            if start >= window:
                break
            run = [*run, start] if breach else []
            if not breach:
                found.append(start)
            elif len(run) == self.adopt_after:
                found += run
            elif len(run) > self.adopt_after:
                found.append(start)
        return tuple(found[-self.windows :])

    @property
    def file(self) -> Path | None:
        """The file to begin with."""
        return self.path


def _every(reader: Reader) -> Windows | None:
    starts = tuple(reader.starts("reference"))
    return Windows("reference", starts, starts) if starts else None


AnyReference = Annotated[FileReference | LearnedReference | TrailingReference, Field(discriminator="kind")]


def install_file(database: Database, schema: Schema, path: Path) -> Shape:
    """Make a file the reference of a model, unless it is already: fix the shape, and store its profiles.

    Raises:
        FileError: the file cannot be read.
    """
    identity = _digest(schema, path)
    with database.read() as connection:
        reader = Reader(connection, schema.model)
        if reader.row is not None and reader.shape is not None and reader.row.reference == identity:
            return reader.shape
    fitter, starts = ShapeFitter(schema), set[int]()
    for rows in _rows(path, schema):
        fitter.add(rows)
        starts |= set(windows_of(rows.times, schema).names)
    shape, sampler = fitter.shape(), Sampler(representative(starts), schema.sample.rows)
    sums: dict[Key, Profile] = defaultdict(Profile)
    for rows in _rows(path, schema, refused=sums):
        cut = Cut.of(rows, schema, shape)
        sampler.add(rows, cut.starts)
        for key, profile in summarize(rows, schema, shape, cut).items():
            sums[key] += profile
        for part in Join(schema).predictions(rows, np.arange(len(rows)), cut, shape):
            for key, profile in summarize_outcomes(part, schema, shape).items():
                sums[key] += profile
    with database.write(f"model:{schema.model}") as connection:
        old = tables.profiles.delete().filter_by(model=schema.model, role="reference")
        connection.execute(old)
        store_shape(connection, schema.model, shape, identity)
        write_profiles(connection, (schema.model, "reference", 0), sums, shape, {})
        write_reference(connection, schema.model, sampler.samples)
    return shape


def _rows(path: Path, schema: Schema, *, refused: dict[Key, Profile] | None = None) -> Iterator[Predictions]:
    """The good rows; what was rejected is told, or counted in `refused`."""
    passed_over = PassedOver(path)
    for batch in PredictionFile(path, schema, reference=True).batches():
        passed_over.add(batch)
        if refused is not None:
            for key, profile in rejected(batch.rejections, schema).items():
                refused[key] += profile
        for rows in batch.predictions.get(schema.model, ()):
            # however late its labels came, they are known by now
            yield Predictions(**{**rows.__dict__, "ids": None, "label_times": None})
    if refused is None:
        passed_over.tell()


def _digest(schema: Schema, path: Path) -> str:
    shaping = schema.model_dump_json(
        include={"task", "columns", "features", "segments", "window", "positive"}
    )
    digest = hashlib.sha256(f"{shaping} {schema.sample.rows}".encode())
    if path.is_file():
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def profiles_of(
    reader: Reader, windows: Windows, segment: str, before: int
) -> tuple[dict[int, Profile], dict[int, Profile]]:
    """The reference's profiles of traffic and of joined labels known before a moment, by window start."""
    limit = None if windows.role == "reference" else before
    traffic = reader.traffic(windows.role, windows.starts, segment)
    outcomes = reader.outcomes(windows.role, windows.outcomes, segment, limit)
    return traffic, outcomes

"""Makes a file of known-good predictions the reference of a model."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

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

"""The same table as Parquet, CSV and JSON lines gives the same profiles; what cannot be read is told."""

from __future__ import annotations

import gzip
import json
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.sources import delimited, lines, parquet
from collector.store.database import Database
from collector.summarize import Key
from modelwatch import schema
from modelwatch.analyze import ingest
from modelwatch.references.install import install_file
from profiles import Profile
from tests.collector.collecting import counted, same
from tests.modelwatch.flows import Workplace, labels_of, plain, traffic
from tests.sources.contract import events, spoiled
from tests.sources.filed import FILES, MONITOR, Filed, frame

SUFFIXES = (".parquet", ".csv", ".csv.gz", ".jsonl", ".ndjson.gz")
# pandas writes a lone carriage return into CSV without quotes
words = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=1, max_size=8)
numbers = st.floats(-1e12, 1e12) | st.none()


def write(path: Path, table: pd.DataFrame) -> Path:
    """Write a table with every value as it is; pandas rounds numbers in JSON."""
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    elif ".csv" in path.name:
        table.to_csv(path, index=False)
    else:
        rows = [{name: told(value) for name, value in row.items()} for row in table.to_dict("records")]
        text = "".join(json.dumps(row) + "\n" for row in rows).encode()
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def told(value: Any) -> Any:
    """A value as JSON has it."""
    if value is None or value is pd.NaT:
        return None
    return value.isoformat() if isinstance(value, pd.Timestamp) else plain(value)


def profiles(predictions: Path, labels: Path | None = None) -> dict[Key, Profile]:
    """What a file comes to, with the reference fixed beforehand."""
    with closing(Database(None)) as database:
        schema.create(database)
        reference = predictions.parent / "reference.parquet"
        if not reference.exists():
            frame(events()).to_parquet(reference)
        install_file(database, MONITOR, reference)
        ingest(database, MONITOR, predictions, labels, lambda *_: None)
        return counted(database)


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    """A table of predictions with labels in the same rows."""
    count = draw(st.integers(1, 12))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=count, max_size=count))

    seconds = np.array(column(st.integers(0, 10**9)), np.int64)
    start = np.datetime64("2024-05-01T00:00:00", "us")
    label = column(st.sampled_from([0.0, 1.0, None]))
    known = pd.Series(start + seconds * 1000 + 5_000_000).dt.tz_localize("UTC")
    return pd.DataFrame(
        {
            "id": column(st.none() | words) if draw(st.booleans()) else [f"i{n}" for n in range(count)],
            "timestamp": pd.Series(start + seconds * 1000).dt.tz_localize("UTC"),
            "x": pd.Series(column(numbers), dtype="float64"),
            "c": pd.Series(column(words | st.none()), dtype="object"),
            "e0": column(st.floats(-5, 5)),
            "e1": column(st.floats(-5, 5)),
            "region": pd.Series(column(words), dtype="object"),
            "version": pd.Series(column(st.sampled_from(["1.0", "2", "v3"])), dtype="object"),
            "score": pd.Series(column(st.floats(0, 1) | st.none()), dtype="float64"),
            "prediction": column(st.integers(0, 1)),
            "latency_ms": column(st.floats(0, 1e6)),
            "status": pd.Series(column(st.sampled_from([200, 500, None])), dtype="float64"),
            "label": pd.Series(label, dtype="float64"),
            "label_time": known.mask(pd.Series(label, dtype="float64").isna()),
        }
    )


@settings(max_examples=20, deadline=None)
@given(tables())
def test_a_table_is_the_same_in_every_format(table: pd.DataFrame) -> None:
    table = table.assign(
        id=[value if value is not None else f"n{at}" for at, value in enumerate(table["id"])]
    )
    with tempfile.TemporaryDirectory() as folder:
        wanted, *others = (profiles(write(Path(folder) / f"t{suffix}", table)) for suffix in SUFFIXES)
    assert wanted
    for other in others:
        assert same(other, wanted)


@pytest.mark.parametrize("suffix", SUFFIXES[1:])
def test_labels_and_references_in_every_format(tmp_path: Path, suffix: str) -> None:
    place = Workplace(tmp_path)
    reference, production = traffic(16, seed=1), traffic(8, seed=2, bad_from=6)
    bare, labels = production.drop(columns=["label", "label_ts"]), labels_of(production)
    found = []
    for ending in (".parquet", suffix):
        paths = [
            write(tmp_path / f"{name}{ending}", table)
            for name, table in (("reference", reference), ("production", bare), ("labels", labels))
        ]
        with closing(Database(None)) as database:
            schema.create(database)
            monitor = place.monitor()
            install_file(database, monitor, paths[0])
            ingest(database, monitor, paths[1], paths[2], lambda *_: None)
            found.append(counted(database))
    assert found[0]
    assert same(*found)


@pytest.mark.parametrize("case", [one for one in FILES if isinstance(one, Filed)], ids=lambda case: case.name)
@pytest.mark.parametrize("row", [0, 1, 33, 66, 100, 200, 201])
def test_reading_may_begin_at_any_row(
    case: Filed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: int
) -> None:
    monkeypatch.setattr(parquet, "ROWS_AT_ONCE", 40)
    for module in (lines, delimited):
        monkeypatch.setattr(module, "BYTES_AT_ONCE", 4000)
    path = tmp_path / f"f{case._suffix}"
    case.write(path, spoiled(events(), 77))
    whole = list(case.file(path).since(0))
    assert whole[-1][0] == 201
    assert len(whole) > 1
    rest = list(case.file(path).since(row))
    assert sum(batch.total for _, batch in rest) == 201 - row
    assert [one.row for _, batch in rest for one in batch.rejections] == ([77] if row <= 77 else [])
    assert [place for place, _ in rest] == [place for place, _ in whole if place > row]

"""Detectors that read the sample, over files and in the loop; nothing is read for the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from collector.store import samples, tables
from collector.store.database import Database
from modelwatch import schema
from modelwatch.analyze import analyze, ingest
from modelwatch.evaluation import Evaluation
from modelwatch.monitor import Monitor
from modelwatch.references.install import install_file
from profiles.sample import BottomK

START, HOUR = 1_714_521_600_000_000, 3_600_000_000
ROWS, ROOM = 150, 120
SIGNALS = {"drift.multivariate.classifier", "drift.multivariate.evidently"}


def monitor(*kinds: str, **more: Any) -> Monitor:
    return Monitor.model_validate(
        {
            "model": "m",
            "task": "regression",
            "columns": {"id": "id", "timestamp": "ts"},
            "features": {f"x{place}": "numeric" for place in range(3)} | {"word": "categorical"},
            "window": "1h",
            "sample": {"rows": ROOM},
            "detectors": [{"kind": kind} for kind in kinds],
        }
        | more
    )


def written(path: Path, hours: range, changed: int | None = None, *, ids: bool = True) -> Path:
    """A file of some hours; in the changed one two features that were independent are the same."""
    rng = np.random.default_rng(hours.start % 97)
    parts = []
    for hour in hours:
        values = rng.normal(size=(3, ROWS))
        if hour == changed:
            values[1] = values[0]
        moments = START + hour * HOUR + np.sort(rng.integers(0, HOUR, ROWS))
        columns = {
            "ts": pa.array(moments, pa.timestamp("us")),
            "word": rng.choice(["a", "b"], ROWS),
            "prediction": rng.normal(size=ROWS),
        } | {f"x{place}": values[place] for place in range(3)}
        if ids:
            columns["id"] = [f"{hour}-{row}" for row in range(ROWS)]
        parts.append(pa.table(columns))
    pq.write_table(pa.concat_tables(parts), path)
    return path


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    return written(tmp_path / "reference.parquet", range(-14, 0), ids=False)


def test_a_change_that_no_feature_shows_is_found_over_files(tmp_path: Path, reference: Path) -> None:
    production = written(tmp_path / "production.parquet", range(6), changed=4)
    lines = list(analyze(monitor("domain_classifier", "evidently"), reference, production))
    mine = {(line.signal, line.start): line for line in lines if line.signal in SIGNALS}
    assert {signal for signal, _ in mine} == SIGNALS
    classified = [mine["drift.multivariate.classifier", START + hour * HOUR] for hour in range(6)]
    assert [line.verdict for line in classified[:4]] == ["ok"] * 4
    assert classified[4].value is not None
    assert classified[4].value > max(line.value or 0.0 for line in classified[:4]) + 0.1
    assert all(
        line.verdict in ("ok", "insufficient") for (signal, _), line in mine.items() if "evidently" in signal
    )


def test_a_stream_is_judged_as_files_are(tmp_path: Path, reference: Path) -> None:
    production = written(tmp_path / "production.parquet", range(4))
    watched = monitor("domain_classifier", reference={"kind": "file", "path": str(reference)})
    expected = [
        (line.start, line.value) for line in analyze(watched, reference, production) if line.signal in SIGNALS
    ]
    database = Database(None)
    schema.create(database)
    install_file(database, watched, reference)
    ingest(database, watched, production, None, lambda *_: None)
    Evaluation(database, watched, "").advance(None, flush=True)
    from alerts.tables import verdicts  # noqa: PLC0415

    with database.read() as connection:
        query = sa.select(verdicts.c.start, verdicts.c.value).where(verdicts.c.signal.in_(SIGNALS))
        found = [(row.start, row.value) for row in connection.execute(query.order_by(verdicts.c.start))]
    assert found == expected
    assert len(found) == 4
    database.close()


def test_the_reference_file_has_samples_of_its_windows(reference: Path) -> None:
    watched = monitor("missing")
    database = Database(None)
    schema.create(database)
    install_file(database, watched, reference)
    starts = [START - hour * HOUR for hour in range(14, 0, -1)]
    with database.read() as connection:
        found = samples.read(connection, "m", "reference", starts, BottomK(ROOM))
    assert [found[start].count for start in starts] == [ROOM] * 14
    hashes = np.concatenate([found[start].hashes for start in starts])
    assert np.unique(hashes).size == hashes.size
    table = pq.read_table(reference)
    rows, moments = table.to_pydict(), table.column("ts").cast(pa.int64()).to_pylist()
    at = {value: place for place, value in enumerate(rows["x0"])}
    columns = found[starts[3]].columns
    for place, value in enumerate(columns["features.x0"]):
        assert columns["features.word"][place] == rows["word"][at[value]]
        assert columns["time"][place] == moments[at[value]]
    install_file(
        database,
        watched.model_copy(update={"sample": watched.sample.model_copy(update={"rows": 0})}),
        reference,
    )
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tables.samples)).scalar() == 0
    database.close()


def test_nothing_is_read_or_written_where_no_detector_wants_it(
    tmp_path: Path, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("a sample was read")

    monkeypatch.setattr(samples, "read", never)
    monkeypatch.setattr(samples, "write_reference", lambda *_: None)
    production = written(tmp_path / "production.parquet", range(3))
    assert list(analyze(monitor("missing"), reference, production))
    with pytest.raises(AssertionError, match="was read"):
        list(analyze(monitor("evidently"), reference, production))

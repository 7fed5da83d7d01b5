"""Files that are odd or wrong: told with the row, the reason and the fix."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from collector.sources import lines
from collector.sources.files import SUFFIXES, FileError, LabelFile, PredictionFile
from collector.sources.piece import column_of
from tests.collector.collecting import SCHEMA


def test_rows_that_cannot_be_taken_apart_are_told(tmp_path: Path) -> None:
    csv = tmp_path / "t.csv"
    csv.write_text('id,timestamp,x,c\n1,1714521600,1,a\n2,1714521600\n3,1714521600,high,"a\nb"\n4,,2,a\n')
    (batch,) = PredictionFile(csv, SCHEMA).batches()
    assert batch.total == 4
    assert sorted((one.field, one.value) for one in batch.rejections) == [
        ("", "2,1714521600"),
        ("features.x", "high"),
        ("timestamp", "None"),
    ]
    jsonl = tmp_path / "t.jsonl"
    good, bad = '{"id": 1, "timestamp": 1714521600, "x": 1}', '{"id": 2, "timestamp": 1.7e9, "x": "a"}'
    jsonl.write_text(f'{good}\n[1]\n{{"id": \n{bad}\n')
    (batch,) = PredictionFile(jsonl, SCHEMA).batches()
    assert batch.total == 4
    assert sorted((one.row, one.reason[:12]) for one in batch.rejections) == [
        (1, "expected an "),
        (2, "invalid JSON"),
        (3, "expected a n"),
    ]
    for told_row in batch.rejections:
        assert told_row.fix


def test_a_column_called_kind_makes_no_events(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"id": 1, "timestamp": 1714521600, "x": NaN, "kind": "web", "features": 3}\n')
    (batch,) = PredictionFile(path, SCHEMA).batches()
    assert (batch.total, len(batch.rejections)) == (1, 0)
    path.write_text('{"id": 1, "timestamp": 1714521600, "score": 0.5, "features": {"x": NaN}}\n')
    (batch,) = PredictionFile(path, SCHEMA).batches()
    assert [one.field for one in batch.rejections] == ["features.x"]


def test_columns_may_begin_anywhere(tmp_path: Path) -> None:
    rows = [{"id": number, "timestamp": 1714521600 + number, "x": 0.5} for number in range(3000)]
    rows[-1]["latency_ms"] = 7.5
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (batch,) = PredictionFile(path, SCHEMA).batches()
    (predictions,) = batch.predictions["m"]
    assert predictions.latency is not None
    assert np.nansum(predictions.latency) == 7.5


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("t.xlsx", b"", "what is it"),
        ("t.parquet", b"PK", "not a readable Parquet file"),
        ("t.csv", b"", "cannot be read"),
        ("t.csv", b"id,timestamp,x\n\xff\xfe,1,2\n", "cannot be read"),
        ("t.csv.gz", b"id,timestamp\n", "cannot be read"),
        (
            "t.csv.gz",
            gzip.compress(b"id,timestamp,x\n" + b"1,1714521600,2\n" * 9999, mtime=0)[:60],
            "cannot be read",
        ),
        ("t.jsonl.gz", b"{}", "cannot be read"),
        ("t.csv", b"id,x\n1,2\n", "no column 'timestamp'"),
        ("t.jsonl", b'{"id": 1}\n', "no column 'timestamp'"),
        ("t.jsonl", b"", "no column 'timestamp'"),
    ],
    ids=range(10),
)
def test_files_that_cannot_be_read_are_told(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileError, match=reason) as error:
        list(PredictionFile(path, SCHEMA).batches())
    assert str(path) in str(error.value)


def test_missing_files_are_told(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        with pytest.raises(FileError, match="no such file"):
            LabelFile(tmp_path / f"nothing{suffix}", SCHEMA)


def test_a_line_without_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BYTES_AT_ONCE", 100)
    monkeypatch.setattr(lines, "LONGEST_LINE", 1000)
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"id": 1, "timestamp": 1714521600, "x": 1}\n' + b"x" * 5000)
    with pytest.raises(FileError, match="over 1000 bytes"):
        list(PredictionFile(path, SCHEMA).batches())


def test_columns_of_several_types_keep_every_value() -> None:
    values = [1, "x", None, 2.5, True, 2**70, [1], {"a": 1}]
    column = column_of(values)
    assert column.to_pylist() == [1, "x", None, 2.5, True, float(2**70), "[1]", '{"a": 1}']

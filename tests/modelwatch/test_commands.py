"""The commands: what is wrong is one clear message and the exit code 2, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from collector.delivery import Delivery
from collector.store.ledger import Ledger
from collector.validation.validate import Validator
from tests.collector.collecting import SCHEMAS, open_database, prediction
from tests.modelwatch.flows import HOUR, START, Workplace, traffic
from tests.modelwatch.processes import command


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    made = Workplace(tmp_path_factory.mktemp("commands"))
    made.monitor()
    made.file("good", traffic(8, seed=1, first=START - 100 * HOUR))
    made.file("new", traffic(6, seed=2))
    return made


def files(place: Workplace, **changed: Path) -> list[str | Path]:
    named = {"reference": place.folder / "good.parquet", "production": place.folder / "new.parquet"} | changed
    return [
        "analyze", place.folder / "monitor.yaml",
        *(part for name, path in named.items() for part in (f"--{name}", path)),
    ]  # fmt: skip


def test_analyze_prints_one_object_a_line(place: Workplace) -> None:
    lines = [json.loads(line) for line in command(*files(place), "--format", "jsonl").splitlines()]
    names = (
        "window_start window_end signal subject segment value lower upper threshold verdict alert diagnosis"
    )
    assert {frozenset(line) - {"known_at"} for line in lines} == {frozenset(names.split())}
    assert lines[0]["window_start"] == "2024-01-01T00:00:00Z"
    assert {type(line["alert"]) for line in lines} == {bool}


def test_analyze_prints_a_table(place: Workplace) -> None:
    assert "drift" in command(*files(place))


def broken(place: Workplace, name: str, change: Any) -> Path:
    return place.file(name, change(traffic(6, seed=2)))


BROKEN: dict[str, tuple[Any, str]] = {
    "no times": (lambda table: table.drop(columns="ts"), "'ts'"),
    "durations for times": (lambda table: table.assign(ts=table["ts"] - table["ts"].iloc[0]), "not a time"),
    "times of day": (lambda table: table.assign(ts=table["ts"].dt.time), "not a time"),
    "milliseconds for times": (
        lambda table: table.assign(ts=table["ts"].astype("int64") // 1000), "these are milliseconds",
    ),
    "words for times": (lambda table: table.assign(ts="soon"), "not a time"),
    "times long ago": (lambda table: table.assign(ts=pd.Timestamp("1905-01-01")), "out of range"),
    "no time in any row": (lambda table: table.assign(ts=pd.NaT), "missing"),
    "words for numbers": (lambda table: table.assign(x=table["c"]), "expected a number, got a string"),
    "booleans for numbers": (lambda table: table.assign(x=True), "expected a number, got a boolean"),
    "lists for numbers": (lambda table: table.assign(x=[[1.0]] * len(table)), "got an array"),
    "lists for categories": (lambda table: table.assign(c=[[1.0]] * len(table)), "expected a string"),
    "scores above one": (lambda table: table.assign(score=7.0), "outside 0 to 1"),
    "classes of no binary task": (lambda table: table.assign(prediction="maybe"), "not a class"),
    "negative latency": (lambda table: table.assign(latency_ms=-5.0), "outside 0"),
    "bytes for ids": (lambda table: table.assign(prediction_id=b"\xff"), "expected a string"),
    "no ids in any row": (lambda table: table.assign(prediction_id=None), "missing"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "word"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("role", ["production", "reference"])
def test_a_file_of_which_no_row_is_right_is_an_error(
    place: Workplace, role: str, change: Any, word: str
) -> None:
    if role == "reference" and word == "'ts'":
        return  # a reference needs no times
    path = broken(place, "broken", change)
    printed = command(*files(place, **{role: path}), code=2)
    assert word in printed.replace("\n", " ")
    assert "broken.parquet" in printed.replace("\n", "")


def test_rows_that_are_passed_over_are_told(place: Workplace, caplog: pytest.LogCaptureFixture) -> None:
    path = broken(place, "some", lambda table: table.assign(score=[7.0] + [0.5] * (len(table) - 1)))
    command(*files(place, production=path))
    assert "1 of 720 rows passed over, the first: row 0, score: '7.0': 7 is outside 0 to 1" in caplog.text


def test_files_that_are_none_are_told(place: Workplace) -> None:
    text = place.folder / "text.parquet"
    text.write_text("not parquet", encoding="utf-8")
    cut = place.folder / "cut.parquet"
    cut.write_bytes((place.folder / "new.parquet").read_bytes()[:5000])
    spoiled = place.folder / "spoiled.parquet"
    body = bytearray((place.folder / "new.parquet").read_bytes())
    body[200:2000] = b"\xff" * 1800
    spoiled.write_bytes(body)
    empty = place.folder / "empty.parquet"
    empty.touch()
    for path in (text, cut, spoiled, empty, place.folder, place.folder / "nowhere.parquet"):
        for role in ("production", "reference", "labels"):
            printed = command(*files(place, **{role: path}), code=2)
            assert path.name in printed.replace("\n", "")


def test_a_labels_file_without_its_columns_is_told(place: Workplace) -> None:
    path = place.file("labels", traffic(2)[["prediction_id", "x"]])
    printed = command(*files(place, labels=path), code=2).replace("\n", " ")
    assert "'label'" in printed
    assert "'ts'" in printed


@pytest.mark.parametrize("arguments", [["--format", "xml"], ["--production"], ["--wat"]])
def test_wrong_arguments(place: Workplace, arguments: list[str]) -> None:
    command(*files(place), *arguments, code=2)


def test_check(place: Workplace) -> None:
    assert "ok m: binary, 3 features" in command("check", place.folder / "monitor.yaml")
    wrong = place.folder / "wrong.yaml"
    wrong.write_text("model: m\ntask: sorting\n", encoding="utf-8")
    assert "task" in command("check", wrong, code=2)
    assert "give each model one file" in command("check", *[place.folder / "monitor.yaml"] * 2, code=2)


def test_a_required_feature_must_be_there(place: Workplace, tmp_path: Path) -> None:
    other = Workplace(tmp_path)
    other.monitor(features={"x": "numeric", "income": {"kind": "numeric", "required": True}})
    arguments = [other.folder / "monitor.yaml" if "monitor" in str(one) else one for one in files(place)]
    assert "income" in command(*arguments, code=2)


def spoilt(folder: Path) -> None:
    """A database in which strange things were rejected."""
    database = open_database(folder / "modelwatch.db")
    events = [
        prediction(1, features={"x": "[red]1[/red]"}),
        prediction(2, features={"x": "[/oops]"}),
        prediction(3, id="[bold", score=9.0),
        prediction(4, model="[/]"),
        prediction(5),
    ]
    batch = Validator(SCHEMAS).batch(events, None, None)
    Ledger(database, SCHEMAS).commit(Delivery("http", batch, "k"), 1_714_521_600_000_000)
    database.close()


def test_rejected_shows_what_was_rejected_and_why(tmp_path: Path) -> None:
    spoilt(tmp_path)
    rows = [
        json.loads(line) for line in command("rejected", "--data", tmp_path, "--format", "jsonl").splitlines()
    ]
    assert [row["row"] for row in rows] == [3, 2, 1, 0]
    assert {"field", "value", "reason", "fix", "raw", "at", "key"} <= set(rows[0])
    printed = command("rejected", "--data", tmp_path)
    assert "[/oops]" in printed
    assert "[red]1[/red]" in printed.replace("\n", "")
    assert len(command("rejected", "--data", tmp_path, "--format", "jsonl", "--limit", "2").splitlines()) == 2
    assert len(command("rejected", "--data", tmp_path, "--format", "jsonl", "--model", "m").splitlines()) == 3


def test_books_balance_or_say_so(tmp_path: Path) -> None:
    spoilt(tmp_path)
    printed = command("books", "--data", tmp_path)
    assert "http" in printed
    assert "(unknown)" in printed
    database = open_database(tmp_path / "modelwatch.db")
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE books SET accepted = accepted + 1 WHERE model = 'm'")
    database.close()
    assert "-1" in command("books", "--data", tmp_path, code=1)


@pytest.mark.parametrize("name", ["books", "rejected"])
def test_a_folder_without_a_database_is_told(tmp_path: Path, name: str) -> None:
    assert "no such database" in command(name, "--data", tmp_path, code=2)

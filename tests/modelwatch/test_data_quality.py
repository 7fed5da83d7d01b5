"""Data quality from end to end: what a producer does wrong is a breach of quality, in that window."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from alerts import tables as alerting
from collector.store import tables
from modelwatch.analyze import analyze
from tests.collector.serving import collecting
from tests.modelwatch.flows import HOUR, START, Workplace, events_of, of_signal, traffic
from tests.modelwatch.loops import Loop

HOURS = 12
BAD = 8


def at(line: dict[str, Any]) -> int:
    return (int(pd.Timestamp(str(line["window_start"])).timestamp()) - START) // HOUR


def verdicts(
    lines: list[dict[str, Any]], signal: str, subject: str | None = None
) -> dict[int, dict[str, Any]]:
    """The lines of a signal of all rows, by hour."""
    return {at(line): line for line in of_signal(lines, signal) if line["subject"] == subject}


def breaches(lines: list[dict[str, Any]]) -> set[tuple[str, str | None]]:
    return {(line["signal"], line["subject"]) for line in lines if line["verdict"] == "breach"}


@pytest.fixture
def production() -> pd.DataFrame:
    return traffic(HOURS, seed=21)


def bad(table: pd.DataFrame) -> Any:
    return table["ts"] >= pd.Timestamp(START + BAD * HOUR, unit="s", tz="UTC")


def test_strings_for_numbers_in_a_file_are_a_breach_of_type(
    workplace: Workplace, good: pd.DataFrame, production: pd.DataFrame
) -> None:
    wrong = bad(production) & (np.arange(len(production)) % 2 == 0)
    texts = production["x"].astype(str)
    table = production.assign(x=texts.mask(wrong, "n/k").mask(production["x"].isna() & ~wrong))
    path = workplace.folder / "production.csv"
    table.to_csv(path, index=False)
    lines = analyzed(workplace, good, path)
    of_x = verdicts(lines, "quality.type", "x")
    assert [of_x[hour]["verdict"] for hour in range(HOURS)] == ["ok"] * BAD + ["breach"] * (HOURS - BAD)
    assert of_x[BAD]["value"] == pytest.approx(0.5, abs=0.01)
    assert "'n/k'" in of_x[BAD]["diagnosis"]
    assert "expected a number, got a string" in of_x[BAD]["diagnosis"]
    assert "send a JSON number" in of_x[BAD]["diagnosis"]
    whole = verdicts(lines, "quality.contract")
    assert [whole[hour]["verdict"] for hour in (BAD - 1, BAD)] == ["ok", "breach"]
    assert {line["verdict"] for line in verdicts(lines, "quality.type", "c").values()} == {"ok"}


def analyzed(workplace: Workplace, reference: pd.DataFrame, production: Any, **changes: Any) -> Any:
    found = analyze(workplace.monitor(**changes), workplace.file("reference", reference), production)
    return [line.public() for line in found]


def test_only_wrong_types_over_the_wire_are_a_breach_and_no_silence(
    workplace: Workplace, good: pd.DataFrame, production: pd.DataFrame
) -> None:
    """Nothing is accepted any more: that is no `ok`, and no silence either."""
    loop = Loop(workplace, good)
    events = [event for event in events_of(production) if event["kind"] == "prediction"]
    for event in events:
        if event["timestamp"] >= START + BAD * HOUR:
            event["features"]["x"] = str(event["features"]["x"])
    with collecting(loop.database, {"m": loop.monitor}, ledger=loop.ledger) as collector:
        for first in range(0, len(events), 200):
            body = json.dumps(events[first : first + 200]).encode()
            for _ in range(2):  # the second time it is known by its key
                answer = collector.post("/v1/events", body, Idempotency_Key=f"k{first}")
                assert answer.status_code in (200, 422), answer.text  # 422: all of it was rejected
    lines = loop.advance(flush=True)
    of_x = verdicts(lines, "quality.type", "x")
    assert [of_x[hour]["verdict"] for hour in range(HOURS)] == ["ok"] * BAD + ["breach"] * (HOURS - BAD)
    fresh = verdicts(lines, "quality.freshness")
    assert [line["verdict"] for line in fresh.values()] == ["ok"] * HOURS
    assert of_x[BAD]["value"] == 1.0
    missing = verdicts(lines, "quality.missing", "x")
    assert {missing[hour]["verdict"] for hour in range(BAD, HOURS)} == {"insufficient"}
    assert {name for name, _ in breaches(lines)} == {"quality.type", "quality.contract"}


def test_rejected_rows_are_counted_once_whatever_is_sent_again(
    workplace: Workplace, good: pd.DataFrame, production: pd.DataFrame
) -> None:
    loop = Loop(workplace, good)
    events = [event for event in events_of(production) if event["kind"] == "prediction"][:200]
    for event in events[::4]:
        event["features"]["c"] = ["a"]
    loop.send(events, key="one")
    loop.send(events, key="one")
    lines = loop.advance(flush=True)
    assert verdicts(lines, "quality.contract")[0]["value"] == pytest.approx(0.25, abs=0.01)


def test_a_declared_contract_is_counted_and_not_rejected(
    workplace: Workplace, good: pd.DataFrame, production: pd.DataFrame
) -> None:
    features = {
        "x": {"kind": "numeric", "min": -6, "max": 6},
        "c": {"kind": "categorical", "values": ["a", "b", "d"]},
        "e": {"kind": "embedding", "columns": ["e0", "e1"]},
    }
    table = production.copy()
    places = np.flatnonzero(bad(table))[::10]
    table.loc[places, "x"] = 7.5
    table.loc[places, "c"] = "violet"
    path = workplace.file("production", table)
    lines = analyzed(workplace, good, path, features=features, segments=None)
    for name, told in (("x", "7.5"), ("c", "'violet'")):
        found = verdicts(lines, "quality.contract", name)
        assert [found[hour]["verdict"] for hour in (BAD - 1, BAD)] == ["ok", "breach"]
        assert found[BAD]["value"] == pytest.approx(0.1, abs=0.02)
        assert told in found[BAD]["diagnosis"]
    assert {line["value"] for line in verdicts(lines, "quality.contract").values()} == {0.0}
    assert verdicts(lines, "quality.contract", "e") == {}


def test_a_stuck_feature_and_a_vanished_category_are_named(
    workplace: Workplace, good: pd.DataFrame, production: pd.DataFrame
) -> None:
    table = production.copy()
    table.loc[bad(table), "x"] = 0.25
    table.loc[bad(table) & (table["c"] == "d"), "c"] = "b"
    table.loc[bad(table), ["e0", "e1"]] = 0.0
    lines = analyzed(workplace, good, workplace.file("production", table))
    for name in ("x", "e"):
        stuck = verdicts(lines, "quality.constant", name)
        assert [stuck[hour]["verdict"] for hour in (BAD - 1, BAD)] == ["ok", "breach"]
        assert stuck[BAD]["value"] == pytest.approx(1.0)
    gone = verdicts(lines, "quality.vanished", "c")
    assert [gone[hour]["verdict"] for hour in (BAD - 1, BAD)] == ["ok", "breach"]
    assert "'d'" in gone[BAD]["diagnosis"]


def test_rows_that_come_twice_are_told(
    workplace: Workplace, good: pd.DataFrame, production: pd.DataFrame
) -> None:
    again = production[bad(production)].sample(frac=0.3, random_state=0)
    table = pd.concat([production, again]).sort_values("ts", kind="stable")
    lines = analyzed(workplace, good, workplace.file("production", table))
    found = verdicts(lines, "quality.duplicates")
    assert [found[hour]["verdict"] for hour in range(3, BAD)] == ["ok"] * (BAD - 3)
    assert found[BAD]["verdict"] == "breach"
    assert found[BAD]["value"] == pytest.approx(0.3 / 1.3, abs=0.05)
    assert {line["value"] for line in of_signal(lines, "quality.missing") if line["subject"] == "c"} == {0.0}


def busy(days: int, seed: int, rows: int = 60) -> pd.DataFrame:
    """Traffic with nights of a tenth, and weekends of nothing."""
    table = traffic(24 * days, rows=rows, seed=seed)
    hours, weekday = table["ts"].dt.hour, table["ts"].dt.dayofweek
    rng = np.random.default_rng(seed)
    kept = (weekday < 5) & (((hours >= 7) & (hours < 21)) | (rng.random(len(table)) < 0.1))
    found: pd.DataFrame = table[kept].reset_index(drop=True)
    return found


def test_volume_knows_hours_and_weekdays_and_silence_at_noon_is_told_at_once(
    workplace: Workplace, good: pd.DataFrame
) -> None:
    table = busy(17, seed=5)
    day = (table["ts"] - pd.Timestamp(START, unit="s", tz="UTC")) // pd.Timedelta(days=1)
    hour = table["ts"].dt.hour
    rng = np.random.default_rng(0)
    silent = (day == 15) & hour.isin([12, 13])
    fewer = (day == 16) & (hour >= 10) & (hour < 14) & (rng.random(len(table)) < 0.8)
    slim = table[~silent & ~fewer][["ts", "prediction_id", "score", "c"]]
    lines = analyzed(
        workplace, good, workplace.file("production", slim), segments=None, slos=None, window="2h",
        features={"c": "categorical"}, detectors=[{"kind": "missing"}],
    )  # fmt: skip
    fresh, volume = verdicts(lines, "quality.freshness"), verdicts(lines, "quality.volume")
    noon = 15 * 24 + 12
    assert [fresh[place]["verdict"] for place in (noon - 2, noon)] == ["ok", "breach"]
    assert {line["verdict"] for place, line in fresh.items() if 7 * 24 <= place < noon} == {
        "ok", "insufficient",
    }  # fmt: skip
    judged = {place: line for place, line in volume.items() if line["verdict"] != "insufficient"}
    assert min(judged) >= 7 * 24
    told = sorted(place for place, line in judged.items() if line["verdict"] == "breach")
    assert told[0] == 16 * 24 + 10
    assert "are usual" in judged[told[0]]["diagnosis"]


def test_what_a_reference_file_has_rejected_is_the_healthy_share(
    workplace: Workplace, good: pd.DataFrame, production: pd.DataFrame
) -> None:
    def spoiled(table: pd.DataFrame, name: str) -> Any:
        texts = table["x"].astype(str).mask(np.arange(len(table)) % 20 == 0, "n/k")
        table.assign(x=texts.mask(table["x"].isna(), "")).to_csv(workplace.folder / name, index=False)
        return workplace.folder / name

    reference = spoiled(good, "reference.csv")
    found = analyze(workplace.monitor(), reference, spoiled(production, "production.csv"))
    lines = [line.public() for line in found]
    of_x = verdicts(lines, "quality.type", "x")
    assert {line["verdict"] for line in of_x.values()} == {"ok"}
    assert of_x[3]["value"] == pytest.approx(0.05, abs=0.01)


def test_what_an_older_version_has_stored_is_read(workplace: Workplace, good: pd.DataFrame) -> None:
    """Its windows have no counts of rejected rows, and its memory nothing of what came when."""
    loop = Loop(workplace, good, segments=None)
    events = [event for event in events_of(traffic(40, seed=3)) if event["kind"] == "prediction"]
    early = [event for event in events if event["timestamp"] < START + 30 * HOUR]
    loop.take(early)
    loop.advance()
    with loop.database.write() as connection:
        connection.execute(tables.profiles.delete().filter_by(role="arrivals"))
        kept = connection.execute(sa.select(alerting.progress.c.trackers)).scalar_one()
        older = {name: value for name, value in kept.items() if name not in ("arrivals", "spans")}
        older["past"] = [one for one in older["past"] if one[0] != (START + 5 * HOUR) * 1_000_000]
        connection.execute(alerting.progress.update().values(trackers=older))
    loop.start()
    loop.take([event for event in events if event["timestamp"] >= START + 30 * HOUR])
    lines = loop.advance(flush=True)
    assert set(verdicts(lines, "quality.type", "x")) == set(range(40))
    assert {line["verdict"] for line in of_signal(lines, "quality.contract")} == {"ok"}
    with loop.database.read() as connection:
        kept = connection.execute(sa.select(alerting.progress.c.trackers)).scalar_one()
    came = {(start // 1_000_000 - START) // HOUR: rows for start, rows, *_ in kept["arrivals"]}
    assert came[5] == 0  # between two that were judged
    assert came[4] == sum(START + 4 * HOUR <= one["timestamp"] < START + 5 * HOUR for one in events)
    assert sorted(came) == list(range(39))  # the last is not complete

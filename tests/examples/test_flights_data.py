from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from examples.flights import data

Raw = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


def test_events_come_in_the_order_of_their_scheduled_departure(table: pd.DataFrame) -> None:
    assert table["ts"].is_monotonic_increasing
    assert table["prediction_id"].is_unique
    assert list(table.columns) == ["prediction_id", "ts", *data.FEATURES, "label", "label_ts"]


@pytest.mark.parametrize("group", ["carrier", "origin"])
def test_recent_delay_is_that_of_flights_that_had_landed(table: pd.DataFrame, raw: Raw, group: str) -> None:
    flights = raw[0].assign(ts=lambda rows: pd.to_datetime(rows["time_hour"]))
    flights["ts"] += pd.to_timedelta(flights["minute"], unit="min")
    delays = flights.sort_values("ts", kind="stable", ignore_index=True)["arr_delay"]
    for row in table.sample(300, random_state=1).to_dict("records"):
        landed = (table["label_ts"] < row["ts"]) & (table["label_ts"] >= row["ts"] - pd.Timedelta(hours=3))
        expected = delays[landed & (table[group] == row[group])].mean()
        assert row[f"{group}_delay"] == pytest.approx(expected, nan_ok=True)


def test_features_do_not_change_with_what_happens_later(table: pd.DataFrame, raw: Raw) -> None:
    flights, weather, airports = raw
    moment = table["ts"].iloc[len(table) // 2]
    unknown = set(table.loc[~(table["label_ts"] < moment), "prediction_id"])
    ids = _ids(flights)
    changed = flights.assign(
        arr_delay=flights["arr_delay"].where(~ids.isin(unknown), flights["arr_delay"] + 600),
        dep_delay=flights["dep_delay"].where(~ids.isin(unknown), 999.0),
    )
    again = data.build(changed, weather, airports)
    before = table["ts"] <= moment
    pd.testing.assert_frame_equal(
        table.loc[before, ["prediction_id", *data.FEATURES]],
        again.loc[before, ["prediction_id", *data.FEATURES]],
    )


def test_a_label_is_known_at_the_landing_and_not_earlier(table: pd.DataFrame, raw: Raw) -> None:
    flights = raw[0].set_index(_ids(raw[0]))
    labelled = table.dropna(subset="label").set_index("prediction_id")
    minutes = (labelled["label_ts"] - labelled["ts"]).dt.total_seconds() / 60
    taxiing = minutes - flights["dep_delay"][labelled.index] - flights["air_time"][labelled.index]
    assert (minutes > 0).all()
    assert taxiing.between(5, 235).all()


def test_landing_takes_the_time_zone_of_the_destination(table: pd.DataFrame) -> None:
    # due in Houston at 8:19 Central time, and 11 minutes late
    flight = table.set_index("prediction_id").loc["2013-01-01-UA1545-EWR"]
    assert flight["ts"] == pd.Timestamp("2013-01-01 10:15", tz="UTC")
    assert flight["label_ts"] == pd.Timestamp("2013-01-01 14:30", tz="UTC")


def test_scheduled_arrival_across_a_clock_change() -> None:
    flights = pd.DataFrame(
        {
            "ts": pd.to_datetime(["2013-03-10T06:30Z", "2013-11-03T05:30Z", "2013-03-10T03:00Z"]),
            "sched_arr_time": [400, 200, 30],
        }
    )
    zones = pd.Series(["America/Chicago", "America/Chicago", "America/Denver"])
    expected = pd.to_datetime(["2013-03-10T09:00Z", "2013-11-03T08:00Z", "2013-03-10T07:30Z"])
    assert list(data.scheduled_arrival(flights, zones)) == list(expected)


def test_cancelled_and_diverted_flights_never_get_a_label(table: pd.DataFrame, raw: Raw) -> None:
    flights = raw[0].set_index(_ids(raw[0]))["arr_delay"][table["prediction_id"]].reset_index(drop=True)
    assert flights.isna().sum() > 100
    assert (table["label"].isna() == flights.isna()).all()
    assert (table["label_ts"].isna() == flights.isna()).all()
    assert (table["label"].dropna() == (flights.dropna() > 15)).all()


def test_missing_weather_stays_missing(table: pd.DataFrame) -> None:
    assert table["pressure"].isna().any()
    assert not (table["pressure"] == 0).any()


def test_events_are_kept(tmp_path: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "raw", lambda: ())
    monkeypatch.setattr(data, "build", lambda: table)
    first = data.events(tmp_path)
    monkeypatch.setattr(data, "build", lambda: pytest.fail("built twice"))
    pd.testing.assert_frame_equal(first, data.events(tmp_path))
    assert not list(tmp_path.glob("*.part"))


def test_numbers_are_floats(table: pd.DataFrame) -> None:
    assert {table[name].dtype for name in data.NUMERIC} == {np.dtype("float64")}


def _ids(flights: pd.DataFrame) -> pd.Series[str]:
    days = pd.to_datetime(flights[["year", "month", "day"]]).dt.strftime("%Y-%m-%d-")
    ids: pd.Series[str] = days + flights["carrier"] + flights["flight"].astype(str) + "-" + flights["origin"]
    return ids

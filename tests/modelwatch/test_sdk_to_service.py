"""The SDK and the service agree: what an app logs is counted, once."""

from __future__ import annotations

import datetime as dt
from contextlib import closing

import httpx
import numpy as np
from modelwatch_sdk import Monitor

from collector.store.database import Database
from modelwatch.service import Service, Settings
from tests.collector.collecting import balanced, book, counted
from tests.collector.serving import served
from tests.modelwatch.flows import START, Workplace


def test_what_an_app_logs_is_counted_once(workplace: Workplace) -> None:
    settings = Settings(workplace.folder / "data", "http://pages", token="t0ken")
    rng = np.random.default_rng(0)
    with served(Service(settings, [workplace.monitor()]).app) as url:
        assert httpx.get(url).status_code == 401
        with Monitor("m", version=np.str_("v1"), endpoint=url, token="t0ken", batch_size=100) as app:
            app.deployment("v2", by="ann", reason="better", timestamp=START)
            for number in range(500):
                x = np.nan if number % 10 == 0 else rng.normal()
                features = {"x": np.float32(x), "c": np.str_("abd"[number % 3]), "e": rng.normal(size=2)}
                when = dt.datetime.fromtimestamp(START + number, dt.UTC)
                score = np.float64(rng.random())
                known = app.log(
                    features,
                    np.int64(score > 0.5),
                    score=score,
                    latency_ms=3,
                    status=200,
                    timestamp=when,
                    tags={"region": "north"},
                )
                if number % 2:
                    app.label(known, np.bool_(number % 3), timestamp=when + dt.timedelta(seconds=9))
            assert app.flush(30)
    with closing(Database(workplace.folder / "data" / "modelwatch.db")) as database:
        assert book(database) == (751, 751, 0, 0)
        assert balanced(database)
        found = counted(database)
    traffic = sum(profile.rows for key, profile in found.items() if not key.known and not key.segment)
    labels = sum(profile.rows for key, profile in found.items() if key.known and not key.segment)
    assert (traffic, labels) == (500, 250)
    nulls = [profile.parts["features.x"].nulls for key, profile in found.items() if not key.known]
    assert sum(nulls) == 2 * 50  # of all rows, and of the segment
    assert {key.version for key in found} == {"v2"}

"""Whatever loggers send, every half ends on the books, and nothing holds up the others."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.sources import waiting
from collector.store.database import Database
from modelwatch import schema
from tests.collector.collecting import balanced, fix_shape
from tests.sources.contract import SCHEMAS, events
from tests.sources.loggers import Logger

LOGGER = Logger("kserve", "v1")
GOOD = LOGGER.halves(events(1)[0])
KEYS = ["instances", "predictions", "x", "inputs"]
ATTRIBUTES = ["id", "type", "time", "metadata", "namespace", "inferenceservicename", "endpoint"]
NOW = 1_800_000_000_000_000
texts = st.text(max_size=6) | st.sampled_from(["request", "7", "shop", "fraud", "2024-05-01T00:00:00Z"])
json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            texts | st.sampled_from(["instances", "predictions", "x", "inputs"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
datas = st.binary(max_size=30) | json_values.map(lambda value: json.dumps(value).encode())
changes = st.dictionaries(
    st.sampled_from(["id", "type", "time", "metadata", "namespace", "inferenceservicename", "endpoint"]),
    texts,
)
kinds = st.sampled_from(
    ["application/json", "application/cloudevents+json", "application/cloudevents-batch+json", "text/plain"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(changes, datas, kinds, st.booleans()), min_size=1, max_size=6))
def test_anything_ends_on_the_books(sent: list[tuple[dict[str, str], bytes, str, bool]]) -> None:
    with closing(Database(None)) as database:
        schema.create(database)
        fix_shape(database)
        for changed, data, kind, structured in sent:
            half = GOOD[len(data) % 2]
            attributes = half["attributes"] | changed
            headers = {f"ce-{name}": value for name, value in attributes.items()} | {"content-type": kind}
            body = data
            if structured:
                body = json.dumps(attributes | {"data": data.decode(errors="surrogateescape")}).encode()
            halves = LOGGER.source._halves(headers, body)
            if halves:
                waiting.put(database, halves)
        pairing = LOGGER.source.pairing(database, SCHEMAS)
        for later in (0, 10**15):
            while pairing.pair(NOW + later):
                pass
        with database.read() as connection:
            assert waiting.count(connection, LOGGER.source.source) == 0
        assert balanced(database)

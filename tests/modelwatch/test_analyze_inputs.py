"""The same table in every dress that Parquet files come in gives the same lines."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelwatch.analyze import analyze
from tests.modelwatch.flows import HOUR, START, Workplace, alike, labels_of, traffic

Dress = Callable[[pd.DataFrame], pd.DataFrame]


def times(change: Callable[[pd.Series], Any]) -> Dress:
    """Changes both time columns."""
    return lambda table: table.assign(ts=change(table["ts"]), label_ts=change(table["label_ts"]))


def texts(stamps: pd.Series) -> pd.Series:
    return stamps.map(pd.Timestamp.isoformat, na_action="ignore").astype(object)


def seconds(stamps: pd.Series) -> pd.Series:
    return (stamps - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)


HOURS = 8
DRESSES: dict[str, Dress] = {
    "shuffled": lambda table: table.sample(frac=1, random_state=0),
    "naive times": times(lambda stamps: stamps.dt.tz_localize(None)),
    "nanoseconds": times(lambda stamps: stamps.astype("datetime64[ns, UTC]")),
    "milliseconds": times(lambda stamps: stamps.astype("datetime64[ms, UTC]")),
    "another zone": times(lambda stamps: stamps.dt.tz_convert("America/New_York")),
    "texts": times(texts),
    "texts of another zone": times(lambda stamps: texts(stamps.dt.tz_convert("Asia/Tokyo"))),
    "seconds": times(seconds),
    "seconds with nulls": times(lambda stamps: seconds(stamps).astype("Float64")),
    "booleans": lambda table: table.assign(
        prediction=table["prediction"].astype(bool), label=table["label"].map({0.0: False, 1.0: True})
    ),
    "words": lambda table: table.assign(
        prediction=table["prediction"].map({0: "no", 1: "Yes"}), label=table["label"].map({0: "0", 1: "true"})
    ),
    "nullable": lambda table: table.convert_dtypes(),
    "pyarrow": lambda table: table.convert_dtypes(dtype_backend="pyarrow"),
    "categories": lambda table: table.assign(
        **{name: table[name].astype("category") for name in ("c", "region", "version", "prediction_id")}
    ),
    "decimals": lambda table: table.assign(
        status=table["status"].map(Decimal),
        label=table["label"].map(lambda v: None if np.isnan(v) else Decimal(v)),
    ),
    "statuses as texts": lambda table: table.assign(status=table["status"].map({200: "ok", 500: "error"})),
    "narrow numbers": lambda table: table.assign(
        prediction=table["prediction"].astype("int8"), status=table["status"].astype("uint16")
    ),
    "a column more": lambda table: table.assign(
        unrelated=pd.Series([[1, 2]] * len(table), index=table.index)
    ),
    "columns in another order": lambda table: table[sorted(table.columns)],
}


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    """Twelve good hours."""
    return traffic(12, seed=1, first=START - 100 * HOUR)


@pytest.fixture(scope="module")
def production() -> pd.DataFrame:
    """Eight hours, of which the last three are bad."""
    return traffic(HOURS, seed=2, bad_from=5)


@pytest.fixture(scope="module")
def plain(
    tmp_path_factory: pytest.TempPathFactory, reference: pd.DataFrame, production: pd.DataFrame
) -> list[dict[str, Any]]:
    return Workplace(tmp_path_factory.mktemp("plain")).lines(reference, production)


@pytest.mark.parametrize("dress", DRESSES.values(), ids=DRESSES)
def test_the_lines_do_not_depend_on_the_dress(
    workplace: Workplace,
    reference: pd.DataFrame,
    production: pd.DataFrame,
    plain: list[dict[str, Any]],
    dress: Dress,
) -> None:
    assert alike(workplace.lines(reference, dress(production)), plain)


@pytest.mark.parametrize("dress", ["naive times", "nanoseconds", "texts", "nullable", "pyarrow", "words"])
def test_nor_on_that_of_the_reference(
    workplace: Workplace,
    reference: pd.DataFrame,
    production: pd.DataFrame,
    plain: list[dict[str, Any]],
    dress: str,
) -> None:
    assert alike(workplace.lines(DRESSES[dress](reference), production), plain)


def test_labels_in_a_file_of_their_own_say_the_same(
    workplace: Workplace, reference: pd.DataFrame, production: pd.DataFrame, plain: list[dict[str, Any]]
) -> None:
    bare = production.drop(columns=["label", "label_ts"])
    labels = labels_of(production)
    assert alike(workplace.lines(reference, bare, labels), plain)
    assert alike(workplace.lines(reference, bare, labels.sample(frac=1, random_state=1)), plain)
    assert alike(workplace.lines(reference, production, labels), plain)
    renamed = labels.rename(columns={"ts": "label_ts"})
    assert alike(workplace.lines(reference, bare, renamed), plain)


@pytest.mark.parametrize("one", ["int64", "float64", "category"])
@pytest.mark.parametrize("other", ["int64", "str"])
def test_ids_match_whatever_their_type(
    workplace: Workplace,
    reference: pd.DataFrame,
    production: pd.DataFrame,
    plain: list[dict[str, Any]],
    one: Any,
    other: Any,
) -> None:
    numbers = np.arange(len(production)) * 1_000_003
    numbered = production.assign(prediction_id=numbers)
    bare = numbered.drop(columns=["label", "label_ts"])
    bare["prediction_id"] = bare["prediction_id"].astype(one)
    labels = labels_of(numbered)
    labels["prediction_id"] = labels["prediction_id"].astype(other)
    assert alike(workplace.lines(reference, bare, labels), plain)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_texts_of_every_width(
    workplace: Workplace,
    reference: pd.DataFrame,
    production: pd.DataFrame,
    kind: Any,
    plain: list[dict[str, Any]],
) -> None:
    table = pa.Table.from_pandas(production)
    place = table.schema.get_field_index("c")
    table = table.set_column(place, "c", table.column("c").cast(kind))
    path = workplace.folder / "wide.parquet"
    pq.write_table(table, path)
    files = workplace.file("reference", reference)
    lines = [line.public() for line in analyze(workplace.monitor(), files, path)]
    assert alike(lines, plain)

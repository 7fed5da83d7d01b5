"""A full drift report of a file against its reference, by evidently: for a person, not for an alarm."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pandas as pd

from collector.sources.files import open_parquet
from modelwatch.monitor import Monitor

MOST_ROWS = 20_000  # evidently's tests flag everything on more, and its page grows


def write_report(monitor: Monitor, reference: Path, production: Path, page: Path) -> None:
    """Write evidently's data-drift report as one HTML page.

    Args:
        monitor: says which columns are features.
        reference: a Parquet file of known-good predictions.
        production: a Parquet file of predictions.
        page: where to write.

    Raises:
        FileError: a file cannot be read.
    """
    os.environ["DO_NOT_TRACK"] = "1"  # evidently sends usage data unless told not to, before it is imported
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its dependencies warn at import and at run time
        from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415 - see above
        from evidently.presets import DataDriftPreset  # noqa: PLC0415

        frames = [_sample(monitor, path) for path in (production, reference)]
        held = [name for name in frames[0].columns if name in frames[1].columns]
        kinds = {name: spec.kind for name, spec in monitor.features.items()}
        definition = DataDefinition(
            numerical_columns=[name for name in held if kinds.get(name) == "numeric" or name == "score"],
            categorical_columns=[name for name in held if kinds.get(name) == "categorical"],
        )
        current, known = (Dataset.from_pandas(frame[held], data_definition=definition) for frame in frames)
        Report([DataDriftPreset()]).run(current, known).save_html(str(page))


def _sample(monitor: Monitor, path: Path) -> pd.DataFrame:
    """At most `MOST_ROWS` rows, evenly spaced over the file, of the features and the score."""
    file = open_parquet(path)
    features = [name for name, spec in monitor.features.items() if spec.kind != "embedding"]
    wanted = [name for name in (*features, monitor.columns.score) if name in file.schema_arrow.names]
    stride = max(1, -(-file.metadata.num_rows // MOST_ROWS))
    parts, first = [], 0
    for batch in file.iter_batches(columns=wanted):
        frame = batch.to_pandas()
        parts.append(frame.iloc[-first % stride :: stride])
        first += len(frame)
    sampled = pd.concat(parts, ignore_index=True).rename(columns={monitor.columns.score: "score"})
    categories = {name: "string" for name in features if monitor.features[name].kind == "categorical"}
    present = {name: kind for name, kind in categories.items() if name in sampled}
    typed: pd.DataFrame = sampled.astype(present).astype(dict.fromkeys(present, "object"))
    return typed

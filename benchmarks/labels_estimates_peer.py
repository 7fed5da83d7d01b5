"""nannyml's CBPE over a folder: runs in nannyml's own environment, so it imports nothing of ours.

`python labels_estimates_peer.py FOLDER` reads `reference.parquet` and `production.parquet`, both in whole
chunks of the size in `chunk.json`, and prints estimates by metric, CPU seconds and the version as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
METRICS = ["roc_auc", "accuracy", "f1"]


def main(folder: Path) -> None:
    """Fit on the reference, estimate the production chunks, print."""
    warnings.simplefilter("ignore")
    import nannyml  # type: ignore[import-not-found]  # in its own environment  # noqa: PLC0415 - after the variable that keeps it quiet is set
    import pandas as pd  # noqa: PLC0415 - the same

    reference, production = (
        pd.read_parquet(folder / f"{name}.parquet") for name in ("reference", "production")
    )
    estimator = nannyml.CBPE(
        y_pred_proba="score",
        y_pred="prediction",
        y_true="label",
        problem_type="classification_binary",
        metrics=METRICS,
        chunk_size=json.loads((folder / "chunk.json").read_text(encoding="utf-8")),
    )
    begin = time.process_time()
    estimator.fit(reference)
    fitted = time.process_time()
    found = estimator.estimate(production.drop(columns="label")).filter(period="analysis").to_df()
    done = time.process_time()
    estimates = {metric: [float(one) for one in found[metric]["value"]] for metric in METRICS}
    seconds = {"fit": fitted - begin, "estimate": done - fitted}
    print(json.dumps({"estimates": estimates, "seconds": seconds, "version": version("nannyml")}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Scores of a peer over windows of rows: runs in the peer's own environment, so it imports nothing of ours.

`python detection_scores.py PEER FOLDER` reads `reference.parquet` and every `now-*.parquet`, tables with a
column `window`, and writes `PEER.json`: by file and feature one score a window. A score of 1 is where the
peer says drift by default; more is more.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

LEVEL = 0.05
SMALLEST_P = 1e-300
DELTAS = (2e-3, 1e-6, 1e-12, 1e-24, 1e-48)  # the first is ADWIN's default
RUN = 20  # windows after which a file of changes begins anew
REMEMBERED = 10  # windows of the reference that ADWIN has seen


def strength(p: Any, level: float) -> Any:
    """A p-value as a score: 1 where it is the level."""
    return np.log(np.maximum(np.asarray(p, np.float64), SMALLEST_P)) / np.log(level)


class Peer:
    """Compares windows with a reference, feature by feature."""

    package = ""
    anew = False  # whether every `RUN` windows follow the reference
    thinned = 4  # every so many rows of the reference are used: it is still the larger sample

    def __init__(self, reference: pd.DataFrame) -> None:
        self.reference = reference[:: self.thinned]
        self.names = [name for name in reference.columns if name != "window"]

    def column(self, name: str, windows: pd.DataFrame) -> list[float]:
        """The score of a feature in each window."""
        before = self.reference[name].dropna()
        return [self.score(name, before, now.dropna()) for _, now in windows.groupby("window")[name]]

    def score(self, name: str, before: Any, now: Any) -> float:
        """The score of a feature in a window."""
        raise NotImplementedError

    def scores(self, windows: pd.DataFrame) -> dict[str, list[float]]:
        """The scores by feature."""
        return {name: self.column(name, windows) for name in self.names if name in windows.columns}


def numeric(values: Any) -> bool:
    """Whether a column is of numbers."""
    return bool(values.dtype.kind == "f")


class Evidently(Peer):
    """The tests that the drift preset picks for so many rows, at its thresholds."""

    package = "evidently"

    def score(self, name: str, before: Any, now: Any) -> float:  # noqa: ARG002 - the same for all
        """The distance per threshold."""
        from evidently.legacy.calculations import stattests  # noqa: PLC0415 - in its environment only
        from evidently.legacy.core import ColumnType  # noqa: PLC0415 - the same

        test, kind = stattests.jensenshannon_stat_test, ColumnType.Categorical
        if numeric(before):
            test, kind = stattests.wasserstein_stat_test, ColumnType.Numerical
        return float(test(before, now, kind, None).drift_score / test.default_threshold)


class Scipy(Peer):
    """Kolmogorov-Smirnov and chi-square tests at 0.05 with Bonferroni's correction."""

    package = "scipy"

    def score(self, name: str, before: Any, now: Any) -> float:  # noqa: ARG002 - the same for all
        """The p-value, as a strength."""
        from scipy import stats  # noqa: PLC0415 - in its environment only

        if numeric(before):
            p = stats.ks_2samp(before, now, method="asymp").pvalue
        else:
            table = pd.DataFrame({"before": before.value_counts(), "now": now.value_counts()}).fillna(0)
            p = stats.chi2_contingency(table.to_numpy()).pvalue
        return float(strength(p, LEVEL / len(self.names)))


class Alibi(Peer):
    """alibi-detect's TabularDrift, which corrects by Bonferroni."""

    package = "alibi-detect"

    def scores(self, windows: pd.DataFrame) -> dict[str, list[float]]:
        """The p-values of each feature, as strengths."""
        from alibi_detect.cd import TabularDrift  # type: ignore[import-not-found]  # noqa: PLC0415 - in its environment only

        names = [name for name in self.names if name in windows.columns]
        coded = {name: not numeric(self.reference[name]) for name in names}
        both = {}
        for name in names:
            every = self.reference[name].cat.categories if coded[name] else None
            both[name] = [
                pd.Categorical(frame[name], every).codes if coded[name] else frame[name].fillna(0.0)
                for frame in (self.reference, windows)
            ]
        before, after = (np.column_stack([both[name][side] for name in names]) for side in (0, 1))
        kinds = {place: None for place, name in enumerate(names) if coded[name]}
        detector = TabularDrift(before, p_val=LEVEL, categories_per_feature=kinds)
        found = [
            strength(detector.predict(after[rows])["data"]["p_val"], LEVEL / len(self.names))
            for rows in windows.groupby("window").indices.values()
        ]
        return {name: [float(row[place]) for row in found] for place, name in enumerate(names)}


class Nannyml(Peer):
    """The univariate drift calculator: three deviations of the reference's Jensen-Shannon distances."""

    package = "nannyml"
    thinned = 1  # its thresholds come from whole chunks

    def scores(self, windows: pd.DataFrame) -> dict[str, list[float]]:
        """The distance per threshold."""
        from nannyml import UnivariateDriftCalculator  # type: ignore[import-not-found]  # noqa: PLC0415 - the same

        names = [name for name in self.names if name in windows.columns]
        start = pd.Timestamp("2024-01-01")
        frames = []
        for frame in (self.reference, windows):
            day = pd.to_timedelta(frame["window"], unit="D")
            frames.append(frame[names].assign(when=start + day))
        calculator = UnivariateDriftCalculator(names, timestamp_column_name="when", chunk_period="D")
        calculator.fit(frames[0])
        found = calculator.calculate(frames[1]).filter(period="analysis").to_df(multilevel=True)
        scores = {}
        for name in names:
            held = found[name]["jensen_shannon"]
            scores[name] = (held["value"] / held["upper_threshold"]).fillna(0.0).tolist()
        return scores


class Adwin(Peer):
    """river's ADWIN on the rows of each feature, scaled to [0, 1]; of categories on being the first."""

    package = "river"
    thinned = 1

    def column(self, name: str, windows: pd.DataFrame) -> list[float]:
        """By how much smaller a delta than the default a change is seen in each window."""
        first = int(windows["window"].min())
        runs = (windows["window"] - first) // (RUN if self.anew else len(windows))
        return [score for _, run in windows.groupby(runs) for score in self._watched(name, run)]

    def _watched(self, name: str, windows: pd.DataFrame) -> list[float]:
        """The same for one run, which follows the reference."""
        latest = self.reference["window"].drop_duplicates().tail(REMEMBERED)
        past = self._scaled(name, self.reference[self.reference["window"].isin(latest)][name])
        now = [self._scaled(name, held) for _, held in windows.groupby("window")[name]]
        best = np.zeros(len(now))
        for delta in DELTAS:
            seen = self._run(delta, past, now)
            best[seen] = np.log(delta) / np.log(DELTAS[0])
            if not seen.any():
                break
        return [float(one) for one in best]

    def _scaled(self, name: str, values: Any) -> list[float]:
        values, every = values.dropna(), self.reference[name].dropna()
        if not numeric(every):
            scaled: list[float] = (values == every.cat.categories[0]).astype(float).tolist()
            return scaled
        low, high = every.quantile([0.001, 0.999])
        scaled = ((values - low) / (high - low)).clip(0.0, 1.0).tolist()
        return scaled  # noqa: RET504 - pandas says no more than Any

    @staticmethod
    def _run(delta: float, past: list[float], now: list[list[float]]) -> Any:
        from river.drift import ADWIN  # type: ignore[import-not-found]  # noqa: PLC0415 - in its environment only

        detector, seen = ADWIN(delta=delta), []
        for value in past:
            detector.update(value)
        for window in now:
            found = False
            for value in window:
                detector.update(value)
                found |= detector.drift_detected
            seen.append(found)
        return np.array(seen)


PEERS = {"evidently": Evidently, "scipy": Scipy, "alibi-detect": Alibi, "nannyml": Nannyml, "river": Adwin}


def main(name: str, folder: Path) -> None:
    """Score every file of a folder."""
    os.environ |= {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
    warnings.simplefilter("ignore")
    begin = time.process_time()
    peer = PEERS[name](pd.read_parquet(folder / "reference.parquet"))
    found = {}
    for file in sorted(folder.glob("now-*.parquet")):
        peer.anew = file.stem.startswith("now-change")
        found[file.stem] = peer.scores(pd.read_parquet(file))
    result = {"scores": found, "seconds": time.process_time() - begin, "version": version(peer.package)}
    (folder / f"{name}.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

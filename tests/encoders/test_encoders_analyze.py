"""From raw texts and images in a file to the verdicts: a change is found, healthy windows are left alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.datasets import load_digits

from tests.encoders.encoding import as_text, image_encoder, png, text_encoder, texts

HOUR = 3600
START = 1_704_067_200
ROWS = 250
KNOWN, HEALTHY = 14, 6  # windows
USUAL = {"space": 0.4, "sport": 0.3, "money": 0.3}
DIGITS = load_digits()
Images = Any


def config(inputs: dict[str, str]) -> dict[str, Any]:
    return {
        "model": "m",
        "task": "binary",
        "window": "1h",
        "columns": {"timestamp": "ts"},
        "features": {
            name: {"kind": "embedding", "encoder": {"path": f"{name}.onnx", "input": sort}}
            for name, sort in inputs.items()
        },
    }


def table(windows: int, seed: int, made: list[Any], name: str) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    seconds = np.sort(rng.uniform(0, windows * HOUR, windows * ROWS))
    return pd.DataFrame(
        {
            "ts": pd.to_datetime(START + seconds, unit="s", utc=True).astype("datetime64[us, UTC]"),
            "id": [f"p{seed}-{at}" for at in range(windows * ROWS)],
            "prediction": rng.integers(0, 2, windows * ROWS),
            name: made,
        }
    )


def analyzed(folder: Path, reference: pd.DataFrame, production: pd.DataFrame) -> list[dict[str, Any]]:
    """The lines of drift of a run of the real command."""
    reference.to_parquet(folder / "reference.parquet")
    production.to_parquet(folder / "production.parquet")
    command = [sys.executable, "-m", "modelwatch", "analyze", "monitor.yaml", "--format", "jsonl"]
    command += ["--reference", "reference.parquet", "--production", "production.parquet"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line for line in lines if line["signal"].startswith("drift.multivariate")]


def breaches(lines: list[dict[str, Any]], hour: int) -> set[str]:
    at = pd.Timestamp(START + hour * HOUR, unit="s").strftime("%Y-%m-%dT%H")
    return {
        line["signal"]
        for line in lines
        if line["window_start"].startswith(at) and line["verdict"] == "breach"
    }


def test_a_new_topic_is_found_and_usual_texts_are_left_alone(tmp_path: Path) -> None:
    text_encoder(tmp_path / "text.onnx")
    (tmp_path / "monitor.yaml").write_text(yaml.safe_dump(config({"text": "text"})))
    rng = np.random.default_rng(1)
    known = table(KNOWN, 1, texts(rng, KNOWN * ROWS, USUAL), "text")
    usual, food = texts(rng, HEALTHY * ROWS, USUAL), texts(rng, 2 * ROWS, USUAL | {"space": 0.0, "food": 0.4})
    lines = analyzed(tmp_path, known, table(HEALTHY + 2, 2, usual + food, "text"))
    assert {line["subject"] for line in lines} == {"text"}
    assert not any(breaches(lines, hour) for hour in range(HEALTHY))
    assert breaches(lines, HEALTHY)
    assert any(line["alert"] for line in lines)


def pictures(rng: np.random.Generator, rows: int, digits: set[int]) -> Images:
    held = np.flatnonzero(np.isin(DIGITS.target, list(digits)))
    return DIGITS.images[rng.choice(held, rows)]


@pytest.mark.parametrize("how", ["inverted", "noisy", "other digits"])
def test_changed_images_are_found_and_usual_ones_are_left_alone(tmp_path: Path, how: str) -> None:
    image_encoder(tmp_path / "photo.onnx")
    (tmp_path / "monitor.yaml").write_text(yaml.safe_dump(config({"photo": "image"})))
    rng = np.random.default_rng(3)
    usual = pictures(rng, (KNOWN + HEALTHY) * ROWS, {0, 1, 2, 3, 4, 5})
    changed = pictures(rng, 2 * ROWS, {5, 6, 7, 8, 9} if how == "other digits" else {0, 1, 2, 3, 4, 5})
    if how == "inverted":
        changed = 16 - changed
    if how == "noisy":
        changed = np.clip(changed + rng.normal(0, 12, changed.shape), 0, 16)
    sent = [as_text(png(one * (255 / 16))) for one in np.concatenate([usual, changed])]
    known = table(KNOWN, 4, sent[: KNOWN * ROWS], "photo")
    lines = analyzed(tmp_path, known, table(HEALTHY + 2, 5, sent[KNOWN * ROWS :], "photo"))
    assert not any(breaches(lines, hour) for hour in range(HEALTHY))
    assert breaches(lines, HEALTHY)

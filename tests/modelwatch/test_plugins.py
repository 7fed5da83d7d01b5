"""Detectors of third parties: a real package, built and installed apart, is found and judges."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from detectors import DETECTORS, Detector
from modelwatch.plugins import installed, kind_of

ROOT = Path(__file__).parents[2]
HOUR = 3600


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example package, installed as pip installs packages."""
    folder = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    install += ["--disable-pip-version-check", "--target", str(folder), str(ROOT / "examples" / "plugin")]
    subprocess.run(install, check=True)
    return folder


def modelwatch(site: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = [str(site)] if site else []
    given = os.environ | {"PYTHONPATH": os.pathsep.join([*paths, str(ROOT)])}
    command = [sys.executable, "-m", "modelwatch", *arguments]
    return subprocess.run(command, env=given, cwd=ROOT, capture_output=True, text=True, check=False)


def amounts(rng: np.random.Generator, rows: int, first: float, digits: float) -> pd.DataFrame:
    """Amounts over several orders of magnitude; a share of them is made up, and begins with a 5."""
    value = 10 ** rng.uniform(0, 4, rows)
    invented = rng.random(rows) < digits
    value = np.where(invented, 5.5 * 10 ** np.floor(np.log10(value)), value)
    when = pd.to_datetime(
        1_704_067_200 + first + np.sort(rng.uniform(0, 20 * HOUR, rows)), unit="s", utc=True
    )
    return pd.DataFrame({"ts": when, "amount": value, "prediction": rng.normal(size=rows)})


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    amounts(rng, 20_000, 0, 0.0).to_parquet(tmp_path / "ref.parquet")
    amounts(rng, 20_000, 20 * HOUR, 0.2).to_parquet(tmp_path / "prod.parquet")
    content = {
        "model": "payments",
        "task": "regression",
        "columns": {"timestamp": "ts"},
        "features": {"amount": "numeric"},
        "detectors": ["defaults", {"kind": "benford", "min_rows": 100}],
    }
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(content))
    return tmp_path


def test_an_installed_detector_judges_beside_the_usual_ones(site: Path, files: Path) -> None:
    given = (str(files / name) for name in ("m.yaml", "ref.parquet", "prod.parquet"))
    path, reference, production = given
    done = modelwatch(
        site, "analyze", path, "--reference", reference, "--production", production, "--format", "jsonl"
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    digits = [line for line in lines if line["signal"] == "drift.digits"]
    assert digits
    assert {line["verdict"] for line in digits[:-1]} == {"breach"}
    assert {line["subject"] for line in digits} == {"amount"}
    assert {"drift.univariate", "quality.missing"} <= {line["signal"] for line in lines}


def test_without_the_package_the_kind_is_unknown(files: Path) -> None:
    done = modelwatch(None, "check", str(files / "m.yaml"))
    assert done.returncode == 2
    assert "benford" in done.stdout + done.stderr
    assert "chi_square" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('no licence')", "no licence"),
        ("Broken = 3", "no subclass"),
        (
            "from detectors import DETECTORS\nBroken = DETECTORS[0]",
            "needs the field `kind: Literal['broken'] = 'broken'`",
        ),
        ("import nothing_of_the_kind", "nothing_of_the_kind"),
    ],
    ids=["raises", "no detector", "another kind", "missing import"],
)
def test_a_broken_package_is_told_of_and_left_out(
    tmp_path: Path, files: Path, code: str, reason: str
) -> None:
    info = tmp_path / "site" / "broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[modelwatch.detectors]\nbroken = broken_detector:Broken\n")
    (tmp_path / "site" / "broken_detector.py").write_text(code)
    (files / "plain.yaml").write_text("model: m\ntask: regression\nfeatures: {x: numeric}\n")
    done = modelwatch(tmp_path / "site", "check", str(files / "plain.yaml"))
    assert done.returncode == 0, done.stderr
    assert "broken" in done.stderr
    assert reason in done.stderr


def test_here_no_package_offers_detectors() -> None:
    assert installed() == []
    kinds = [kind_of(detector) for detector in DETECTORS]
    assert len({*kinds}) == len(DETECTORS)
    assert kind_of(Detector) is None  # type: ignore[type-abstract]  # it has no kind to begin with

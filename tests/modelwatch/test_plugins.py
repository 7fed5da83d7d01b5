"""Detectors and metrics of third parties: a real package, built and installed apart, is found and judges."""

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
from detectors.performance.estimate import UNDEFINED
from detectors.performance.metrics import Metric
from modelwatch.plugins import METRICS_ADDED, guarded, installed, kind_of

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


def answers(rng: np.random.Generator, first: float, rows: int, wrong: float) -> pd.DataFrame:
    """Labels with the predictions of a model that is wrong now and then."""
    label = (rng.random(rows) < 0.3).astype(float)
    prediction = np.where(rng.random(rows) < wrong, 1 - label, label)
    when = pd.to_datetime(
        1_704_067_200 + first + np.sort(rng.uniform(0, 20 * HOUR, rows)), unit="s", utc=True
    )
    return pd.DataFrame({"ts": when, "prediction": prediction.astype(int), "label": label, "x": label})


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    """A monitor that names a metric of the example package, and files of a model that gets worse."""
    rng = np.random.default_rng(0)
    answers(rng, 0, 20_000, 0.1).to_parquet(tmp_path / "ref.parquet")
    answers(rng, 20 * HOUR, 20_000, 0.3).to_parquet(tmp_path / "prod.parquet")
    content = {
        "model": "m",
        "task": "binary",
        "columns": {"timestamp": "ts"},
        "features": {"x": "numeric"},
        "detectors": [{"kind": "performance", "metric": "youden"}],
    }
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(content))
    return tmp_path


def test_an_installed_metric_is_judged_by_its_name(site: Path, judged: Path) -> None:
    path, reference, production = (str(judged / name) for name in ("m.yaml", "ref.parquet", "prod.parquet"))
    done = modelwatch(
        site, "analyze", path, "--reference", reference, "--production", production, "--format", "jsonl"
    )
    assert done.returncode == 0, done.stderr
    every = [json.loads(line) for line in done.stdout.splitlines()]
    lines = [line for line in every if line["signal"] == "performance.youden"][:-1]
    assert {line["verdict"] for line in lines} == {"breach"}
    assert np.mean([line["value"] for line in lines]) == pytest.approx(0.4, abs=0.02)
    assert {line["lower"] < line["value"] < line["upper"] for line in lines} == {True}


def test_without_the_package_its_metric_is_unknown(judged: Path) -> None:
    done = modelwatch(None, "check", str(judged / "m.yaml"))
    assert done.returncode == 2
    assert "youden" in done.stdout + done.stderr
    assert "roc_auc" in done.stdout + done.stderr


def test_a_metric_that_fails_is_undefined_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    def fails(_: object) -> tuple[float, float]:
        raise ZeroDivisionError

    metric = guarded("mine", Metric(fails, higher_is_better=True, span=(0.0, 1.0), tasks=("binary",)))
    assert np.isnan([metric.compute(None), metric.compute(None)]).all()
    assert [record.message for record in caplog.records] == [
        "metric mine failed, and is undefined where it fails"
    ]


@pytest.mark.parametrize("answer", [(float("inf"), 0.1), (0.5, float("nan")), (0.5, -0.1)])
def test_a_metric_that_answers_nonsense_is_undefined(answer: tuple[float, float]) -> None:
    metric = Metric(lambda _: answer, higher_is_better=True, span=(0.0, 1.0), tasks=("binary",))
    assert np.array_equal(guarded("mine", metric).compute(None), UNDEFINED, equal_nan=True)


def test_without_the_package_the_kind_is_unknown(files: Path) -> None:
    done = modelwatch(None, "check", str(files / "m.yaml"))
    assert done.returncode == 2
    assert "benford" in done.stdout + done.stderr
    assert "chi_square" in done.stdout + done.stderr


METRIC = "from detectors.performance.metrics import Metric\nBroken = Metric(min, True, (0.0, 1.0), tasks={})"
BROKEN_METRICS = {
    "raises": ("raise RuntimeError('no licence')", "no licence"),
    "three": ("Broken = 3", "is no detectors.performance.metrics.Metric"),
    "for_nobody": (METRIC.format(()), "its tasks are ()"),
    "for_elo": (METRIC.format(("ranking", "elo")), "its tasks are ('ranking', 'elo')"),
    "f1": (METRIC.format(("binary",)), "there is a metric 'f1' already"),
    "F-1": (METRIC.format(("binary",)), "use small letters"),
}


def test_broken_metrics_are_told_of_and_left_out(tmp_path: Path, files: Path) -> None:
    install(
        tmp_path / "site", "modelwatch.metrics", {name: code for name, (code, _) in BROKEN_METRICS.items()}
    )
    (files / "plain.yaml").write_text("model: m\ntask: binary\nfeatures: {x: numeric}\n")
    done = modelwatch(tmp_path / "site", "check", str(files / "plain.yaml"))
    assert done.returncode == 0, done.stderr
    told = done.stderr.splitlines()
    for name, (_, reason) in BROKEN_METRICS.items():
        assert any(f"metric {name} of strange cannot be used: " in line and reason in line for line in told)


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
    install(tmp_path / "site", "modelwatch.detectors", {"broken": code})
    (files / "plain.yaml").write_text("model: m\ntask: regression\nfeatures: {x: numeric}\n")
    done = modelwatch(tmp_path / "site", "check", str(files / "plain.yaml"))
    assert done.returncode == 0, done.stderr
    assert "broken" in done.stderr
    assert reason in done.stderr


def install(site: Path, group: str, codes: dict[str, str]) -> None:
    """Install a package with an entry for the object `Broken` of each piece of code, by name."""
    info = site / "strange-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
    lines = [f"[{group}]"]
    for place, (name, code) in enumerate(codes.items()):
        lines.append(f"{name} = strange_{place}:Broken")
        (site / f"strange_{place}.py").write_text(code)
    (info / "entry_points.txt").write_text("\n".join(lines))


def test_here_no_package_offers_detectors_or_metrics() -> None:
    assert installed() == []
    assert METRICS_ADDED == []
    kinds = [kind_of(detector) for detector in DETECTORS]
    assert len({*kinds}) == len(DETECTORS)
    assert kind_of(Detector) is None  # type: ignore[type-abstract]  # it has no kind to begin with

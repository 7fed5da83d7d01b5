"""Monitor files: what is right parses, and each kind of mistake is told by file, field, value and fix."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from collector.schema import CategoricalFeature, EmbeddingFeature, NumericFeature
from modelwatch.monitor import Monitor, MonitorError, load_monitor

SMALLEST = """
model: elec2
task: binary                  # binary | multiclass | regression
columns: {timestamp: ts, id: prediction_id, prediction: prediction, score: score, label: label, label_time: label_ts, latency: latency_ms, status: status, version: model_version}
features: {nswprice: numeric, day: categorical, emb: {kind: embedding, columns: [e0, e1, e2]}}
segments: [region]            # optional
window: 1d                    # or {size: 1d, origin: 2024-02-01T06:00:00Z}
false_alarms: 1 per 30d       # optional: this is the default
slos:                         # optional
  - {name: availability, sli: availability, target: 99.9%, period: 30d}          # status: HTTP code, or "ok" / anything else
  - {name: fast-enough, sli: latency < 300ms, target: 99%, period: 30d}
  - {name: good-enough, sli: roc_auc >= 0.85, period: 30d}
"""  # noqa: E501 - section 8 of the design, to the letter
BASE: dict[str, Any] = {"model": "m", "task": "binary", "features": {"x": "numeric"}}
HOOK = {"kind": "webhook", "url": "http://127.0.0.1/"}


def load(folder: Path, text: str) -> Monitor:
    path = folder / "monitor.yaml"
    path.write_text(text, encoding="utf-8")
    return load_monitor(path)


def mistake(folder: Path, text: str) -> str:
    with pytest.raises(MonitorError) as caught:
        load(folder, text)
    message = str(caught.value)
    assert message.startswith(str(folder / "monitor.yaml"))
    assert len(message) < 3000
    return message


def test_the_smallest_file_of_the_design(tmp_path: Path) -> None:
    monitor = load(tmp_path, SMALLEST)
    assert (monitor.model, monitor.task, monitor.segments) == ("elec2", "binary", ("region",))
    assert monitor.columns.timestamp == "ts"
    assert monitor.columns.label_time == "label_ts"
    assert monitor.features == {
        "nswprice": NumericFeature(),
        "day": CategoricalFeature(),
        "emb": EmbeddingFeature(columns=("e0", "e1", "e2")),
    }
    assert monitor.window.size == timedelta(days=1)
    assert monitor.false_alarms.windows(monitor.window.size) == 30
    assert [slo.target for slo in monitor.slos] == [0.999, 0.99, None]
    assert monitor == load(tmp_path, SMALLEST.replace("1 per 30d ", "1 / 30d "))


def test_what_is_optional_may_be_left_out(tmp_path: Path) -> None:
    monitor = load(tmp_path, yaml.safe_dump(BASE))
    assert monitor.window.size == timedelta(hours=1)
    assert monitor.reference.kind == "learned"
    assert [rule.name for rule in monitor.alerts.rules] == ["any-breach"]


def test_an_origin(tmp_path: Path) -> None:
    monitor = load(
        tmp_path, SMALLEST.replace("window: 1d", "window: {size: 1d, origin: 2024-02-01T06:00:00Z}")
    )
    assert monitor.window.start(1_706_770_800_000_000) == 1_706_767_200_000_000


MISTAKES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown key": ({"feature": {}}, ["feature", "no such setting"]),
    "unknown key deep": ({"columns": {"time": "ts"}}, ["columns.time", "no such setting"]),
    "no model": ({"model": None}, ["model", "string", "None"]),
    "odd model": ({"model": "a b"}, ["model", "'a b'"]),
    "number as model": ({"model": 7}, ["model", "7"]),
    "unknown task": ({"task": "clustering"}, ["task", "binary", "clustering"]),
    "no features": ({"features": {}}, ["features", "at least 1"]),
    "features as a list": ({"features": ["x"]}, ["features", "dictionary", "x"]),
    "unknown feature kind": ({"features": {"x": "text"}}, ["features.x", "text", "numeric"]),
    "embedding without columns": ({"features": {"x": "embedding"}}, ["features.x", "columns"]),
    "bar in a name": ({"features": {"a|b": "numeric"}}, ["a|b", "leave out"]),
    "empty name": ({"features": {"": "numeric"}}, ["cannot be names"]),
    "segment twice": ({"segments": ["a", "a"]}, ["segments", "twice"]),
    "bad duration": ({"window": "1 fortnight"}, ["window", "1 fortnight", "15m"]),
    "duration without a unit": ({"window": 60}, ["window", "60", "15m"]),
    "negative duration": ({"label_horizon": "-1d"}, ["label_horizon", "-1d"]),
    "zero duration": ({"lateness": "0s"}, ["lateness", "0s"]),
    "tiny window": ({"window": "1ms"}, ["window", "1s"]),
    "endless duration": ({"window": "9999999999999d"}, ["too large"]),
    "bad origin": ({"window": {"size": "1d", "origin": "noon"}}, ["window.origin", "noon"]),
    "bad alarms": ({"false_alarms": "often"}, ["false_alarms", "often", "1 per 30d"]),
    "no alarms at all": ({"false_alarms": "0 per 30d"}, ["false_alarms", "0 per 30d"]),
    "positive of a regression": ({"task": "regression", "positive": "y"}, ["positive", "binary"]),
    "bad sli": ({"slos": [{"name": "a", "sli": "speed"}]}, ["slos.0", "speed", "latency < 300ms"]),
    "unknown metric": ({"slos": [{"name": "a", "sli": "f9 > 1"}]}, ["slos.0", "f9", "roc_auc"]),
    "slo without a target": ({"slos": [{"name": "a", "sli": "availability"}]}, ["slos.0", "target"]),
    "bad target": (
        {"slos": [{"name": "a", "sli": "availability", "target": "much"}]},
        ["slos.0.target", "much", "99.9%"],
    ),
    "slo name twice": ({"slos": [{"name": "a", "sli": "accuracy > 0.5"}] * 2}, ["slos", "twice"]),
    "metric of another task": (
        {"task": "regression", "slos": [{"name": "a", "sli": "roc_auc > 0.5"}]},
        ["slos", "roc_auc", "regression", "mae"],
    ),
    "unknown detector": ({"detectors": [{"kind": "magic"}]}, ["detectors.0", "magic", "chi_square"]),
    "detector twice": ({"detectors": [{"kind": "missing"}] * 2}, ["detectors", "quality.missing"]),
    "detector setting": (
        {"detectors": [{"kind": "missing", "min_rows": 0}]},
        ["detectors.0", "min_rows", "0"],
    ),
    "unknown reference": ({"reference": {"kind": "guess"}}, ["reference", "guess", "trailing"]),
    "reference without path": ({"reference": {"kind": "file"}}, ["reference", "path"]),
    "undefined notifier": (
        {"alerts": {"rules": [{"name": "r", "notify": ["pager"]}]}},
        ["alerts", "rule r", "'pager'", "console"],
    ),
    "undefined action": (
        {"alerts": {"rules": [{"name": "r", "actions": ["undo"]}]}},
        ["alerts", "rule r", "'undo'"],
    ),
    "rule twice": ({"alerts": {"rules": [{"name": "r"}] * 2}}, ["alerts", "same name"]),
    "unknown notifier kind": (
        {"alerts": {"notifiers": {"a": {"kind": "pigeon"}}}},
        ["notifiers.a", "pigeon"],
    ),
    "unknown action kind": ({"alerts": {"actions": {"a": {"kind": "pray"}}}}, ["actions.a", "pray"]),
    "webhook without url": ({"alerts": {"notifiers": {"a": {"kind": "webhook"}}}}, ["notifiers.a", "url"]),
    "webhook to a file": (
        {"alerts": {"notifiers": {"a": HOOK | {"url": "file:///etc/passwd"}}}},
        ["notifiers.a", "file:///etc/passwd", "http"],
    ),
    "webhook with a password": (
        {"alerts": {"notifiers": {"a": HOOK | {"url": "http://me:secret@h/"}}}},
        ["notifiers.a", "token_env"],
    ),
    "bad severity": (
        {"alerts": {"rules": [{"name": "r", "severity": "dire"}]}},
        ["severity", "dire", "critical"],
    ),
}


@pytest.mark.parametrize(("change", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_by_field_value_and_fix(
    tmp_path: Path, change: dict[str, Any], words: list[str]
) -> None:
    message = mistake(tmp_path, yaml.safe_dump(BASE | change))
    assert not [word for word in words if word not in message], message


def test_a_password_in_a_url_is_not_repeated(tmp_path: Path) -> None:
    change = MISTAKES["webhook with a password"][0]
    assert "secret" not in mistake(tmp_path, yaml.safe_dump(BASE | change))


@pytest.mark.parametrize("key", ["model", "task", "features"])
def test_a_missing_key_is_told(tmp_path: Path, key: str) -> None:
    message = mistake(tmp_path, yaml.safe_dump({name: value for name, value in BASE.items() if name != key}))
    assert f"  {key}: Field required" in message


def test_a_path_in_it_is_relative_to_it(tmp_path: Path) -> None:
    monitor = load(tmp_path, yaml.safe_dump(BASE | {"reference": {"kind": "file", "path": "good.parquet"}}))
    assert monitor.reference.file == tmp_path / "good.parquet"

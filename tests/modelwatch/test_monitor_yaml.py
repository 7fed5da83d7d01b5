"""Monitor files that are no proper YAML, or YAML made to harm."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest
import yaml

from collector.schema import NumericFeature
from modelwatch.monitor import MonitorError, load_monitor
from tests.modelwatch.test_monitor_files import BASE, load, mistake


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "NoneType"),
        ("- a\n- b", "list"),
        ("just words", "str"),
        ("a: [1, 2", "not YAML"),
        ("a: 1\n\tb: 2", "not YAML"),
        ("a: !!python/object/apply:os.system [echo]", "not YAML"),
        ("a: 2024-99-99", "not YAML"),
        ("a: " + "1" * 5000, "not YAML"),
        ("[" * 20_000, "not YAML"),
        ("a: \x00", "not YAML"),
        ("? {a: b}\n: c", "not YAML"),
    ],
    ids=range(11),
)
def test_what_is_no_yaml_mapping_is_told(tmp_path: Path, text: str, word: str) -> None:
    assert word in mistake(tmp_path, text)


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "monitor.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(MonitorError, match="not YAML"):
        load_monitor(path)
    with pytest.raises(MonitorError, match="cannot be read"):
        load_monitor(tmp_path)
    with pytest.raises(MonitorError, match="cannot be read: No such file"):
        load_monitor(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("where", ["model", "features", "task", "extra", "slos", "window", "segments"])
def test_a_yaml_bomb_does_not_go_off(tmp_path: Path, where: str) -> None:
    levels = [f"  - &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]
    bomb = "\n".join(["bomb:", "  - &l0 [x]", *levels])
    lines = [
        f"{key}: {value if key != where else '*l11'}" for key, value in (("model", "m"), ("task", "binary"))
    ]
    lines += [f"features: {'*l11' if where == 'features' else '{x: numeric}'}"]
    lines += [f"{where}: *l11"] if where not in ("model", "task", "features") else []
    began, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    message = mistake(tmp_path, "\n".join([bomb, *lines]))
    assert time.monotonic() - began < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 50_000
    assert "aliases" in message


def test_a_value_that_holds_itself(tmp_path: Path) -> None:
    assert "aliases" in mistake(tmp_path, yaml.safe_dump(BASE) + "segments: &a [*a]")


def test_a_few_aliases_are_fine(tmp_path: Path) -> None:
    text = "model: m\ntask: binary\nfeatures: {x: &n {kind: numeric, required: true}, y: *n}\n"
    monitor = load(tmp_path, text)
    assert monitor.features["x"] == monitor.features["y"] == NumericFeature(required=True)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    assert "larger than" in mistake(tmp_path, yaml.safe_dump(BASE) + "# " + "x" * 2_000_000)

"""Source files: what is wrong is told by field, value and fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from collector.sources.catalog import load_source
from collector.sources.kafka import Kafka
from collector.sources.mapping import Origin, parse_path
from collector.sources.source import SourceError
from tests.modelwatch.processes import command

GOOD: dict[str, Any] = {
    "kind": "kafka",
    "bootstrap": ["kafka.example:9092"],
    "topics": [{"topic": "a", "event": "prediction"}],
}
MAPPED = {"topic": "a", "event": "prediction", "model": "m", "map": {"id": "id"}}
SASL = {"protocol": "SASL_SSL", "mechanism": "SCRAM-SHA-256", "username": "u", "password": "KAFKA_WORD"}


def written(folder: Path, content: Any) -> Path:
    file = folder / "kafka.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return file


def refusal(folder: Path, content: Any) -> str:
    with pytest.raises(SourceError) as caught:
        load_source(written(folder, content))
    return str(caught.value)


def test_a_good_file(tmp_path: Path) -> None:
    source = load_source(written(tmp_path, GOOD | {"group": "g", "api_version": 2.3}))
    assert isinstance(source, Kafka)
    assert (source.source, source.api_version) == ("kafka:g", "2.3")
    assert load_source(written(tmp_path, GOOD | {"name": "payments"})).source == "kafka:payments"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "kafak"}, "kind: 'kafak' is no kind of source"),
        ({"bootstrap": ["kafka"]}, "bootstrap: 'kafka' is no host:port"),
        ({"bootstrap": []}, "bootstrap: "),
        ({"colour": 1}, "colour: no such setting"),
        ({"api_version": "new"}, "api_version: "),
        ({"topics": []}, "topics: "),
        ({"topics": [{"topic": "a b"}]}, "topics.0.topic: "),
        ({"topics": [{"topic": "a"}, {"topic": "a"}]}, "topics: ['a'] more than once"),
        ({"topics": [MAPPED | {"model": None}]}, "topics.0: model: name the model, or its path"),
        ({"topics": [MAPPED | {"event": None}]}, "topics.0: event: say prediction"),
        ({"topics": [MAPPED | {"map": {"id": "a..b"}}]}, "topics.0.map.id: 'a..b' is no path at '..b'"),
        ({"topics": [MAPPED | {"map": {"id": "$value"}}]}, "topics.0.map.id: '$value' is no path"),
        ({"topics": [MAPPED | {"map": {"idd": "a"}}]}, "topics.0.map.idd: no such setting"),
        ({"topics": [MAPPED | {"timestamp_unit": "h"}]}, "topics.0.timestamp_unit: "),
        ({"topics": [{"topic": "a", "timestamp_unit": "ms"}]}, "topics.0: timestamp_unit: needs a `map`"),
        ({"security": {"protocol": "SASL_SSL"}}, "security: protocol SASL_SSL needs mechanism"),
        ({"security": {"protocol": "SSL", "password": "A"}}, "security: protocol SSL takes no mechanism"),
        (
            {"security": SASL | {"password": "s3cret!"}},
            "security.password: put the secret in an environment variable",
        ),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    message = refusal(tmp_path, GOOD | changes)
    assert told in message
    assert "kafka.yaml" in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    ("text", "told"),
    [("- 1", "expected `kind:`"), ("{", "not YAML"), ("a: 1\n" * 300_000, "is it a source file?")],
)
def test_no_source_file_at_all(tmp_path: Path, text: str, told: str) -> None:
    assert told in refusal(tmp_path, text)


def test_secrets_and_files_are_looked_for_before_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = load_source(written(tmp_path, GOOD | {"security": SASL | {"ca_file": "ca.pem"}}))
    with pytest.raises(SourceError, match="KAFKA_WORD is not set"):
        source.ready()
    (tmp_path / "word").write_text("hush\n")
    monkeypatch.setenv("KAFKA_WORD_FILE", str(tmp_path / "word"))
    with pytest.raises(SourceError, match=r"security.ca_file: .*ca.pem is no file"):
        source.ready()
    (tmp_path / "ca.pem").touch()
    source.ready()
    assert isinstance(source, Kafka)
    settings = source.security.settings()
    assert settings["sasl_plain_password"] == "hush"
    assert settings["ssl_cafile"] == str(tmp_path / "ca.pem")
    assert "hush" not in repr(source)


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    monitor = tmp_path / "monitor.yaml"
    monitor.write_text("{model: m, task: binary, features: {x: numeric}}", encoding="utf-8")
    file = written(tmp_path, GOOD | {"colour": 1})
    common = ("collect", "--monitor", monitor, "--data", tmp_path / "data")
    assert "colour: no such setting" in command(*common, "--source", file, code=2)
    good = written(tmp_path, GOOD)
    assert "two source files have this name" in command(*common, "--source", good, "--source", good, code=2)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b[1].c", 7),
        ("a.b[9]", None),
        ("a.x.y", None),
        ("a[0]", None),
        ('["d.e"]', 8),
        ("['d.e']", 8),
        ("list", [1, 2]),
        ("$key", "k"),
        ("$timestamp", 1.5),
        ("$position", "t/0@1"),
        ("$headers.trace-id", "abc"),
        ("$headers.none", None),
    ],
)
def test_paths(path: str, found: Any) -> None:
    value = {"a": {"b": [0, {"c": 7}]}, "d.e": 8, "list": [1, 2]}
    origin = Origin("t/0@1", 1500, b"k", [("trace-id", b"abc")])
    assert parse_path(path).find(value, origin) == found

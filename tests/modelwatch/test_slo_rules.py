"""Prometheus rules, checked by Prometheus' own tool: they parse, and they fire when the workbook says."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from dashboards.prometheus_rules import duration, resolved, rule_groups
from detectors import Objective
from modelwatch.cli import app

PROMTOOL = shutil.which("promtool")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MODEL = 'we"ird/m'
SLOS = (
    Objective(name="available", sli="availability", target=0.999),
    Objective(name="drift", sli="drift.univariate.a < 0.2", target=0.95, period=7 * DAY),
    Objective(name="good", sli="roc_auc >= 0.8"),
)
checked = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed: apt install prometheus")


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert PROMTOOL is not None
    return subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False, timeout=60)


@checked
@pytest.mark.parametrize("window", [MINUTE, 5 * MINUTE, HOUR, DAY, 14 * DAY], ids=str)
def test_the_rules_are_prometheus_rules(tmp_path: Path, window: timedelta) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(rule_groups(MODEL, SLOS, window, "http://m:8700/")), encoding="utf-8")
    found = promtool("check", "rules", str(path))
    assert found.returncode == 0, found.stderr
    assert "SUCCESS" in found.stdout, found.stderr
    assert "FAILED" not in found.stderr


def test_the_windows_and_rates_are_the_workbooks() -> None:
    rules = rule_groups("m", SLOS[:1], MINUTE, "http://m:8700")["groups"][0]["rules"]
    recorded = [rule["record"].rsplit("rate", 1)[1] for rule in rules if "record" in rule]
    assert recorded == ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"]
    page, ticket = (rule for rule in rules if "alert" in rule)
    assert [page["labels"]["severity"], ticket["labels"]["severity"]] == ["page", "ticket"]
    for rule, pairs in ((page, ("1h 5m 0.0144", "6h 30m 0.006")), (ticket, ("1d 2h 0.003", "3d 6h 0.001"))):
        for pair in pairs:
            long, short, most = pair.split()
            assert f"rate{long}{{" in rule["expr"]
            assert f'rate{short}{{model="m",slo="available"}} >= {most}' in rule["expr"]
        assert rule["annotations"]["runbook_url"] == "http://m:8700/models/m/objectives#available"


@pytest.mark.parametrize("window", [MINUTE, HOUR, DAY, 14 * DAY], ids=str)
def test_no_rule_looks_at_less_than_two_windows(window: timedelta) -> None:
    found = resolved(30 * DAY, window)
    assert {limit.severity for limit, _ in found} == {"page", "ticket"}
    for limit, short in found:
        assert limit.length >= short >= 2 * window
    assert len({(limit.length, limit.severity) for limit, _ in found}) == len(found)


def test_durations_are_exact_in_prometheus_units() -> None:
    assert [duration(one) for one in (90 * MINUTE, 30 * DAY, 36 * HOUR)] == ["90m", "30d", "36h"]


def series(name: str, outcome: str, increments: list[int]) -> dict[str, str]:
    """A counter as promtool takes it, a value a step."""
    values, total = [], 0
    for one in increments:
        total += one
        values.append(str(total))
    return {
        "series": f'modelwatch_slo_events_total{{model="m",slo="{name}",outcome="{outcome}"}}',
        "values": " ".join(values),
    }


def firing(at: timedelta, severity: str, *, told: bool) -> dict[str, Any]:
    name = f'ALERTS{{alertname="ModelwatchErrorBudgetBurn",severity="{severity}"}}'
    held = {"alertname": "ModelwatchErrorBudgetBurn", "alertstate": "firing", "model": "m"}
    held |= {"severity": severity, "slo": "available"}
    labels = "{" + ",".join(f'{key}="{value}"' for key, value in held.items()) + "}"
    return {
        "expr": name,
        "eval_time": duration(at),
        "exp_samples": [{"labels": f"ALERTS{labels}", "value": 1}] if told else [],
    }


@checked
def test_an_outage_pages_in_minutes_and_is_over_soon(tmp_path: Path) -> None:
    """Five percent of 1,000 requests a minute fail for an hour, after four: told after 17 minutes."""
    before, fails = 4 * 60, 60
    bad = [50 if before <= minute < before + fails else 0 for minute in range(before + 100)]
    expected = [
        firing(4 * HOUR - MINUTE, "page", told=False),
        firing(4 * HOUR + 14 * MINUTE, "page", told=False),
        firing(4 * HOUR + 20 * MINUTE, "page", told=True),
        firing(4 * HOUR + 59 * MINUTE, "page", told=True),
        firing(4 * HOUR + 95 * MINUTE, "page", told=False),
    ]
    assert_fires(tmp_path, MINUTE, bad, [1000 - one for one in bad], expected)


@checked
def test_at_low_traffic_one_failure_tells_nobody(tmp_path: Path) -> None:
    """Twelve requests an hour: one failure is 83 x the budget of an hour, and no news; an outage is."""
    hour, step = 12, 5 * MINUTE
    bad = [int(place == 12 * hour) for place in range(24 * hour)] + [1] * (3 * hour)
    good = [1 - one for one in bad]
    expected = [
        *(firing(HOUR * at, kind, told=False) for at in (12, 13, 20) for kind in ("page", "ticket")),
        firing(DAY + 50 * MINUTE, "page", told=True),
    ]
    assert_fires(tmp_path, step, bad, good, expected)


def assert_fires(
    folder: Path, step: timedelta, bad: list[int], good: list[int], expected: list[dict[str, Any]]
) -> None:
    rules, tests = folder / "rules.yaml", folder / "tests.yaml"
    rules.write_text(yaml.safe_dump(rule_groups("m", SLOS[:1], step, "http://m")), encoding="utf-8")
    case = {
        "interval": duration(step),
        "input_series": [series("available", "bad", bad), series("available", "good", good)],
        "promql_expr_test": expected,
    }
    content = {"rule_files": [rules.name], "evaluation_interval": duration(step), "tests": [case]}
    tests.write_text(yaml.safe_dump(content, width=10**9), encoding="utf-8")
    found = promtool("test", "rules", str(tests))
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_command_prints_them(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    text = (
        "model: m\ntask: binary\nfeatures: {a: numeric}\nslos: [{name: a, sli: availability, target: 99%}]\n"
    )
    path.write_text(text, encoding="utf-8")
    found = CliRunner().invoke(app, ["slo", "rules", str(path), "--url", "https://m.example"])
    assert found.exit_code == 0
    wanted = [Objective(name="a", sli="availability", target=0.99)]
    assert yaml.safe_load(found.stdout) == rule_groups("m", wanted, HOUR, "https://m.example")
    path.write_text(text.split("slos", maxsplit=1)[0], encoding="utf-8")
    assert CliRunner().invoke(app, ["slo", "rules", str(path)]).exit_code == 2

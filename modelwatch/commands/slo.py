"""`modelwatch slo`: objectives as OpenSLO documents and as Prometheus rules."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from pydantic import ValidationError

from collector.document import DocumentError, problems
from dashboards.openslo import Refused, documents, read_objectives
from dashboards.prometheus_rules import rule_groups
from detectors import Objective
from modelwatch.commands.terminal import err, fail, monitors
from modelwatch.monitor import Monitor
from modelwatch.openslo import read_documents

MonitorFile = Annotated[Path, typer.Argument(help="The monitor file.")]
app = typer.Typer(no_args_is_help=True, help="Objectives: OpenSLO v1 in and out, Prometheus rules.")


def _loaded(path: Path) -> Monitor:
    (loaded,) = monitors([path])
    if not loaded.slos:
        fail(f"{path}: has no `slos:`; there is nothing to write")
    return loaded


def _write(*values: Any) -> None:
    sys.stdout.write(yaml.safe_dump_all(values, sort_keys=False, width=110, allow_unicode=True))


@app.command()
def export(
    monitor: MonitorFile,
    prometheus: Annotated[
        str, typer.Option(help="The address of the Prometheus that scrapes Modelwatch.")
    ] = "http://127.0.0.1:9090",
) -> None:
    """Print the objectives as OpenSLO v1 documents."""
    loaded = _loaded(monitor)
    _write(*documents(loaded.model, loaded.slos, loaded.window.size, prometheus))


@app.command()
def rules(
    monitor: MonitorFile,
    url: Annotated[str, typer.Option(help="Where Modelwatch's pages are.")] = "http://127.0.0.1:8700",
) -> None:
    """Print Prometheus recording and alerting rules for the objectives."""
    loaded = _loaded(monitor)
    _write(rule_groups(loaded.model, loaded.slos, loaded.window.size, url))


@app.command(name="import")
def take(
    file: Annotated[Path, typer.Argument(help="A YAML file of OpenSLO v1 documents.")],
    monitor: Annotated[Path, typer.Option(help="The monitor file that they are for.")],
) -> None:
    """Print OpenSLO v1 objectives as `slos:` of a monitor file; exits with 1 if some cannot be such."""
    (loaded,) = monitors([monitor])
    try:
        found, refused = read_objectives(read_documents(file), loaded.window.size, loaded.slos)
    except DocumentError as error:
        fail(error)
    taken: list[Objective] = []
    for slo in found:
        try:
            Monitor.model_validate(loaded.model_dump(exclude_unset=True) | {"slos": (*taken, slo)})
        except ValidationError as error:
            refused.append(Refused(slo.name, "; ".join(line.strip() for line in problems(error))))
        else:
            taken.append(slo)
    if taken:
        _write({"slos": [slo.model_dump(mode="json", exclude_defaults=True) for slo in taken]})
    for one in refused:
        err.print(f"{file}: {one.name}: {one.reason}", markup=False, highlight=False, soft_wrap=True)
    if refused or not taken:
        raise typer.Exit(1)

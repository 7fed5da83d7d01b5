"""`modelwatch compare`: two versions side by side, and an exit code for a pipeline."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import sqlalchemy as sa
import typer
from rich.markup import escape
from rich.table import Table

from alerts.secret import SecretError, is_named, secret
from collector.store.database import Database
from dashboards.comparing import Question, QuestionError, answered
from dashboards.gate import answer
from dashboards.words import number
from modelwatch.commands.serve import VARIABLE
from modelwatch.commands.terminal import DEFAULT_DATA, Data, DatabaseUrl, fail, monitors, out
from modelwatch.opening import OpeningError, location

EXITS = {"pass": 0, "fail": 1, "wait": 2}
PATIENCE = 30.0
Answer = dict[str, Any]


def compare(  # noqa: PLR0917 - options, which users name
    model: Annotated[str, typer.Argument(help="The model's name.")],
    baseline: Annotated[str, typer.Option(help="The version that is known to be good.")] = "",
    candidate: Annotated[str, typer.Option(help="The canary, or the shadow.")] = "",
    metric: Annotated[
        list[str] | None, typer.Option(help="Such as roc_auc or error_rate; may be repeated.")
    ] = None,
    margin: Annotated[str, typer.Option(help="What matters: 0.01, or roc_auc=0.01,latency_p99=0.1.")] = "",
    since: Annotated[str, typer.Option(help="Windows since: ISO 8601, or a duration such as 6h.")] = "",
    segment: Annotated[str, typer.Option(help="Which rows, such as region=north; all when left out.")] = "",
    url: Annotated[
        str | None, typer.Option(help="Ask a service, with MODELWATCH_TOKEN, not a database.")
    ] = None,
    monitor: Annotated[list[Path] | None, typer.Option(help="Monitor files, to ask a database.")] = None,
    data: Data = DEFAULT_DATA,
    database: DatabaseUrl = None,
    format: Annotated[str, typer.Option(help="table or json")] = "table",  # noqa: A002 - the option's name
) -> None:
    """Compare two versions. Exits with 0 to pass, 1 where the candidate is worse, 2 where it is not known."""
    asked = {"baseline": baseline, "candidate": candidate, "metrics": ",".join(metric or [])}
    question = Question(**asked, margin=margin, since=since, segment=segment)
    if format not in ("table", "json"):
        fail(f"--format {format} is neither table nor json")
    if url is not None:
        found = _of_service(url, model, question)
    else:
        found = _of_database(data, database, model, question, monitor or [])
    if format == "json":
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        _show(found)
    raise typer.Exit(EXITS[found["result"]])


def _of_service(url: str, model: str, question: Question) -> Answer:
    try:
        headers = {"Authorization": f"Bearer {secret(VARIABLE)}"} if is_named(VARIABLE) else {}
        address = f"{url.rstrip('/')}/v1/models/{quote(model, safe='')}/gate"
        given = {name: value for name, value in question.model_dump().items() if value}
        response = httpx.get(address, params=given, headers=headers, timeout=PATIENCE)
        if not response.is_success:
            fail(f"{address}: {response.status_code} {response.text[:500]}")
        found: Answer = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, SecretError, ValueError) as error:
        fail(f"{url}: {error}")
    return found


def _of_database(
    data: Path, database: str | None, model: str, question: Question, files: list[Path]
) -> Answer:
    if not files:
        fail(
            "a database is read with the model's monitor: name it with --monitor, or ask a service with --url"
        )
    known = {one.model: one for one in monitors(files)}
    if model not in known:
        fail(f"no model {model!r} in these monitors; there are {', '.join(sorted(known))}")
    try:
        where = location(data, database)
        if isinstance(where, Path) and not where.exists():
            fail(f"{where}: no such database; name the service's folder with --data")
        with closing(Database(where)) as opened, opened.read() as connection:
            return answer(model, answered(connection, known[model], question))
    except (QuestionError, OpeningError, ValueError, sa.exc.DBAPIError) as error:
        fail(error)


def _show(found: Answer) -> None:
    """Print an answer as a table."""
    versions = (escape(found[arm]) for arm in ("baseline", "candidate"))
    table = Table("metric", *versions, "difference", "interval", "verdict")
    for row in found["metrics"]:
        values = [number(row[arm]["value"]) for arm in ("baseline", "candidate")]
        interval = "-" if row["lower"] is None else f"{number(row['lower'])} to {number(row['upper'])}"
        told = row["verdict"] + (f": {row['missing']}" if row["missing"] else "")
        told += f", not worse by {number(row['margin'])}" if row["not_worse"] and row["margin"] else ""
        table.add_row(row["metric"], *values, number(row["difference"]), interval, told)
    out.print(table)
    windows = found["windows"]
    rests = f"{windows['count']} windows" + (
        f", {windows['first']} to {windows['last']}" if windows["count"] else ""
    )
    out.print(f"{found['result']}: {found['verdict']}, from {rests}", highlight=False, markup=False)
    if not windows["count"]:
        out.print(found["reason"], highlight=False, markup=False)

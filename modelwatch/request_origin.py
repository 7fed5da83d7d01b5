"""Where a breach of latency or errors comes from: a deployment, a part of the traffic, or the stack."""

from __future__ import annotations

from alerts import deployments
from alerts.line import Line
from collector.store.requests import RequestReader
from dashboards.queries.requests import History
from dashboards.request_changes import Account, Deployed
from detectors import Check
from detectors.diagnosis.request_measures import ErrorShare, LatencyLevel, Measure
from detectors.diagnosis.split import Where
from detectors.error_rate import ErrorRate
from detectors.latency_quantile import LatencyQuantile
from modelwatch.circumstances import REMEMBERED, Circumstances

LOWER = (90.0, 50.0)


def measure_of(check: Check) -> Measure | None:
    """What a check measures of requests; None of other checks."""
    if isinstance(check.detector, LatencyQuantile):
        return LatencyLevel(check.detector.percentile)
    return ErrorShare() if isinstance(check.detector, ErrorRate) else None


def request_origin(known: Circumstances, line: Line, onset: int) -> str | None:
    """The change and its origin in a sentence, as the page of requests has it.

    None where it is none of requests, or too small or too new to be sure of.

    Args:
        known: what is stored around the line.
        line: of latency or errors, in breach.
        onset: the start of the window in which the change began, in microseconds.
    """
    checked = known.check(line)
    measure = measure_of(checked[1]) if checked else None
    if measure is None:
        return None
    low = line.start - REMEMBERED * known.judge.length
    starts = known.reader.starts("production", low, line.start + 1)
    held = History(
        known.connection,
        RequestReader(),
        known.model,
        known.reader.shape,
        starts,
        known.judge.length,
        line.segment,
    )
    series = held.series()
    change = series.change_at(measure, onset)
    if change is None:
        return None
    changes = [change]
    if isinstance(measure, LatencyLevel) and all(split.where is Where.UNKNOWN for split in change.splits):
        # parts of the traffic may have too few requests for a high quantile
        lower = (series.change_at(LatencyLevel(one), onset) for one in LOWER if one < measure.percentile)
        changes += list(filter(None, lower))[:1]
    deployed = deployments.before(known.connection, known.model, known.end)
    account = Account([Deployed(one.at, one.version) for one in deployed], known.judge.length)
    return account.sentence(changes)

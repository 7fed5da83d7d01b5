"""A column's figures, the reference's beside those of the chosen windows."""

from __future__ import annotations

from typing import Any

from dashboards.words import NONE, number, share
from profiles import CategoricalSummary, NumericSummary

QUANTILES = (("5 % quantile", 0.05), ("median", 0.5), ("95 % quantile", 0.95))
Row = tuple[str, str, str]


def facts(reference: Any, current: Any) -> list[Row]:
    """Name, value in the reference, and value in the chosen windows."""
    pair = (reference, current)
    rows = [
        _row("rows", *(number(one.count + one.nulls) if one.count + one.nulls else NONE for one in pair)),
        _row("missing", *(share(_missing(one)) for one in pair)),
    ]
    if isinstance(current, NumericSummary):
        rows.append(_row("mean", *(number(one.mean()) for one in pair)))
        rows += [_row(name, *(number(one.quantile(level)) for one in pair)) for name, level in QUANTILES]
        rows.append(_row("smallest", *(number(one.low) for one in pair)))
        rows.append(_row("largest", *(number(one.high) for one in pair)))
    if isinstance(current, CategoricalSummary):
        rows.append(_row("categories", *(number(float(_kinds(one))) for one in pair)))
        rows.append(_row("unseen in the reference", *(share(_unseen(one)) for one in pair)))
        if any(one.unseen_examples for one in pair):
            rows.append(
                _row("unseen, for example", *(", ".join(one.unseen_examples) or NONE for one in pair))
            )
    return rows


def _row(name: str, before: str, now: str) -> Row:
    return name, before, now


def _missing(summary: Any) -> float | None:
    rows = summary.count + summary.nulls
    return summary.nulls / rows if rows else None


def _unseen(summary: CategoricalSummary) -> float | None:
    return summary.unseen / summary.count if summary.count else None


def _kinds(summary: CategoricalSummary) -> int:
    known = len(summary.space.values)
    return int((summary.counts.keys < known).sum())

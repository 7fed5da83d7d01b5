"""Shares of categories: one took over, some are new, some are gone, or they changed."""

from __future__ import annotations

import numpy as np

from detectors.diagnosis.categories import SIGMAS, Categories
from detectors.diagnosis.finding import Finding, Kind, percent

ALWAYS, TOOK_OVER, VANISHED, NEW, MIXED, CHANGED = 1.0, 0.93, 0.92, 0.92, 0.8, 0.5
PLACEHOLDERS = frozenset(
    (
        "",
        "?",
        "-",
        "n/a",
        "na",
        "nan",
        "none",
        "null",
        "nil",
        "unknown",
        "undefined",
        "missing",
        "default",
        "other",
    )
)
FEWEST_VALUES = 3  # of two categories one always grows at the cost of the rest
LEAST_SHARE = 0.02
SHOWN = 3
RARE = 0.001


def constant(categories: Categories) -> Finding | None:
    """Every row has the same value."""
    held = np.flatnonzero(categories.after)
    if held.size != 1 or np.count_nonzero(categories.before) < 2 or categories.after.sum() < 2:  # noqa: PLR2004
        return None
    share = categories.shares[0][held[0]]
    if (1 - share) * categories.after.sum() < SIGMAS**2:
        return None
    text = f"every value is {_name(categories, int(held[0]))} (before {percent(share)})"
    return Finding(Kind.CONSTANT, text, ALWAYS)


def took_over(categories: Categories) -> Finding | None:
    """One value took rows of all others alike: a default."""
    before, after = categories.shares
    if np.count_nonzero(categories.before) < FEWEST_VALUES:
        return None
    place = int(np.argmax(after - before))
    gain = (after[place] - before[place]) / (1 - before[place])
    expected = (1 - gain) * before
    expected[place] += gain
    if gain < max(LEAST_SHARE, SIGMAS * categories.noise[place]) or not categories.explained_by(expected):
        return None
    fresh = before[place] <= RARE and categories.names[place].strip().casefold() not in PLACEHOLDERS
    name = _name(categories, place)
    text = f"{name} took {percent(after[place])} of the rows (before {percent(before[place])})"
    return Finding(Kind.DEFAULT, text + ", from all others alike", NEW - 0.01 if fresh else TOOK_OVER)


def vanished(categories: Categories) -> Finding | None:
    """Categories are gone, and the others share what they had."""
    gone = categories.vanished().tolist()
    if not gone or categories.appeared().size:
        return None
    before, after = categories.shares
    order = sorted(gone, key=lambda place: -before[place])
    text = ", ".join(
        f"{_name(categories, place)} {percent(before[place])} -> {percent(after[place])}"
        for place in order[:SHOWN]
    )
    more = f" and {len(order) - SHOWN} more" if len(order) > SHOWN else ""
    trust = VANISHED if categories.explained_by(categories.without(gone)) else MIXED
    return Finding(Kind.VANISHED, text + more, trust)


def new(categories: Categories, unseen: int) -> Finding | None:
    """Values that the reference does not know, or hardly."""
    fresh = categories.appeared().tolist()
    before, after = categories.shares
    share = max(float(sum(after[place] - before[place] for place in fresh)), unseen / categories.after.sum())
    if not fresh and unseen <= SIGMAS * np.sqrt(max(RARE * categories.after.sum(), 1)):
        return None
    names = [categories.names[place] for place in fresh if categories.names[place]]
    names += [name for name in _examples(categories) if name not in names]
    shown = ", ".join(repr(name) for name in names[:SHOWN]) or "unknown values"
    more = " and others" if len(names) > SHOWN or len(fresh) > len(names) else ""
    return Finding(Kind.NEW, f"{shown}{more}: {percent(share)} of the rows", NEW)


def changed(categories: Categories) -> Finding | None:
    """The largest changes of shares."""
    before, after = categories.shares
    order = np.argsort(-np.abs(after - before), kind="stable")[:SHOWN].tolist()
    if not abs(after[order[0]] - before[order[0]]) > SIGMAS * categories.noise[order[0]]:
        return None
    text = ", ".join(
        f"{_name(categories, place)} {percent(before[place])} -> {percent(after[place])}"
        for place in order
        if abs(after[place] - before[place]) > 2 * categories.noise[place]
    )
    return Finding(Kind.SHARES, text, CHANGED)


def _examples(categories: Categories) -> list[str]:
    seen = zip(categories.names, categories.before, categories.after, strict=True)
    return [name for name, was, now in seen if name and not was and now]


def _name(categories: Categories, place: int) -> str:
    return repr(categories.names[place]) if categories.names[place] else "an unseen value"

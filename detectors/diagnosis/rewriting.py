"""Categories under other names: written differently, or renamed; and those that changed places."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from detectors.diagnosis.categories import SIGMAS, Categories
from detectors.diagnosis.finding import Finding, Kind, percent

REWRITTEN, RENAMED, EXCHANGED = 0.99, 0.97, 0.95
SHOWN = 3
MOST_COMPARED = 200
MEANINGS = {"true": "1", "false": "0", "yes": "1", "no": "0", "y": "1", "n": "0", "t": "1", "f": "0"}


def plain(name: str) -> str:
    """A value without what differs between ways to write it: case, spaces, separators, quotes, number format.

    >>> plain(" New-York "), plain("01"), plain("1.0"), plain("TRUE"), plain("new_york")
    ('newyork', '1', '1', '1', 'newyork')
    """
    text = "".join(letter for letter in name.casefold() if letter not in " \t\r\n_-\"'").rstrip(".")
    try:
        text = f"{float(text):.15g}"
    except ValueError:
        return MEANINGS.get(text, text)
    return text


def rewritten(categories: Categories) -> Finding | None:
    """Values came that are known ones, written differently, where those fell."""
    before, after = categories.shares
    by_plain: dict[str, int] = {}
    for place in np.argsort(categories.before)[::-1][:MOST_COMPARED].tolist():
        if categories.before[place] and categories.names[place]:
            by_plain.setdefault(plain(categories.names[place]), place)
    pairs: dict[int, int] = {}
    for place in categories.appeared().tolist():
        known = by_plain.get(plain(categories.names[place])) if categories.names[place] else None
        if known is not None and known != place and after[known] < before[known]:
            pairs[known] = place
    moved = sum(after[new] - before[new] for new in pairs.values())
    came = sum(after[place] - before[place] for place in categories.appeared().tolist())
    if not pairs or moved < 0.5 * came:
        unnamed = [place for place in categories.appeared().tolist() if not categories.names[place]]
        if not pairs or moved + sum(after[place] for place in unnamed) < 0.5 * came:
            return None
    text = f"the same values written differently: {_pairs(categories, pairs)}, {percent(came)} of the rows"
    return Finding(Kind.REWRITTEN, text, REWRITTEN)


def renamed(categories: Categories) -> Finding | None:
    """A category is gone, and a new one has its share."""
    before, after = categories.shares
    gone, fresh = categories.vanished().tolist(), categories.appeared().tolist()
    if not gone or not fresh:
        return None
    pairs: dict[int, int] = {}
    free = set(fresh)
    for place in sorted(gone, key=lambda one: -before[one]):
        lost = before[place] - after[place]
        near = min(free, key=lambda one: abs(after[one] - before[one] - lost), default=None)
        if near is None:
            break
        gained = after[near] - before[near]
        noise = max(categories.noise[place], categories.noise[near])
        if abs(gained - lost) <= SIGMAS * noise + 0.03 * lost:
            pairs[place] = near
            free.discard(near)
    if len(pairs) < len(gone) or free:
        return None
    expected = before.copy()
    for old, new in pairs.items():
        expected[[old, new]] = before[[new, old]]
    if not categories.explained_by(expected):
        return None
    return Finding(Kind.RENAMED, f"{_pairs(categories, pairs)} has the same share", RENAMED)


def exchanged(categories: Categories) -> Finding | None:
    """Two categories have each other's share, as when codes or labels are swapped."""
    before, after = categories.shares
    if before.size < 2:  # noqa: PLR2004 - a pair
        return None
    one, other = np.argsort(-np.abs(after - before), kind="stable")[:2].tolist()
    expected = before.copy()
    expected[[one, other]] = before[[other, one]]
    off = np.abs(after - before) > SIGMAS * categories.noise
    if not (off[one] and off[other] and before[one] and before[other]):
        return None
    if not categories.explained_by(expected):
        return None
    names = f"{categories.names[one]!r} and {categories.names[other]!r}"
    text = f"{names} have each other's share ({percent(before[one])}, {percent(before[other])})"
    return Finding(Kind.RENAMED, text, EXCHANGED)


def _pairs(categories: Categories, pairs: Mapping[int, int]) -> str:
    before = categories.before
    order = sorted(pairs, key=lambda place: -before[place])
    shown = [
        f"{categories.names[old]!r} -> {categories.names[pairs[old]]!r}"
        if categories.names[pairs[old]]
        else f"{categories.names[old]!r} -> a new value"
        for old in order[:SHOWN]
    ]
    more = f" and {len(order) - SHOWN} more" if len(order) > SHOWN else ""
    return ", ".join(shown) + more

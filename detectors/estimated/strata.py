"""Summaries of one part by segment column: what estimates may be divided by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from detectors.estimated.cells import Strata
from profiles import Profile

MOST = 32  # segments of a column: more are not told apart well


def strata_of(segments: Mapping[str, Profile], part: str, column: str | None = None) -> Mapping[str, Strata]:
    """A part of a window's profiles, by segment column and segment; column "" is of all rows.

    Rows without a value of a column are what is left of all rows.

    Args:
        segments: profiles by `column=value`, and "" for all rows.
        part: its name.
        column: which alone is wanted; None for every column of at most `MOST` segments.

    >>> import numpy as np
    >>> from profiles import Vocabulary
    >>> said = lambda *codes: {"p": Vocabulary(("a",)).summarize(np.array(codes), ["a"])}
    >>> found = strata_of({"": Profile(3, said(0, 0, 0)), "k=v": Profile(2, said(0, 0))}, "p")
    >>> {column: {name: one.count for name, one in strata.items()} for column, strata in found.items()}
    {'': {'': 3}, 'k': {'k=v': 2, '': 1}}
    """
    held = {name: one.parts[part] for name, one in segments.items() if part in one.parts}
    whole = held.pop("", None)
    if whole is None:
        return {}
    found: dict[str, dict[str, Any]] = {"": {"": whole}}
    for name, summary in held.items():
        own = name.partition("=")[0]
        if column is None or own == column:
            found.setdefault(own, {})[name] = summary
    found = {own: strata for own, strata in found.items() if column is not None or len(strata) <= MOST}
    for own, strata in found.items():
        if own:
            rest = whole
            for summary in strata.values():
                rest = rest - summary
            if rest.count:
                strata[""] = rest
    return found

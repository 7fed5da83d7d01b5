"""The last good windows are the reference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from collector.store.read import Reader
from modelwatch.references.reference import Past, Reference, Windows, every


class TrailingReference(Reference):
    """The last good windows before this one: follows seasons, and slow drift.

    Windows in breach are left out, unless the breach lasts: after `adopt_after` windows in a row the changed
    world is the new normal. Until there are `at_least` good windows, the file is the reference, if one is
    given; its grids and vocabularies stay.
    """

    kind: Literal["trailing"] = "trailing"
    windows: int = Field(default=28, ge=2)
    at_least: int = Field(default=14, ge=2)
    adopt_after: int = Field(default=14, ge=1)
    path: Path | None = None

    def choose(self, reader: Reader, window: int, past: Past, past_outcomes: Past) -> Windows | None:
        """The last good windows, or the file."""
        found = tuple(good(past, window, self.adopt_after))[-self.windows :]
        if len(found) < self.at_least:
            return every(reader)
        outcomes = tuple(good(past_outcomes, window, self.adopt_after))[-self.windows :]
        return Windows("production", found, outcomes)

    @property
    def file(self) -> Path | None:
        """The file to begin with."""
        return self.path


def good(past: Past, window: int, adopt_after: int) -> Iterator[int]:
    """The starts of the windows before a window that were good, or whose breach has become normal.

    >>> list(good([(0, False), (1, True), (2, True), (3, True)], 9, adopt_after=3))
    [0, 1, 2, 3]
    """
    run: list[int] = []
    for start, breach in past:
        if start >= window:
            break
        run = [*run, start] if breach else []
        if not breach or len(run) > adopt_after:
            yield start
        elif len(run) == adopt_after:
            yield from run

"""Spans: windows merged into days and weeks, in which small lasting changes show.

A change too small for one hour is plain in the sum of a day: the noise of sampling averages out, and so do
the hours that resemble their neighbours. Each span is judged once, when it is over, against the spans of the
reference, and shares the false-alarm budget.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from collector.window import Window
from profiles import Profile

LENGTHS = (timedelta(days=1), timedelta(days=7))
LEAST_WINDOWS = 4  # in a span, or it says little that its windows do not
LEAST = 0.5  # of a span's windows must have predictions to judge it
FEWEST = 5  # spans of the reference, to know how much they differ
WHOLE = 0.9  # of a span's windows must be there: half a day is not like a day


def spans_of(window: Window) -> tuple[Window, ...]:
    """The spans in which windows are judged again, short to long.

    >>> [span.size.days for span in spans_of(Window(size=timedelta(hours=1)))]
    [1, 7]
    >>> [span.size.days for span in spans_of(Window(size=timedelta(days=1)))]
    [7]
    """
    fitting = [size for size in LENGTHS if size >= LEAST_WINDOWS * window.size and not size % window.size]
    return tuple(Window(size=size, origin=window.origin) for size in fitting)


def merged(profiles: Mapping[int, Profile], span: Window) -> dict[int, Profile]:
    """The reference's profiles summed by span, by start; {} where there are too few whole ones."""
    sums: dict[int, Profile] = defaultdict(Profile)
    windows: dict[int, int] = defaultdict(int)
    for start in sorted(profiles):
        at = span.start(start)
        sums[at] = sums[at] + profiles[start]
        windows[at] += 1
    most = max(windows.values(), default=0)
    whole = {at: profile for at, profile in sums.items() if windows[at] >= WHOLE * most}
    return whole if len(whole) >= FEWEST else {}


def due(span: Window, start: int, length: int, past: Sequence[int]) -> list[int]:
    """The starts of the spans that are over with a window: its own, or an earlier one whose end was silent.

    Args:
        span: the span.
        start: of the window, in microseconds.
        length: of the window.
        past: the starts of the windows with predictions before it, ascending.

    >>> day = Window(size=timedelta(days=1))
    >>> hour = 3_600_000_000
    >>> due(day, 23 * hour, hour, [22 * hour])
    [0]
    >>> due(day, 25 * hour, hour, [20 * hour])
    [0]
    """
    own, found = span.start(start), []
    if past:
        before = span.start(past[-1])
        if before != own and past[-1] + length != before + span.length:
            found.append(before)
    return [*found, own] if start + length == own + span.length else found

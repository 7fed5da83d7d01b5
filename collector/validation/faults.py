"""What is wrong with the rows of a delivery."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from collector.batch import Predictions, Rejection
from collector.validation.columns import Fault


class Faults(dict[int, tuple[str, Fault]]):
    """By row, the first bad field and its fault.

    An object of its own: a reader that is given a method of what holds it would keep both, and the columns
    in them, until the garbage collector comes round.
    """

    def note(self, name: str, faults: Sequence[Fault]) -> None:
        """Note the faults of a field."""
        for fault in faults:
            self.setdefault(fault.row, (name, fault))


def timed(rejections: Iterable[Rejection], rows: Iterable[int], read: Predictions | None) -> list[Rejection]:
    """Rejections with the time and the version of their rows, as far as they could be read.

    Args:
        rejections: in the order of their rows.
        rows: the places of the bad rows in what was read.
        read: the predictions, bad ones included; None for other events.
    """
    if read is None:
        return list(rejections)
    codes, names = read.versions.codes, (*read.versions.names, None)  # -1, a bad version, is the last
    return [
        replace(one, time=int(read.times[at]) or None, version=names[codes[at]] or "")
        for one, at in zip(rejections, sorted(rows), strict=True)
    ]

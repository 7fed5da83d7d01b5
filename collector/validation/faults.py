"""What is wrong with the rows of a delivery."""

from __future__ import annotations

from collections.abc import Sequence

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

"""Gaps between the groups of a column, in the pipeline: each window's groups against the reference's."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from collector.summarize import EVERYTHING, OTHER
from detectors import Judgement, Phase, insufficient, phase_of
from detectors.fairness import GroupGap
from detectors.fairness.contrasts import Way
from detectors.fairness.group_gap import Groups
from detectors.spread import Spreads
from profiles import Profile

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LearnedGap:
    """One gap between the groups of one column, and what is healthy.

    Attributes:
        column: whose values are the groups.
        gap: what is judged.
        baseline: what it learned from the reference.
    """

    column: str
    gap: GroupGap
    baseline: Mapping[Way, Spreads]

    @property
    def signal(self) -> str:
        """The dotted name of what is measured."""
        return self.gap.measure.signal

    @property
    def of_labels(self) -> bool:
        """Whether it is judged when labels have come."""
        return self.gap.measure.of_labels

    def judge(self, profiles: Mapping[str, Profile], alpha: float, phase: Phase) -> Judgement:
        """Judge a window by its profiles, by segment."""
        try:
            return self.gap.judge(self.baseline, groups_of(self.column, self.gap, profiles), alpha, phase)
        except Exception:
            log.exception("%s between the groups of %s failed", self.signal, self.column)
            return insufficient("the comparison failed; see the service's log")


def groups_of(column: str, gap: GroupGap, profiles: Mapping[str, Profile]) -> Groups:
    """The groups of a column, by value, as far as they have what a gap reads.

    Rare values that share the segment `(other)` are no group.
    """
    own = f"{column}="
    return {
        name.removeprefix(own): profile.parts[gap.measure.part]
        for name, profile in profiles.items()
        if name.startswith(own) and name != own + OTHER and gap.measure.part in profile.parts
    }


def learned_gaps(
    gaps: Sequence[tuple[str, GroupGap]],
    references: Mapping[str, tuple[Mapping[int, Profile], Mapping[int, Profile]]],
    length: int,
) -> Sequence[LearnedGap]:
    """Every gap that a monitor names, learned from the reference's windows.

    Args:
        gaps: the columns, and what is judged between the groups of each.
        references: by segment the profiles of traffic and of joined labels, by the start of their windows.
        length: of a window, in microseconds.
    """
    return [LearnedGap(column, gap, _learn(column, gap, references, length)) for column, gap in gaps]


def _learn(
    column: str,
    gap: GroupGap,
    references: Mapping[str, tuple[Mapping[int, Profile], Mapping[int, Profile]]],
    length: int,
) -> Mapping[Way, Spreads]:
    own = {
        segment: pair[gap.measure.of_labels] for segment, pair in references.items() if segment != EVERYTHING
    }
    starts = sorted({start for windows in own.values() for start in windows})
    held = [
        groups_of(column, gap, {name: windows[at] for name, windows in own.items() if at in windows})
        for at in starts
    ]
    return gap.learn(held, [phase_of(at, length) for at in starts])

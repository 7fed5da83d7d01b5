"""The gap of one measure between the groups of one column: its value, and whether it is a breach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.fairness import contrasts
from detectors.fairness.contrasts import Departure, Way
from detectors.fairness.gap import Gap, gap_of
from detectors.fairness.measures import Measure, Rates
from detectors.judgement import Judgement, insufficient
from detectors.season import Phase
from detectors.spread import Spreads
from profiles.counts import Floats

LEVEL = 0.95
SUSPICIOUS = 1e-3  # so unlikely a departure is worth the words
Groups = Mapping[str, Any]
"""By group, the part of its profile that the measure reads."""


@dataclass(frozen=True)
class GroupGap:
    """Judges the gap between groups.

    With `max_gap` a window is in breach when the whole interval of its gap is above that. Without, when a
    group is further from the rest than in the reference's windows (see `contrasts`).

    Attributes:
        measure: what is compared.
        min_group: groups of fewer rows say nothing.
        max_gap: the objective; None to judge by the reference.
    """

    measure: Measure
    min_group: int = 100
    max_gap: float | None = None

    def learn(self, windows: Sequence[Groups], phases: Sequence[Phase] = ()) -> dict[Way, Spreads]:
        """What is healthy, from the reference's windows in time order."""
        return contrasts.learn([self._rates(window) for window in windows], phases)

    def judge(
        self, baseline: Mapping[Way, Spreads], groups: Groups, alpha: float, phase: Phase = ()
    ) -> Judgement:
        """Judge one window: the gap with its 95 % interval, and in the note who is how far apart.

        Args:
            baseline: what `learn` returned.
            groups: of the window.
            alpha: the p-value that alone is a breach.
            phase: where the window lies in the day and the week.
        """
        rates = self._rates(groups)
        found = widest(rates)
        if found is None:
            counted = f"{len(rates)} of {len(groups)} groups have {self.min_group} rows or more"
            return insufficient(f"{counted} that define {self.measure.name}; a gap needs two")
        rate, gap, names = found
        ends = gap.value, gap.lower, min(gap.upper, self.measure.most)
        note = f"{rate}: {self._said(rates, rate, names[0])}, {self._said(rates, rate, names[1])}"
        if self.max_gap is not None:
            return Judgement(*ends, self.max_gap, breach=gap.lower > self.max_gap, note=note)
        if not baseline:
            return Judgement(*ends, note=f"{note}; the reference has too few rows in groups")
        now = contrasts.contrasts(rates)
        departures = [Departure(way, one.at(phase), now.get(way)) for way, one in baseline.items()]
        return self._against(departures, ends, note, alpha, names)

    def _rates(self, groups: Groups) -> dict[str, Rates]:
        """The rates of the groups that have enough rows."""
        held = {name: self.measure.rates(part) for name, part in groups.items() if part is not None}
        return {name: one for name, one in held.items() if one.rows >= self.min_group}

    @staticmethod
    def _against(
        departures: Sequence[Departure],
        ends: tuple[float, float, float],
        note: str,
        alpha: float,
        named: tuple[str, str],
    ) -> Judgement:
        """Judge by the group that has moved away most."""
        ways = len(departures)
        most = min(departures, key=lambda one: one.p_value)
        if most.contrast is None:
            return Judgement(*ends, note=f"{note}; the reference has too few rows in these groups")
        if most.p_value < SUSPICIOUS / ways and most.way[1] not in named:
            note += f"; moved furthest: {most.way[1]}"
        return Judgement(
            *ends,
            threshold=max(ends[0] + most.room(alpha / ways), 0.0),
            p_value=min(1.0, ways * most.p_value),
            note=note,
            parts=tuple(
                (one.p_value, one.spread.weight if one.contrast else 0.0, 1 / ways) for one in departures
            ),
        )

    def _said(self, rates: Mapping[str, Rates], rate: str, name: str) -> str:
        group = rates[name]
        value = float(group.values[group.names.index(rate)])
        shown = f"{100 * value:.3g} %" if self.measure.shares else f"{value:.4g}"
        return f"{name} {shown} ({group.rows:,} {'labels' if self.measure.of_labels else 'rows'})"


def widest(rates: Mapping[str, Rates]) -> tuple[str, Gap, tuple[str, str]] | None:
    """The rate with the largest gap, the gap, and the names of the highest and the lowest group.

    Of several rates the gap is the largest of theirs, and so is its interval, at a level that several allow.
    None where fewer than two groups define a rate.
    """
    names = sorted(rates)
    every = {
        rate: np.array([(rates[name].values[at], rates[name].errors[at]) for name in names])
        for at, rate in enumerate(rates[names[0]].names if names else ())
    }
    level = 1 - (1 - LEVEL) / max(len(every), 1)
    gaps = {
        rate: found
        for rate, estimates in every.items()
        if (found := _gap(estimates[:, 0], estimates[:, 1], level)) is not None
    }
    if not gaps:
        return None
    rate = max(gaps, key=lambda one: (gaps[one].value, gaps[one].lower))
    largest = gaps[rate]
    lower, upper = (max(getattr(one, end) for one in gaps.values()) for end in ("lower", "upper"))
    whole = Gap(max(largest.value, lower), lower, upper, largest.highest, largest.lowest)
    return rate, whole, (names[largest.highest], names[largest.lowest])


def _gap(values: Floats, errors: Floats, level: float) -> Gap | None:
    """The gap of the groups that define a rate, with their places among all."""
    known = np.flatnonzero(np.isfinite(values))
    if known.size < 2:  # noqa: PLR2004 - one is apart from nothing
        return None
    found = gap_of(values[known], errors[known], level)
    return Gap(found.value, found.lower, found.upper, int(known[found.highest]), int(known[found.lowest]))

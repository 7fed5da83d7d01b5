"""Gives detectors the stored samples of windows; nothing is read where no detector wants them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from collector.samples.rows import representative
from collector.store.read import Reader
from modelwatch.monitor import Monitor
from profiles import Profile, Shape
from profiles.sample import BottomK

PART = BottomK.kind


def reads_samples(monitor: Monitor) -> bool:
    """Whether a detector that is switched on reads samples."""
    return any(BottomK.kind in detector.spaces for detector in monitor.switched_on())


def shape_of(reader: Reader, monitor: Monitor) -> Shape | None:
    """The shape of the model's profiles, with the sample as a part of it where it is read."""
    if reader.shape is None or not monitor.sample.rows or not reads_samples(monitor):
        return reader.shape
    sample = {PART: BottomK(monitor.sample.rows)}
    return Shape(reader.shape.spaces | sample)  # type: ignore[operator]  # it is never stored


def with_samples(
    reader: Reader, monitor: Monitor, role: str, profiles: Mapping[int, Profile]
) -> dict[int, Profile]:
    """The profiles of all rows of some windows, with the sample as a part of them where it is read.

    Of many windows some are read, which are many enough to say what is usual.
    """
    if not profiles or not monitor.sample.rows or not reads_samples(monitor):
        return dict(profiles)
    found = reader.samples(role, representative(profiles), BottomK(monitor.sample.rows))
    return {
        start: replace(profile, parts={**profile.parts, PART: found[start]}) if start in found else profile
        for start, profile in profiles.items()
    }

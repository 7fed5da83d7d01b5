"""Fairness: how far the groups of one column are apart, in what the model says and in how good it is."""

from detectors.fairness.group_gap import GroupGap
from detectors.fairness.measures import MEASURES, Measure, measure_of
from detectors.fairness.settings import Fairness

__all__ = ["MEASURES", "Fairness", "GroupGap", "Measure", "measure_of"]

"""Profiles in, verdicts out. Pure: no I/O, no clock, no database.

A *detector* learns a baseline from the reference's windows and judges one window against it; its judgement
carries a p-value. A *tracker* turns the judgements of successive windows into evidence and a verdict. An
*objective* is a promise (SLO) that decides by itself.
"""

from detectors.budget import Budget
from detectors.catalog import DETECTORS, AnyDetector, Check, checks, default_detectors
from detectors.detector import Detector
from detectors.duration import Duration, Share, parse_duration, show_duration
from detectors.evidence import Evidence, Tracker, p_of_evidence
from detectors.indicator import IndicatorKind
from detectors.judgement import Judgement, Verdict, insufficient
from detectors.objective import Objective
from detectors.season import Phase, phase_of

__all__ = [
    "DETECTORS",
    "AnyDetector",
    "Budget",
    "Check",
    "Detector",
    "Duration",
    "Evidence",
    "IndicatorKind",
    "Judgement",
    "Objective",
    "Phase",
    "Share",
    "Tracker",
    "Verdict",
    "checks",
    "default_detectors",
    "insufficient",
    "p_of_evidence",
    "parse_duration",
    "phase_of",
    "show_duration",
]

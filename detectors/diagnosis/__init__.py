"""What a change looks like: explanations of a breach, from profiles alone.

An explanation is a transformation of the reference that is compared with the window. It counts if it leaves
little of the distance that there was. See docs/diagnosis.md.
"""

from detectors.diagnosis.categorical import categorical
from detectors.diagnosis.change import Change
from detectors.diagnosis.contribution import contributions
from detectors.diagnosis.course import Course, course
from detectors.diagnosis.finding import Finding, Kind, figure, percent
from detectors.diagnosis.numeric import numeric
from detectors.diagnosis.requests import failing, slower
from detectors.diagnosis.scope import Scope, scope
from detectors.diagnosis.swapped import swapped

__all__ = [
    "Change",
    "Course",
    "Finding",
    "Kind",
    "Scope",
    "categorical",
    "contributions",
    "course",
    "failing",
    "figure",
    "numeric",
    "percent",
    "scope",
    "slower",
    "swapped",
]

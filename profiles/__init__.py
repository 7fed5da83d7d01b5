"""The sums that everything else is a function of: windows of traffic as additive profiles.

A *space* fixes how a column is counted (a grid, a vocabulary, a projection); it is made once, from the
reference, and never changes. A *summary* is what a space counted in some rows. Summaries of one space add,
subtract and have a zero, and so do the *profiles* made of them. Only numpy is needed here.
"""

from profiles.categorical import CategoricalSummary, Vocabulary
from profiles.class_scores import ClassScoreCounts, ClassScores
from profiles.classes import ClassOutcomes, MulticlassOutcomes, Probabilities
from profiles.contract import (
    ARRIVALS,
    CONTRACT,
    Arrivals,
    ArrivalSummary,
    Contract,
    ContractSummary,
    Violation,
    contract_part,
)
from profiles.counts import Counts
from profiles.embedding import EmbeddingSummary, Projection
from profiles.grid import Grid
from profiles.groups import Groups
from profiles.latency import LatencyGrid, LatencySummary
from profiles.losses import Losses, LossSums
from profiles.moments import Moments, MomentSummary
from profiles.numeric import NumericSummary
from profiles.outcomes import (
    NO_SCORE,
    BinaryOutcomes,
    Outcomes,
    RegressionOutcomes,
    ResidualGrid,
)
from profiles.profile import Profile
from profiles.ranking import RankedLists, RankingOutcomes
from profiles.score import ScoreGrid
from profiles.scored import Scored, ScoredPredictions
from profiles.shape import SPACES, Shape, Space
from profiles.status import FAILURES, Status
from profiles.sums import Sums

__all__ = [
    "ARRIVALS",
    "CONTRACT",
    "FAILURES",
    "NO_SCORE",
    "SPACES",
    "ArrivalSummary",
    "Arrivals",
    "BinaryOutcomes",
    "CategoricalSummary",
    "ClassOutcomes",
    "ClassScoreCounts",
    "ClassScores",
    "Contract",
    "ContractSummary",
    "Counts",
    "EmbeddingSummary",
    "Grid",
    "Groups",
    "LatencyGrid",
    "LatencySummary",
    "LossSums",
    "Losses",
    "MomentSummary",
    "Moments",
    "MulticlassOutcomes",
    "NumericSummary",
    "Outcomes",
    "Probabilities",
    "Profile",
    "Projection",
    "RankedLists",
    "RankingOutcomes",
    "RegressionOutcomes",
    "ResidualGrid",
    "ScoreGrid",
    "Scored",
    "ScoredPredictions",
    "Shape",
    "Space",
    "Status",
    "Sums",
    "Violation",
    "Vocabulary",
    "contract_part",
]
